"""Bins of a data set without classes: the cells of k-means on the reference's features.

The cells are those of Richardson & Weiss 2018 (On GANs and GMMs, section 3), who take pixels where
these are features, and 100 cells. Centres are fitted to one part of the reference, and what the
cells hold of the data is counted on the other: rows lie nearer to centres that were fitted to them
than new rows do, so shares of the fitted rows are no shares of the data. In 512 dimensions half of
the cells of 2,000 rows hold less than a quarter of what they seem to.

A cell with too few counted rows to compare anything with is dissolved: its centre is left out, and
its rows go to the next one.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from eval.metrics.base import Gathered, present
from eval.metrics.distances import Rows, exact_squares
from eval.metrics.neighbors import nearest

BINS = 100
FITTED_A_BIN, COUNTED_A_BIN = 5, 20
"""Rows for each bin: fitted ones on average, and counted ones at least.

Of fewer rows there are fewer bins.
"""
FITTED_AT_MOST, FITTED_PART = 10_000, 3
"""Limits on the first reference rows, which centres are fitted to.

At most so many, and at most a third of all.
"""
ITERATIONS = 100


@dataclass(frozen=True, eq=False)
class Bins:
    """Cells of the space of features, each with all that is nearest to one of the centres."""

    centers: Float[np.ndarray, "bins d"]
    reference: Int[np.ndarray, " bins"]
    """Number of reference rows in each bin, of those that no centre was fitted to."""

    def place(self, rows: Rows) -> Int[np.ndarray, " n"]:
        """The bin of each row: `[n, d]` to `[n]`."""
        return nearest(rows, self.centers, 1).indices[:, 0]

    def count(self, rows: Rows) -> Int[np.ndarray, " bins"]:
        """Number of these rows `[n, d]` in each bin."""
        return np.bincount(self.place(rows), minlength=len(self.centers))


@lru_cache(maxsize=2)
def bins_of(reference: Gathered) -> Bins:
    """The bins of a reference's features, fitted once and always the same ones.

    The features are two rows or more, in random order.
    """
    rows = present(reference.features)
    fitted, counted = np.split(rows, [max(1, min(FITTED_AT_MOST, len(rows) // FITTED_PART))])
    centers = _centers(fitted)
    return _dissolved(centers, counted if len(counted) else fitted)


def _centers(rows: Rows) -> Float[np.ndarray, "bins d"]:
    different = len(np.unique(rows, axis=0))
    many = max(1, min(BINS, len(rows) // FITTED_A_BIN, different))
    # To about 1 and back by a power of two: float32 has no squares of 1e30 or 1e-30.
    exponent = np.frexp(np.abs(rows).max())[1]
    # In one thread: sums in another order would lead to other bins on another machine.
    with threadpool_limits(1):
        found = KMeans(many, n_init=1, max_iter=ITERATIONS, random_state=0)
        centers = found.fit(np.ldexp(rows, -exponent)).cluster_centers_
    return np.ldexp(centers, exponent).astype(np.float32)


def _dissolved(centers: Float[np.ndarray, "bins d"], counted: Rows) -> Bins:
    """The bins that are left when those with too few rows are dissolved, the smallest first."""
    kept = np.arange(len(centers))
    places = nearest(counted, centers, 1).indices[:, 0]
    while len(kept) > 1:
        counts = np.bincount(places, minlength=len(centers))[kept]
        if counts.min() >= COUNTED_A_BIN:
            break
        smallest, kept = kept[counts.argmin()], np.delete(kept, counts.argmin())
        moved = np.flatnonzero(places == smallest)
        if len(moved):
            row, center = np.divmod(np.arange(len(moved) * len(kept)), len(kept))
            squares = exact_squares(counted[moved], centers[kept], row, center)
            places[moved] = kept[squares.reshape(-1, len(kept)).argmin(axis=1)]
    return Bins(centers[kept], np.bincount(places, minlength=len(centers))[kept])
