"""Kernel distance: polynomial maximum mean discrepancy (Binkowski et al. 2018, equation 4; "KID").

    k(x, y) = (x . y / d + 1)^3
    MMD^2 = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)

The means are mostly the same number and cancel, with most of the digits if the features lie far
from 0: `about` leaves that number out before anything is summed.

All rows at once give the unbiased estimate (Gretton et al. 2012, equation 3); it may be negative.
The published figures are means over subsets, as torch-fidelity draws them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from eval.metrics.base import Inputs, Metric, StandardError, Value, check_features, present

ROWS_AT_MOST = 10_000
"""Most rows of each side that the estimate from all rows looks at."""
BLOCK = 1024
SUBSETS, SUBSET_SIZE, SUBSET_SEED = 100, 1_000, 2020

Kernel = Callable[[Float[np.ndarray, "a d"], Float[np.ndarray, "b d"]], Float[np.ndarray, "a b"]]


def about(center: Float[np.ndarray, " d"]) -> Kernel:
    """The cubic kernel of rows given as differences from `center`, less what cancels.

    With rows c + u and c + v, a = |c|^2 / d + 1 and t = (c . u + c . v + u . v) / d the kernel is
    (a + t)^3 = a^3 + 3 a^2 t + 3 a t^2 + t^3. In MMD^2 any term that one row alone decides cancels:
    a^3 is left out, and of 3 a^2 t all but 3 a^2 u . v / d.
    """
    dimensions = len(center)
    constant = center @ center / dimensions + 1
    weight = center / dimensions

    def kernel(
        a: Float[np.ndarray, "a d"], b: Float[np.ndarray, "b d"]
    ) -> Float[np.ndarray, "a b"]:
        product = a @ b.T
        product /= dimensions
        moved = product + np.add.outer(a @ weight, b @ weight)
        return 3 * constant**2 * product + moved**2 * (3 * constant + moved)

    return kernel


class RowSums(NamedTuple):
    """Sums of the kernel for each row of one set, over the other set and over its own."""

    others: Float[np.ndarray, " n"]
    """Sum of each row's kernel over the rows of the other set."""
    own: Float[np.ndarray, " n"]
    """Sum of each row's kernel over the other rows of its own set."""


def row_sums(
    rows: Float[np.ndarray, "n d"], others: Float[np.ndarray, "m d"], kernel: Kernel
) -> RowSums:
    """Sum the kernel over each row's pairs by blocks; the matrix of all pairs is never there."""
    across, own = np.zeros(len(rows)), np.zeros(len(rows))
    for start in range(0, len(rows), BLOCK):
        block = slice(start, start + BLOCK)
        for first in range(0, len(others), BLOCK):
            across[block] += kernel(rows[block], others[first : first + BLOCK]).sum(axis=1)
        for first in range(start, len(rows), BLOCK):
            pairs = kernel(rows[block], rows[first : first + BLOCK])
            if first == start:
                np.fill_diagonal(pairs, 0)
                own[block] += pairs.sum(axis=1)
            else:  # the kernel is symmetric: each pair of blocks is met once
                own[block] += pairs.sum(axis=1)
                own[first : first + BLOCK] += pairs.sum(axis=0)
    return RowSums(across, own)


def own_mean(rows: Float[np.ndarray, "n d"], kernel: Kernel) -> float:
    """The mean kernel of two different rows of one set."""
    sums = row_sums(rows, rows[:0], kernel).own
    return float(sums.sum() / (len(rows) * (len(rows) - 1)))


def kernel_distance(
    real: Float[np.ndarray, "n d_real"], fake: Float[np.ndarray, "m d_fake"]
) -> float:
    """The unbiased estimate from all rows, in float64; the numbers of rows may differ.

    Raises:
        FeatureError: fewer than two rows, a row that is not finite, dimensions that differ.

    >>> rows = np.array([[0.0], [1.0]])
    >>> round(kernel_distance(rows, rows + 1), 6)
    9.5
    """
    return _estimate(real, fake).value


class _Estimate(NamedTuple):
    value: float
    error: float
    """Standard error of the distance over redraws of the fakes."""


def _estimate(
    real: Float[np.ndarray, "n d_real"], fake: Float[np.ndarray, "m d_fake"]
) -> _Estimate:
    """The kernel distance, and its error from the U-statistic's projections on single fakes.

    Leaving all others as they are, fake j moves the estimate by 2 / m of
    `mean_{i != j} k(y_j, y_i) - mean_i k(y_j, x_i)` (the first Hoeffding projection).
    """
    check_features(fake, real)
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    center = np.concatenate([real, fake]).mean(axis=0)
    real, fake, kernel = real - center, fake - center, about(center)
    sums = row_sums(fake, real, kernel)
    m = len(fake)
    own, across = sums.own / (m - 1), sums.others / len(real)
    value = float(own_mean(real, kernel) + own.mean() - 2 * across.mean())
    return _Estimate(value, float(2 * (own - across).std(ddof=1) / np.sqrt(m)))


class Subsets(NamedTuple):
    """Unbiased estimates from random subsets: their mean and standard deviation (ddof = 0)."""

    mean: float
    sd: float


def kernel_distance_subsets(
    real: Float[np.ndarray, "n d"],
    fake: Float[np.ndarray, "m d"],
    subsets: int = SUBSETS,
    size: int = SUBSET_SIZE,
    seed: int = SUBSET_SEED,
) -> Subsets:
    """Mean and spread of the kernel distance over subsets, as torch-fidelity draws them.

    Args:
        real: features, `[n, d]`.
        fake: features, `[m, d]`.
        subsets: how many.
        size: rows of each set in a subset, drawn without replacement.
        seed: of NumPy's `RandomState`; of each subset the fakes are drawn first.

    Raises:
        FeatureError: a row that is not finite, dimensions that differ.
        UndefinedError: sets smaller than a subset.
    """
    check_features(fake, real, at_least=max(size, 2))
    stream = np.random.RandomState(seed)
    values = []
    for _ in range(subsets):
        fakes = fake[stream.choice(len(fake), size, replace=False)]
        reals = real[stream.choice(len(real), size, replace=False)]
        values.append(kernel_distance(reals, fakes))
    return Subsets(float(np.mean(values)), float(np.std(values)))


def _measure(inputs: Inputs, seed: int) -> Value:
    fake = present(inputs.samples.features)[:ROWS_AT_MOST]
    real = present(inputs.reference.features)[:ROWS_AT_MOST]
    value, error = _estimate(real, fake)
    told = StandardError(error, "first_projection")
    return Value(value, told, n=len(fake), reference_n=len(real))


def _measure_subsets(inputs: Inputs, seed: int) -> Value:
    fake, real = present(inputs.samples.features), present(inputs.reference.features)
    found = kernel_distance_subsets(real, fake)
    whole = _estimate(real[:ROWS_AT_MOST], fake[:ROWS_AT_MOST]).error
    error = float(np.hypot(whole, found.sd / np.sqrt(SUBSETS)))
    told = StandardError(error, "first_projection_and_subsets")
    return Value(found.mean, told, {"subset_size": SUBSET_SIZE, "subsets_sd": found.sd})


KERNEL_DISTANCE = Metric(
    name="kernel_distance_unbiased",
    label="kernel distance",
    needs=frozenset({"features"}),
    measure=_measure,
    text="{:.4g}".format,
)
KERNEL_DISTANCE_SUBSETS = Metric(
    name="kernel_distance_100x1000",
    label="kernel distance, 100 x 1,000",
    needs=frozenset({"features"}),
    measure=_measure_subsets,
    at_least=SUBSET_SIZE,
    text="{:.4g}".format,
)
