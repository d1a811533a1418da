"""Exact nearest neighbours from float32 products: estimate all pairs, then settle close calls.

Every estimate has a bound on its error; whatever the bounds leave open is computed again in float64
and from the differences of the stored rows. So results are those of float64, at the price of
float32. Rows that too many others are about equally near to (a collapsed generator's, say) are
searched again in float64, each distinct one once. In few dimensions a tree does it all.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.neighbors import KDTree

from eval.metrics.base import UndefinedError
from eval.metrics.candidates import Bounds, candidates, float64_candidates
from eval.metrics.distances import FEW_DIMENSIONS, Rows, exact_squares

SPARE = 7
"""Candidates that are kept beyond the k nearest, for close calls."""


class Neighbors(NamedTuple):
    """The k nearest rows of a set to each row of another, the nearest first.

    Of equally near rows the one with the smaller index comes first.
    """

    indices: Int[np.ndarray, "n k"]
    squares: Float[np.ndarray, "n k"]
    """Squared distances to the neighbours, float64."""


def nearest(a: Rows, b: Rows, k: int, within: bool = False) -> Neighbors:
    """The k nearest rows of `b` to each row of `a`, exactly.

    Args:
        a: rows.
        b: rows to search, of the same features.
        k: how many.
        within: `a` and `b` are the same set; a row is not its own neighbour, its copies are.

    Raises:
        UndefinedError: fewer than k rows to search.
    """
    others = len(b) - within
    if k > others:
        raise UndefinedError(f"k = {k}: must be at most the {others} rows there are to be near")
    if a.shape[1] <= FEW_DIMENSIONS:
        found = _from_tree(a, b, k + within)
        return _without_own(found, np.arange(len(a))) if within else found
    return among(a, b, k, candidates(a, b, min(k + SPARE, others), within), within)


def among(a: Rows, b: Rows, k: int, bounds: Bounds, within: bool = False) -> Neighbors:
    """The k nearest rows as `nearest` finds them, in more than a few dimensions, from candidates.

    The candidates are k + `SPARE` of each row, or all where there are fewer.
    """
    left = bounds.columns.shape[1] < len(b) - within
    found, crowded = _settled(a, b, k, bounds, left)
    rows = np.flatnonzero(crowded)
    if len(rows):
        again = _searched_again(a[rows], b, k + within)
        again = _without_own(again, rows) if within else again
        found.indices[rows], found.squares[rows] = again
    return found


def _settled(
    a: Rows, b: Rows, k: int, bounds: Bounds, others_left: bool
) -> tuple[Neighbors, Bool[np.ndarray, " n"]]:
    """The k nearest of the candidates by exact distances, and which rows are crowded.

    Exact are the distances of all candidates that may be among the nearest. A row is crowded where
    others than its candidates may be among them.
    """
    possible = bounds.lower <= np.partition(bounds.upper, k - 1, axis=1)[:, k - 1 : k]
    i, place = np.nonzero(possible)
    exact = np.full(possible.shape, np.inf)
    exact[possible] = exact_squares(a, b, i, bounds.columns[i, place])
    crowded = np.logical_and(possible.all(axis=1), others_left)
    return _first(bounds.columns, exact, k), crowded


def _first(
    columns: Int[np.ndarray, "n count"], squares: Float[np.ndarray, "n count"], k: int
) -> Neighbors:
    order = np.lexsort((columns, squares), axis=1)[:, :k]
    indices = np.take_along_axis(columns, order, axis=1).astype(np.int64)
    return Neighbors(indices, np.take_along_axis(squares, order, axis=1))


def _searched_again(a: Rows, b: Rows, k: int) -> Neighbors:
    """Neighbours by float64 candidates, for rows that float32 leaves crowded.

    Where even that leaves rows crowded: from all exact distances.
    """
    _, firsts, inverse = np.unique(a, axis=0, return_index=True, return_inverse=True)
    distinct, count = a[firsts], min(k + SPARE, len(b))
    found, crowded = _settled(
        distinct, b, k, float64_candidates(distinct, b, count), count < len(b)
    )
    rows = np.flatnonzero(crowded)
    found.indices[rows], found.squares[rows] = _among_all(distinct[rows], b, k)
    return Neighbors(found.indices[inverse.ravel()], found.squares[inverse.ravel()])


def _among_all(a: Rows, b: Rows, k: int) -> Neighbors:
    """Neighbours from the exact distances of all pairs, a row at a time."""
    everyone = np.arange(len(b))
    indices, squares = np.empty((len(a), k), np.int64), np.empty((len(a), k))
    for row in range(len(a)):
        exact = exact_squares(a, b, np.full(len(b), row), everyone)
        found = _first(everyone[None], exact[None], k)
        indices[row], squares[row] = found.indices[0], found.squares[0]
    return Neighbors(indices, squares)


def _without_own(found: Neighbors, rows: Int[np.ndarray, " n"]) -> Neighbors:
    """Drop the row itself from its neighbours, or the last where copies left the row out."""
    own = found.indices == rows[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (len(rows), own.shape[1] - 1)
    return Neighbors(found.indices[~own].reshape(shape), found.squares[~own].reshape(shape))


def _from_tree(a: Rows, b: Rows, k: int) -> Neighbors:
    """Neighbours by a tree, which leaves open whose turn it is among equally near rows."""
    count = min(k + SPARE, len(b))
    distinct, inverse = np.unique(a, axis=0, return_inverse=True)
    tree = KDTree(b.astype(np.float64))
    columns = tree.query(distinct.astype(np.float64), count, return_distance=False)
    i = np.repeat(np.arange(len(distinct)), count)
    squares = exact_squares(distinct, b, i, columns.ravel()).reshape(columns.shape)
    found = _first(columns, squares, k)
    rows = np.flatnonzero((squares.max(axis=1) <= found.squares[:, -1]) & (count < len(b)))
    found.indices[rows], found.squares[rows] = _among_all(distinct[rows], b, k)
    return Neighbors(found.indices[inverse.ravel()], found.squares[inverse.ravel()])
