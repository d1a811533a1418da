"""The likeliest neighbours of each row, from estimates, a tile of pairs at a time.

Within one set every pair of blocks meets once, and both learn from the same products.
"""

from functools import partial
from typing import Literal, NamedTuple

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
    asking = searched if within else list(scale(a, size))
    blocks = _meet_all(asking, searched, size, count, share, within)
    lower, columns = (
        np.concatenate([np.asarray(block[part]) for block in blocks])[: len(a)] for part in (0, 1)
    )
    lengths_a, lengths_b = (
        np.concatenate([np.asarray(block.squares) for block in of]) for of in (asking, searched)
    )
    lengths = lengths_a[: len(a), None] + lengths_b[columns]
    return Bounds(columns, lower, lower + 2 * share * lengths)


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


class _Met(NamedTuple):
    """The smallest lower bounds that each row has met so far, and the columns they belong to."""

    lower: Float[Array, "rows count"]
    columns: Int[Array, "rows count"]


def _nothing_yet(size: int, count: int) -> _Met:
    return _Met(jnp.full((size, count), jnp.inf), jnp.full((size, count), -1, jnp.int32))


GROUP = 16
"""Columns of a tile that are looked into together, or not at all."""


def _merge(known: _Met, tile: Float[Array, "rows columns"], first: Array) -> _Met:
    """The smallest bounds among those known and those of a tile whose first column is `first`."""
    columns = _likely(tile, known.lower.shape[1])
    lower = jnp.concatenate([known.lower, jnp.take_along_axis(tile, columns, axis=1)], axis=1)
    negated, places = jax.lax.top_k(-lower, known.lower.shape[1])
    everyone = jnp.concatenate([known.columns, first + columns], axis=1)
    return _Met(-negated, jnp.take_along_axis(everyone, places, axis=1))


def _likely(tile: Float[Array, "rows columns"], count: int) -> Int[Array, "rows some"]:
    """Columns among which are the `count` smallest of each row.

    They lie in the `count` groups whose smallest members are smallest; to find those costs a pass
    over the tile, where to sort out all columns costs as much as the product that made it.
    """
    rows, width = tile.shape
    if width % GROUP or width // GROUP <= count:
        return jnp.broadcast_to(jnp.arange(width, dtype=jnp.int32), tile.shape)
    smallest = tile.reshape(rows, GROUP, width // GROUP).min(axis=1)
    _, groups = jax.lax.top_k(-smallest, count)
    members = groups[:, None] + (width // GROUP) * jnp.arange(GROUP, dtype=jnp.int32)[:, None]
    return members.reshape(rows, -1)


@partial(jax.jit, static_argnames=("share", "within"), donate_argnums=(4, 5))
def _meet(
    a: Estimates,
    b: Estimates,
    first_a: Int[Array, ""],
    first_b: Int[Array, ""],
    of_a: _Met,
    of_b: _Met,
    share: float,
    within: Literal["no", "one_block", "two_blocks"],
) -> tuple[_Met, _Met]:
    """Let two blocks of rows meet; within one set both learn from the same products."""
    tile = lower_bounds(a, b, share)
    if within == "one_block":
        tile = jnp.where(jnp.eye(len(tile), dtype=bool), jnp.inf, tile)
    if within == "two_blocks":
        of_b = _merge(of_b, tile.T, first_a)
    return _merge(of_a, tile, first_b), of_b


def _meet_all(
    a: list[Estimates], b: list[Estimates], size: int, count: int, share: float, within: bool
) -> list[_Met]:
    """The `count` rows of `b` with the smallest lower bounds, for each block of rows of `a`."""
    found = [_nothing_yet(size, count) for _ in a]
    for index, asking in enumerate(a):
        for other, searched in enumerate(b):
            if within and other < index:
                continue
            kind: Literal["no", "one_block", "two_blocks"] = "no"
            if within:
                kind = "one_block" if other == index else "two_blocks"
            known = found[other] if kind == "two_blocks" else _nothing_yet(1, count)
            found[index], met = _meet(
                asking,
                searched,
                jnp.int32(index * size),
                jnp.int32(other * size),
                found[index],
                known,
                share,
                kind,
            )
            if kind == "two_blocks":
                found[other] = met
    return found
