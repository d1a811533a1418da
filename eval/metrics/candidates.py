"""The likeliest neighbours of each row, from estimates, a tile of pairs at a time.

Within one set every pair of blocks meets once, and both learn from the same products. The products
are the accelerator's; what a tile holds that is nearer than all that a row has met before is little
after the first tiles, and picked out on the host.
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from eval.metrics.distances import (
    Estimates,
    Rows,
    block_size,
    error_share,
    lower_bounds,
    one_ahead,
    scale_of,
)


class Bounds(NamedTuple):
    """Candidates for the nearest neighbours of each row, with bounds on their squared distances.

    Bounds are of centred and scaled rows, so they compare within a row only. Every row that is no
    candidate has a lower bound at least as large as those of the candidates.
    """

    columns: Int[np.ndarray, "n count"]
    lower: Float[np.ndarray, "n count"]
    upper: Float[np.ndarray, "n count"]


FEW_HITS = 64
"""Columns of a tile for each row, on average, up to which they are picked out one by one."""


class Smallest:
    """The smallest lower bounds that each of n rows has met so far, and their columns."""

    def __init__(self, n: int, count: int) -> None:
        """Start with nothing met; `count` bounds are kept of each row."""
        self.lower: Float[np.ndarray, "n count"] = np.full((n, count), np.inf, np.float32)
        self.columns: Int[np.ndarray, "n count"] = np.full((n, count), -1, np.int64)

    def meet(self, tile: Float[np.ndarray, "rows columns"], rows: slice, first: int) -> None:
        """Take in the bounds of these rows on columns from `first` on."""
        known = self.lower[rows]
        nearer = np.flatnonzero(tile < known.max(axis=1, keepdims=True))
        if len(nearer) > FEW_HITS * len(tile):
            self._keep(np.arange(rows.start, rows.stop), *_smallest_of(tile, known.shape[1], first))
        elif len(nearer):
            row, column = np.divmod(nearer, tile.shape[1])
            some, begins, many = np.unique(row, return_index=True, return_counts=True)
            place = np.arange(len(row)) - np.repeat(begins, many)
            at = np.repeat(np.arange(len(some)), many), place
            lower = np.full((len(some), many.max()), np.inf, np.float32)
            columns = np.full(lower.shape, -1, np.int64)
            lower[at], columns[at] = tile[row, column], column + first
            self._keep(some + rows.start, lower, columns)

    def _keep(
        self,
        rows: Int[np.ndarray, " some"],
        lower: Float[np.ndarray, "some new"],
        columns: Int[np.ndarray, "some new"],
    ) -> None:
        count = self.lower.shape[1]
        lower = np.concatenate([self.lower[rows], lower], axis=1)
        columns = np.concatenate([self.columns[rows], columns], axis=1)
        kept = np.argpartition(lower, count - 1, axis=1)[:, :count]
        self.lower[rows] = np.take_along_axis(lower, kept, axis=1)
        self.columns[rows] = np.take_along_axis(columns, kept, axis=1)

    def bounds(
        self, own: Float[np.ndarray, " n"], others: Float[np.ndarray, " m"], share: float
    ) -> Bounds:
        """Both bounds of what was met, from the squared lengths of the rows and of the columns."""
        lengths = own[:, None] + others[self.columns]
        return Bounds(self.columns, self.lower, self.lower + 2 * share * lengths)


def _smallest_of(
    tile: Float[np.ndarray, "rows columns"], count: int, first: int
) -> tuple[Float[np.ndarray, "rows some"], Int[np.ndarray, "rows some"]]:
    """The `count` smallest bounds of each row of a tile, and the columns they belong to."""
    if tile.shape[1] <= count:
        columns = np.broadcast_to(np.arange(tile.shape[1]), tile.shape)
    else:
        columns = np.argpartition(tile, count - 1, axis=1)[:, :count]
    return np.take_along_axis(tile, columns, axis=1), columns + first


def candidates(a: Rows, b: Rows, count: int, within: bool) -> Bounds:
    """The `count` rows of `b` with the smallest lower bounds, for each row of `a`.

    Args:
        a: rows.
        b: rows to search.
        count: at most as many as there are to be near.
        within: `a` and `b` are the same set; a row is not its own neighbour.
    """
    scale, share = scale_of(b) if within else scale_of(b, a), error_share(a.shape[1])
    size = block_size(max(len(a), len(b)))
    searched = list(scale(b, size))
    found = Smallest(len(a), count)
    lengths = []

    def tiles() -> Iterator[tuple[slice, slice, Array]]:
        for index, asking in enumerate(searched if within else scale(a, size)):
            lengths.append(np.asarray(asking.squares))
            rows = slice(index * size, min((index + 1) * size, len(a)))
            for other in range(index if within else 0, len(searched)):
                columns = slice(other * size, min((other + 1) * size, len(b)))
                itself = within and other == index
                yield rows, columns, _tile(asking, searched[other], share, itself)

    for rows, columns, made in one_ahead(tiles()):
        tile = np.asarray(made)[: rows.stop - rows.start, : columns.stop - columns.start]
        found.meet(tile, rows, columns.start)
        if within and columns != rows:
            found.meet(tile.T, columns, rows.start)
    own = np.concatenate(lengths)[: len(a)]
    others = np.concatenate([np.asarray(block.squares) for block in searched])
    return found.bounds(own, others, share)


@partial(jax.jit, static_argnames=("share", "itself"))
def _tile(a: Estimates, b: Estimates, share: float, itself: bool) -> Float[Array, "rows columns"]:
    """Lower bounds of the pairs of two blocks; a row that meets itself is infinitely far."""
    tile = lower_bounds(a, b, share)
    return jnp.where(jnp.eye(len(tile), dtype=bool), jnp.inf, tile) if itself else tile


def float64_candidates(a: Rows, b: Rows, count: int) -> Bounds:
    """Candidates from float64 products on the host, for rows close together; centred on `a`."""
    unit = 2.0**-53
    share = (a.shape[1] + 16) * unit
    scale = scale_of(a, b)
    near, far = ((rows.astype(np.float64) - scale.center) * scale.factor for rows in (a, b))
    lengths = (far**2).sum(axis=1)
    columns = np.empty((len(a), count), np.int64)
    lower, upper = np.empty((2, len(a), count))
    step = block_size(len(a))
    for start in range(0, len(a), step):
        rows = slice(start, min(start + step, len(a)))
        own = (near[rows] ** 2).sum(axis=1)[:, None]
        bounds = (1 - share) * (own + lengths) - 2 * (near[rows] @ far.T)
        columns[rows] = np.argpartition(bounds, count - 1, axis=1)[:, :count]
        lower[rows] = np.take_along_axis(bounds, columns[rows], axis=1)
        upper[rows] = lower[rows] + 2 * share * (own + lengths[columns[rows]])
    return Bounds(columns, lower, upper)
