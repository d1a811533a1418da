"""Covariances of samples of a Gaussian, drawn from its spectrum: how far two of them are apart.

The Frechet distance of two samples of one Gaussian depends on its eigenvalues alone. The
covariance of n rows is a Wishart matrix, whose root is drawn as a trapeze of normal and chi
variables (Bartlett 1933), of no more rows than the rank: nothing of n rows is drawn.

The eigenvalues of a sample spread more than those of what it was drawn from, the more the nearer
n comes to d (Marchenko & Pastur 1967). Here the true ones are those whose own samples have the
eigenvalues that were seen: they are multiplied by what these were too small by, a few times over.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import chi2

ROUNDS = 6
"""Rounds of correction of the spectrum; two draws of it are then as good as equal."""


def population_spectrum(
    seen: Float[np.ndarray, " d"], n: int, rng: np.random.Generator
) -> Float[np.ndarray, " d"]:
    """The eigenvalues of the covariance that a sample was drawn from, largest first.

    Args:
        seen: eigenvalues of the sample's covariance (ddof = 1).
        n: rows of the sample.
        rng: draws samples of the spectra that are tried.
    """
    d, total = len(seen), seen.sum()
    rank = min(n - 1, d)
    seen = np.sort(seen.clip(min=0))[::-1][:rank]
    # The places of all d among those that the sample has.
    places, everyone = np.linspace(0, rank - 1, d), np.arange(rank)
    spectrum = np.interp(places, everyone, seen)
    if total <= 0:
        return np.zeros(d)
    for _ in range(ROUNDS):
        spectrum = np.sort(spectrum)[::-1] * (total / spectrum.sum())
        root = _root(spectrum, n, *_variables(d, rng))
        drawn = np.linalg.eigvalsh(root @ root.T)[::-1]
        too_small = seen / drawn.clip(min=drawn[0] * np.finfo(float).eps)
        spectrum = spectrum * np.interp(places, everyone, too_small)
    return np.sort(spectrum)[::-1] * (total / spectrum.sum())


def covariance_distances(
    spectrum: Float[np.ndarray, " d"],
    sizes: Sequence[tuple[int, int]],
    draws: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "draws sizes"]:
    """The covariances' part in the Frechet distance of two Gaussian samples, by simulation.

    Args:
        spectrum: of the Gaussian that both are of, largest first.
        sizes: rows of the two; all are drawn from the same variables, so that they compare well.
        draws: how many of each.
        rng: draws them.
    """
    found = np.empty((draws, len(sizes)))
    for draw in range(draws):
        one, other = _variables(len(spectrum), rng), _variables(len(spectrum), rng)
        for column, (n, m) in enumerate(sizes):
            roots = _root(spectrum, n, *one), _root(spectrum, m, *other)
            found[draw, column] = _distance(*roots)
    return found


def _variables(
    d: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "d d"], Float[np.ndarray, " d"]]:
    """Random variables of a root, whatever the number of rows: normal ones and uniform ones."""
    return rng.normal(size=(d, d)), rng.uniform(size=d)


def _root(
    spectrum: Float[np.ndarray, " d"],
    n: int,
    normal: Float[np.ndarray, "d d"],
    uniform: Float[np.ndarray, " d"],
) -> Float[np.ndarray, "rank d"]:
    """A root R of a random covariance of n rows, `R^T R`."""
    rank = np.arange(min(n - 1, len(spectrum)))
    root = np.triu(normal[rank], 1)
    root[rank, rank] = np.sqrt(chi2.ppf(uniform[rank], n - 1 - rank))
    return root * np.sqrt(spectrum / (n - 1))


def _distance(a: Float[np.ndarray, "rank_a d"], b: Float[np.ndarray, "rank_b d"]) -> float:
    """The Frechet distance of two covariances, given their roots."""
    product = a @ b.T if len(a) <= len(b) else b @ a.T
    # Eigenvalues take half the time of singular values, and are good to 1e-8, which will do here.
    geometric = np.sqrt(np.linalg.eigvalsh(product @ product.T).clip(min=0)).sum()
    return float((a**2).sum() + (b**2).sum() - 2 * geometric)
