"""Frechet distance between two Gaussians fitted to features (Heusel et al. 2017, equation 6).

    |mean_a - mean_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2))

With any roots `R_a^T R_a = S_a` and `R_b^T R_b = S_b`, the trace of the geometric term is the
nuclear norm (sum of singular values) of `R_a R_b^T`. That needs no matrix square root and no
epsilon, and it is right for rank-deficient covariances: a root keeps as many directions as the rank
can be, so that rounding adds none. Covariances divide by n - 1.
"""

import contextlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from eval.metrics.base import (
    FeatureError,
    Floor,
    Inputs,
    Metric,
    StandardError,
    UndefinedError,
    Value,
    check_features,
)
from eval.metrics.wishart import covariance_distances, population_spectrum
from eval.moments import Moments, merge, moments

FLOOR_WORK, FLOOR_DRAWS = 4_096, (4, 64)
"""Draws of a floor times dimensions, and the fewest and most draws.

In many dimensions each draw says nearly the same.
"""
HALF_ROWS, HALF_ROWS_A_DIMENSION = 2_000, 4
"""Most rows in each half of the reference: the larger of a number, and a number a dimension.

More rows say the same.
"""


class Gaussian(NamedTuple):
    """A Gaussian in float64: its mean, and a root R of its covariance, `R^T R`."""

    mean: Float[np.ndarray, " d"]
    root: Float[np.ndarray, "rank d"]


def gaussian(of: Moments) -> Gaussian:
    """The Gaussian with these moments (ddof = 1).

    Its root is the Cholesky factor where the covariance has full rank. Otherwise it holds the
    eigenvectors, at most n - 1 of them: the others belong to eigenvalues that are 0.

    Raises:
        UndefinedError: fewer than two rows.
    """
    if of.n < 2:
        raise UndefinedError(f"a covariance needs at least 2 samples, not {of.n}")
    covariance = of.scatter / (of.n - 1)
    if of.n > len(of.mean):
        with contextlib.suppress(np.linalg.LinAlgError):
            return Gaussian(of.mean, np.linalg.cholesky(covariance).T)
    values, vectors = np.linalg.eigh(covariance)
    kept = slice(-min(of.n - 1, len(of.mean)), None)
    return Gaussian(of.mean, np.sqrt(values[kept].clip(min=0))[:, None] * vectors[:, kept].T)


def gaussian_distance(a: Gaussian, b: Gaussian) -> float:
    """The Frechet distance of two Gaussians of equal dimension; rounding never takes it below 0.

    Raises:
        FeatureError: dimensions that differ.
    """
    if len(a.mean) != len(b.mean):
        found = f"{len(a.mean)} and {len(b.mean)} dimensions"
        raise FeatureError(f"features have {found}; must be the same extractor's")
    geometric = np.linalg.svd(a.root @ b.root.T, compute_uv=False).sum()
    distance = ((a.mean - b.mean) ** 2).sum() + (a.root**2).sum() + (b.root**2).sum()
    return max(float(distance - 2 * geometric), 0.0)


def frechet_distance(a: Float[np.ndarray, "n_a d_a"], b: Float[np.ndarray, "n_b d_b"]) -> float:
    """The Frechet distance of two sets of features, in float64, with ddof = 1.

    Args:
        a: features of one set, `[n_a, d]`.
        b: features of the other, `[n_b, d]`; the order does not matter.

    Raises:
        FeatureError: fewer than two rows, a row that is not finite, dimensions that differ.
    """
    check_features(a, b)
    return gaussian_distance(gaussian(moments(a)), gaussian(moments(b)))


def jackknife(groups: tuple[Moments, ...], target: Gaussian) -> StandardError | None:
    """The standard error of the distance to a fixed Gaussian, from leaving out each group in turn.

    None where groups are too few or too small for it.
    """
    count = len(groups)
    if count < 2 or min(sum(g.n for g in groups) - g.n for g in groups) < 2:
        return None
    left_out = [
        gaussian_distance(gaussian(merge(groups[:index] + groups[index + 1 :])), target)
        for index in range(count)
    ]
    error = float(np.sqrt((count - 1) * np.var(left_out)))
    return StandardError(error, f"jackknife_{count}_groups")


def _measure(inputs: Inputs, seed: int) -> Value:
    groups, target = inputs.samples.moments, gaussian(merge(inputs.reference.moments))
    value = gaussian_distance(gaussian(merge(groups)), target)
    return Value(value, jackknife(groups, target), {"ddof": 1})


def perfect_sampler(inputs: Inputs, n: int, seed: int) -> Floor | None:
    """The Frechet distance of a sampler that draws from the true distribution: the floor.

    The distance of the means is tr(S) (1 / n + 1 / m) on average, whatever the distribution. That
    of the covariances is seen between halves of the reference, and taken from there to n and m as
    that of a Gaussian grows and falls, whose samples have the reference's spectrum (see `wishart`):
    near d, and below, it does not go with 1 / n + 1 / m.
    """
    features, of = inputs.reference.features, merge(inputs.reference.moments)
    if features is None or len(features) < 4:
        return None
    rng, d = np.random.default_rng([seed, n]), len(of.mean)
    draws = int(np.clip(FLOOR_WORK // d, *FLOOR_DRAWS))
    half = min(len(features) // 2, max(HALF_ROWS, HALF_ROWS_A_DIMENSION * d))
    spectrum = population_spectrum(np.linalg.eigvalsh(of.scatter / (of.n - 1)), of.n, rng)
    sizes = ((n, of.n), (half, half))
    model, model_of_halves = covariance_distances(spectrum, sizes, draws, rng).T
    seen = [_between_halves(features, half, rng) for _ in range(draws)]
    expected = model_of_halves.mean()
    covariances = model * (np.mean(seen) / expected if expected > 0 else 1.0)
    means = rng.chisquare(1, size=(draws, d)) @ spectrum * (1 / n + 1 / of.n)
    mean = spectrum.sum() * (1 / n + 1 / of.n) + covariances.mean()
    return Floor(float(mean), float((means + covariances).std(ddof=1)))


def _between_halves(rows: Float[np.ndarray, "n d"], half: int, rng: np.random.Generator) -> float:
    """The distance of the covariances of two random halves, of so many rows each."""
    chosen = rng.choice(len(rows), 2 * half, replace=False)
    one, other = (gaussian(moments(rows[some])) for some in (chosen[:half], chosen[half:]))
    return gaussian_distance(one, other) - float(((one.mean - other.mean) ** 2).sum())


FRECHET = Metric(
    name="frechet_distance",
    label="Frechet distance",
    needs=frozenset({"moments"}),
    measure=_measure,
    floor=perfect_sampler,
    text="{:.2f}".format,
)
