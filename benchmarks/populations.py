"""Populations with a known truth: features like those of users, and labellers of classes."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Rows = Float[np.ndarray, "n d"]
Draw = Callable[[int], Rows]
"""A function that draws so many rows of one distribution."""


def spectrum(d: int, power: float) -> Float[np.ndarray, " d"]:
    """Eigenvalues `k^-power` of a covariance, largest first."""
    return np.arange(1, d + 1, dtype=np.float64) ** -power


def sample_gaussian(values: Float[np.ndarray, " d"], n: int, rng: np.random.Generator) -> Rows:
    """Draw rows of a Gaussian with this spectrum."""
    return rng.normal(size=(n, len(values))) * np.sqrt(values)


def flat(d: int, rng: np.random.Generator) -> Draw:
    """A population of round Gaussian rows."""
    return lambda n: sample_gaussian(spectrum(d, 0), n, rng)


def decaying(d: int, rng: np.random.Generator) -> Draw:
    """A population of Gaussian rows with the spectrum 1 / k."""
    return lambda n: sample_gaussian(spectrum(d, 1), n, rng)


def heavy_tailed(d: int, rng: np.random.Generator) -> Draw:
    """A population of Student's t with 3 degrees of freedom, with the spectrum 1 / k."""

    def draw(n: int) -> Rows:
        scale = np.sqrt(rng.chisquare(3, size=(n, 1)) / 3)
        return sample_gaussian(spectrum(d, 1), n, rng) / scale

    return draw


def rectified(d: int, rng: np.random.Generator) -> Draw:
    """A population of rectified linear features: sparse and not round.

    The layer sees a Gaussian of half as many dimensions.
    """
    weights = sample_gaussian(spectrum(d // 2, 0), d, rng).T * spectrum(d // 2, 0.5)[:, None]

    def draw(n: int) -> Rows:
        return np.maximum(rng.normal(size=(n, d // 2)) @ weights - 0.5, 0)

    return draw


def clustered(d: int, rng: np.random.Generator) -> Draw:
    """A population of twenty clusters, whose shares fall by half four times over."""
    made = clusters(20, 0.5, d, rng, decades=1.2)
    return lambda n: made(n, 0)


def clusters(
    count: int, noise: float, d: int, rng: np.random.Generator, decades: float = 0.0
) -> Callable[[int, int], Rows]:
    """A function that draws rows of clusters, without the first few of them.

    Args:
        count: of clusters.
        noise: distance of a row from its centre, over that of centres from each other.
        d: dimensions.
        rng: draws centres and rows.
        decades: by which shares fall.
    """
    centers = rng.normal(size=(count, d)) / noise
    shares = np.logspace(0, -decades, count)

    def draw(n: int, missing: int) -> Rows:
        kept = np.where(np.arange(count) < missing, 0, shares)
        return centers[rng.choice(count, n, p=kept / kept.sum())] + rng.normal(size=(n, d))

    return draw


POPULATIONS: dict[str, Callable[[int, np.random.Generator], Draw]] = {
    "flat": flat,
    "decaying": decaying,
    "heavy-tailed": heavy_tailed,
    "rectified": rectified,
    "clustered": clustered,
}


def labeller(
    accuracy: float, classes: int, shares: Float[np.ndarray, " classes"], rng: np.random.Generator
) -> Float[np.ndarray, "classes classes"]:
    """The confusion matrix of a labeller of this accuracy, a row for each true class.

    The larger the class, the better it is read, and the likelier that another one is taken for it.

    Args:
        accuracy: share of the data that is read right.
        classes: how many there are.
        shares: of the classes.
        rng: draws which classes are alike.
    """
    right = 1 - (1 - accuracy) * (shares.max() / shares) ** 0.5
    for _ in range(50):  # so that classes that are read no worse than by chance leave the accuracy
        right = np.clip(right + accuracy - shares @ right, 0.02, 0.999)
    alike = rng.gamma(0.5, size=(classes, classes)) * shares
    np.fill_diagonal(alike, 0)
    truth = (1 - right)[:, None] * alike / alike.sum(axis=1, keepdims=True)
    np.fill_diagonal(truth, right)
    return truth
