"""Frechet distance between two Gaussians fitted to features (Heusel et al. 2017, equation 6).

    |mean_a - mean_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2))

With any roots `R_a^T R_a = S_a` and `R_b^T R_b = S_b`, the trace of the geometric term is the
nuclear norm (sum of singular values) of `R_a R_b^T`. That needs no matrix square root and no
epsilon, and it is right for rank-deficient covariances. Covariances divide by n - 1.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from eval.metrics.base import Floor, Inputs, Metric, Value, floor_of

FLOOR_DRAWS = 8


class Gaussian(NamedTuple):
    """A Gaussian in float64: its mean, and a root R of its covariance, `R^T R`."""

    mean: Float[np.ndarray, " d"]
    root: Float[np.ndarray, "rank d"]


def fit(features: Float[np.ndarray, "n d"]) -> Gaussian:
    """The Gaussian with the mean and the covariance (ddof = 1) of the features.

    While n <= d the centred rows are a root themselves; beyond that, one with d rows comes from
    the eigenvectors of the covariance.

    Raises:
        ValueError: fewer than two rows, or a row that is not finite.
    """
    n, dimensions = features.shape
    if n < 2:
        raise ValueError(f"a covariance needs at least 2 samples, not {n}")
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(bad):
        raise ValueError(f"{len(bad)} of {n} rows are not finite; the first is row {bad[0]}")
    features = features.astype(np.float64)
    mean = features.mean(axis=0)
    root = (features - mean) / np.sqrt(n - 1)
    if n > dimensions:
        values, vectors = np.linalg.eigh(root.T @ root)
        root = np.sqrt(values.clip(min=0))[:, None] * vectors.T
    return Gaussian(mean, root)


def gaussian_distance(a: Gaussian, b: Gaussian) -> float:
    """The Frechet distance of two Gaussians; rounding never takes it below 0.

    Raises:
        ValueError: dimensions that differ.
    """
    if len(a.mean) != len(b.mean):
        dimensions = f"{len(a.mean)} dimensions in one set and {len(b.mean)} in the other"
        raise ValueError(f"features have {dimensions}")
    geometric = np.linalg.svd(a.root @ b.root.T, compute_uv=False).sum()
    distance = ((a.mean - b.mean) ** 2).sum() + (a.root**2).sum() + (b.root**2).sum()
    return max(float(distance - 2 * geometric), 0.0)


def frechet_distance(a: Float[np.ndarray, "n_a d_a"], b: Float[np.ndarray, "n_b d_b"]) -> float:
    """The Frechet distance of two sets of features, in float64, with ddof = 1.

    Args:
        a: features of one set, `[n_a, d]`.
        b: features of the other, `[n_b, d]`; the order does not matter.

    Raises:
        ValueError: fewer than two rows, a row that is not finite, dimensions that differ.
    """
    return gaussian_distance(fit(a), fit(b))


def _measure(inputs: Inputs) -> Value:
    distance = frechet_distance(inputs.samples.features, inputs.reference.features)
    return Value(distance, {"ddof": 1})


def _floor(inputs: Inputs, n: int, seed: int) -> Floor:
    """The score of a sampler that draws from the reference itself, with replacement."""
    rng = np.random.default_rng([seed, n])
    reference = inputs.reference.features
    target = fit(reference)
    draws = [
        gaussian_distance(fit(reference[rng.integers(len(reference), size=n)]), target)
        for _ in range(FLOOR_DRAWS)
    ]
    return floor_of(np.array(draws))


DIGIT_FRECHET = Metric(
    name="frechet_distance_digit_classifier",
    label="Frechet distance (digits)",
    measure=_measure,
    floor=_floor,
    text="{:.2f}".format,
)
