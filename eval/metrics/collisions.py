"""Pairs of samples that are alike: how many there are, and how sure that figure is.

The share of the pairs that are alike is a U-statistic of degree 2, since pairs share samples. With
h the indicator that two samples are alike, c its mean and zeta = Var(E[h | one of the two]),

    Var(share) = (2 (n - 2) zeta + c (1 - c)) / (n (n - 1) / 2)

(Hoeffding 1948, equation 5.13). zeta is 0 where all of the support is equally likely: the pairs are
then as good as independent. Otherwise the number of pairs is overdispersed.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from scipy.stats import chi2
from sklearn.neighbors import KDTree

from eval.metrics.balls import Balls, count_inside
from eval.metrics.distances import FEW_DIMENSIONS, Rows
from eval.metrics.neighbors import Neighbors

ERROR = 0.05
"""Share of intervals that miss the truth: they are of 95 %."""


class Collisions(NamedTuple):
    """The pairs of n samples that are alike."""

    n: int
    pairs: int
    """Number of pairs that are alike, of n (n - 1) / 2."""
    share: float
    standard_error: float
    """Standard error of the share of pairs that are alike."""
    low: float
    high: float
    """Upper end of the share's 95 % interval, as `low` is the lower."""


def count_alike(
    rows: Rows, squared_distance: float, near: Neighbors | None = None
) -> Int[np.ndarray, " n"]:
    """Count, for each row of `[n, d]`, the other rows within this distance, exactly.

    Args:
        rows: the samples.
        squared_distance: within which two of them are alike.
        near: the nearest others of each row, where they are known: a row whose neighbours are not
            all alike to it needs no more.
    """
    if rows.shape[1] <= FEW_DIMENSIONS:
        exact = rows.astype(np.float64)
        # The tree takes the root and squares it again: a pair at the very distance is within.
        radius = np.sqrt(squared_distance) * (1 + 8 * np.finfo(np.float64).eps)
        return KDTree(exact).query_radius(exact, radius, count_only=True) - 1
    if near is None:
        alike, again = np.empty(len(rows), np.int64), np.arange(len(rows))
    else:
        alike = (near.squares <= squared_distance).sum(axis=1)
        all_alike = near.squares[:, -1] <= squared_distance
        more = near.squares.shape[1] < len(rows) - 1
        again = np.flatnonzero(all_alike) if more else np.arange(0)
    if len(again):
        asking = rows[again]
        around = Balls("fake", np.full(len(again), squared_distance), "inclusive")
        alike[again] = count_inside(rows, asking, [around])[0].of_fake - 1
    return alike


def collisions(alike: Int[np.ndarray, " n"]) -> Collisions:
    """The share of pairs that are alike, with an interval that knows that pairs share samples.

    The interval is Garwood's (1936) for a Poisson number, of the number of pairs over its
    dispersion, Var / mean, or over 1 where that is smaller. Without any pair it ends at 3.7 pairs.

    Args:
        alike: for each of at least 2 samples, how many others are like it.
    """
    n, degrees = len(alike), alike.astype(np.float64)
    possible, pairs = n * (n - 1) / 2, degrees.sum() / 2
    share = pairs / possible
    # The share of two pairs with a sample in common that are both alike: E[E[h | one]^2].
    both = (degrees * (degrees - 1)).sum() / (n * (n - 1) * max(n - 2, 1))
    variance = (2 * (n - 2) * max(both - share**2, 0.0) + share * (1 - share)) / possible
    dispersion = max(variance * possible / share, 1.0) if pairs else 1.0
    count = pairs / dispersion
    low = dispersion * chi2.ppf(ERROR / 2, 2 * count) / 2 if pairs else 0.0
    high = dispersion * chi2.ppf(1 - ERROR / 2, 2 * count + 2) / 2
    return Collisions(
        n=n,
        pairs=int(pairs),
        share=float(share),
        standard_error=float(np.sqrt(variance)),
        low=float(low / possible),
        high=float(min(high / possible, 1.0)),
    )
