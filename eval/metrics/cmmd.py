"""CMMD: maximum mean discrepancy with a Gaussian kernel (Jayasumana et al. 2024, section 4).

    k(x, y) = exp(-|x - y|^2 / (2 sigma^2)),  sigma = 10

The biased estimate (each row is paired with itself too), times 1,000. The paper takes it of CLIP
embeddings of unit length; here it is taken of whatever features are given.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float

from eval.metrics.base import Inputs, Metric, StandardError, Value, check_features, present
from eval.metrics.kernel_distance import ROWS_AT_MOST, Kernel, row_sums
from eval.metrics.vendi import unit_rows

SIGMA = 10.0
SCALE = 1_000.0


def gaussian_kernel(sigma: float) -> Kernel:
    """The kernel of each row of one block with each of another, float64."""

    def kernel(
        a: Float[np.ndarray, "a d"], b: Float[np.ndarray, "b d"]
    ) -> Float[np.ndarray, "a b"]:
        squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * (a @ b.T)
        return np.exp(-squared.clip(min=0) / (2 * sigma**2))

    return kernel


def cmmd(
    real: Float[np.ndarray, "n d_real"],
    fake: Float[np.ndarray, "m d_fake"],
    sigma: float = SIGMA,
    rows: Literal["raw", "unit_length"] = "raw",
) -> float:
    """The biased estimate of MMD squared, times 1,000, in float64.

    Args:
        real: features, `[n, d]`.
        fake: features, `[m, d]`.
        sigma: width of the kernel, in the features' unit.
        rows: features as they are, or scaled to unit length first.

    Raises:
        FeatureError: fewer than two rows, a row that is not finite, dimensions that differ.

    >>> rows = np.array([[0.0], [1.0]])
    >>> cmmd(rows, rows), round(cmmd(rows, rows + 100), 1)
    (0.0, 1995.0)
    """
    check_features(fake, real)
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    if rows == "unit_length":
        real, fake = unit_rows(real), unit_rows(fake)
    return _estimate(real, fake, sigma)[0]


def _estimate(
    real: Float[np.ndarray, "n d"], fake: Float[np.ndarray, "m d"], sigma: float
) -> tuple[float, float]:
    """The distance, and its standard error over redraws of the fakes: see `kernel_distance`."""
    center = real.mean(axis=0)
    real, fake = real - center, fake - center
    kernel = gaussian_kernel(sigma)
    of_fake = row_sums(fake, real, kernel)
    of_real = row_sums(real, real[:0], kernel)
    own, across = (of_fake.own + 1) / len(fake), of_fake.others / len(real)
    value = ((of_real.own + 1) / len(real)).mean() + own.mean() - 2 * across.mean()
    error = 2 * (own - across).std(ddof=1) / np.sqrt(len(fake))
    return SCALE * float(value), SCALE * float(error)


def _measure(inputs: Inputs, seed: int) -> Value:
    fake = present(inputs.samples.features)[:ROWS_AT_MOST]
    real = present(inputs.reference.features)[:ROWS_AT_MOST]
    check_features(fake, real)
    value, error = _estimate(real.astype(np.float64), fake.astype(np.float64), SIGMA)
    told = StandardError(error, "first_projection")
    return Value(value, told, n=len(fake), reference_n=len(real))


CMMD = Metric(
    name="cmmd_sigma10",
    label="CMMD, sigma 10 (x 1,000)",
    needs=frozenset({"features"}),
    measure=_measure,
    text="{:.3f}".format,
)
