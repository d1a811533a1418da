"""Bins of a data set without classes: the cells of k-means on the reference's features.

The cells are those of Richardson & Weiss 2018 (On GANs and GMMs, section 3), who take pixels where
these are features, and 100 cells.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from eval.metrics.base import Gathered, present
from eval.metrics.distances import Rows
from eval.metrics.neighbours import nearest

BINS = 100
ROWS_A_BIN = 20
"""Reference rows for each bin, on average; of fewer rows there are fewer bins."""
FITTED_AT_MOST = 10_000
"""The first reference rows, which the centres are fitted to; all rows are counted."""
ITERATIONS = 100


@dataclass(frozen=True, eq=False)
class Bins:
    """Cells of the space of features: all that is nearest to one of the centres."""

    centres: Float[np.ndarray, "bins d"]
    reference: Int[np.ndarray, " bins"]
    """How many rows of the reference lie in each."""

    def place(self, rows: Rows) -> Int[np.ndarray, " n"]:
        """The bin of each row."""
        return _place(rows, self.centres)

    def count(self, rows: Rows) -> Int[np.ndarray, " bins"]:
        """How many of these rows lie in each bin."""
        return _count(rows, self.centres)


def _place(rows: Rows, centres: Float[np.ndarray, "bins d"]) -> Int[np.ndarray, " n"]:
    return nearest(rows, centres, 1).indices[:, 0]


def _count(rows: Rows, centres: Float[np.ndarray, "bins d"]) -> Int[np.ndarray, " bins"]:
    return np.bincount(_place(rows, centres), minlength=len(centres))


@lru_cache(maxsize=2)
def bins_of(reference: Gathered) -> Bins:
    """The bins of a reference's features, fitted once; always the same ones."""
    rows = present(reference.features)
    fitted = rows[:FITTED_AT_MOST]
    different = len(np.unique(fitted, axis=0))
    many = max(1, min(BINS, len(rows) // ROWS_A_BIN, different))
    # In one thread: sums in another order would lead to other bins on another machine.
    with threadpool_limits(1):
        found = KMeans(many, n_init=1, max_iter=ITERATIONS, random_state=0).fit(fitted)
    centres = found.cluster_centers_.astype(np.float32)
    return Bins(centres, _count(rows, centres))
