"""Which points lie in which balls around others: counted exactly, a tile of distances at a time.

Every figure of precision, recall, density and coverage is such a count. Distances of real rows from
generated ones are estimated once for all of them, and close calls are settled in float64; in few
dimensions all distances are exact at once. The same estimates tell the real rows that each
generated one is likely to be nearest to.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Num

from eval.metrics.candidates import Bounds, Smallest
from eval.metrics.distances import (
    FEW_DIMENSIONS,
    NUMBERS_AT_ONCE,
    UNIT_ROUNDOFF,
    Estimates,
    Rows,
    block_size,
    error_share,
    exact_squares,
    lower_bounds,
    one_ahead,
    scale_of,
    squared_lengths,
)

LARGEST = float(np.finfo(np.float32).max) / 2
BITS = 31
"""Answers that a whole number of 32 bits holds."""
Ties = Literal["inclusive", "strict"]
"""Whether a point at the very radius of a ball is in it."""


class Balls(NamedTuple):
    """Balls around all rows of the real or of the fake set: one test of which rows lie inside."""

    around: Literal["real", "fake"]
    squared_radii: Float[np.ndarray, " n"]
    """Squared radius of each ball; minus infinity for a ball that holds nothing."""
    ties: Ties
    by_sets: bool = False
    """Whether to tell of sets of fakes too, beside all fakes."""
    settle: bool = True
    """Whether close calls are settled exactly; if not they may fall either way (for error bars)."""


class Inside(NamedTuple):
    """Pairs of a real and a fake row that are within the ball of one of them."""

    of_real: Bool[np.ndarray, "n sets"]
    """Whether each real row is paired with a fake: of all, then of each set where asked for."""
    of_fake: Int[np.ndarray, " m"]
    """Number of real rows paired with each fake row."""


class _Tile(NamedTuple):
    """What a tile says: sure answers, and which pairs are open."""

    lower: Float[Array, "rows columns"]
    of_real: Int[Array, "words rows"]
    """Answers of all tests about each real row, a bit for each."""
    of_fake: Int[Array, "tests columns"]
    unsettled: Bool[Array, "rows columns"]
    how_many: Array
    """Number of open pairs."""


@partial(jax.jit, static_argnames=("settle", "share"))
def _test_tile(
    real: Estimates,
    fake: Estimates,
    low: Sequence[Array],
    high: Sequence[Array],
    bits: Int[Array, "words tests columns"],
    settle: tuple[bool, ...],
    share: float,
) -> _Tile:
    """Which pairs are sure in each test, and which are open in any.

    Radii come rounded down and up, shaped to broadcast over rows or over columns. `bits` are those
    that a pair of a test and a fake sets.
    """
    lower = lower_bounds(real, fake, share)
    upper = lower + 2 * share * (real.squares[:, None] + fake.squares)
    unsettled = jnp.zeros(lower.shape, bool)
    for test, (down, up) in enumerate(zip(low, high, strict=True)):
        if settle[test]:
            unsettled |= (lower <= up) & (upper >= down)
    sure = [
        (upper < down) & ~unsettled if settle[test] else (lower + upper) / 2 <= down
        for test, down in enumerate(low)
    ]
    of_real = []
    for word in bits:
        answers = jnp.zeros(lower.shape, jnp.int32)
        for each, columns in zip(sure, word, strict=True):
            answers |= jnp.where(each, columns, 0)
        of_real.append(jax.lax.reduce(answers, jnp.int32(0), jax.lax.bitwise_or, (1,)))
    of_fake = [each.astype(jnp.int32).sum(axis=0) for each in sure]
    return _Tile(lower, jnp.stack(of_real), jnp.stack(of_fake), unsettled, unsettled.sum())


def count_inside(
    real: Rows,
    fake: Rows,
    tests: Sequence[Balls],
    fake_sets: Bool[np.ndarray, "m sets"] | None = None,
) -> list[Inside]:
    """Find, for each test, the pairs of a real and a fake row that lie within its balls.

    Args:
        real: rows, `[n, d]`.
        fake: rows, `[m, d]`.
        tests: balls around the rows of either set.
        fake_sets: sets of fakes to tell of, beside all of them.
    """
    return count_and_search(real, fake, tests, fake_sets, 0)[0]


def count_and_search(
    real: Rows,
    fake: Rows,
    tests: Sequence[Balls],
    fake_sets: Bool[np.ndarray, "m sets"] | None,
    count: int,
) -> tuple[list[Inside], Bounds | None]:
    """The pairs within balls, and `count` candidates for the nearest real rows of each fake.

    Both come from the same distances. In few dimensions, where a tree finds the nearest, and of
    `count` 0 there are no candidates. Args as for `count_inside`.
    """
    n, m = len(real), len(fake)
    sets = np.ones((m, 1), bool)
    if fake_sets is not None:
        sets = np.concatenate([sets, fake_sets], axis=1)
    columns = [sets.shape[1] if test.by_sets else 1 for test in tests]
    found = [Inside(np.zeros((n, many), bool), np.zeros(m, np.int64)) for many in columns]
    if real.shape[1] <= FEW_DIMENSIONS:
        _count_exactly(real, fake, tests, sets, found)
        return found, None
    return found, _count_estimates(real, fake, tests, sets, found, count)


def _count_exactly(
    real: Rows,
    fake: Rows,
    tests: Sequence[Balls],
    sets: Bool[np.ndarray, "m sets"],
    found: list[Inside],
) -> None:
    """Find all pairs by exact float64 distances, and add them to the results."""
    step = max(1, NUMBERS_AT_ONCE // (len(fake) * real.shape[1]))
    members = sets.astype(np.float32)
    for start in range(0, len(real), step):
        rows = slice(start, start + step)
        exact = squared_lengths(real[rows, None].astype(np.float64) - fake)
        for test, total in zip(tests, found, strict=True):
            around_real = test.around == "real"
            radii = test.squared_radii[rows, None] if around_real else test.squared_radii
            inside = exact <= radii if test.ties == "inclusive" else exact < radii
            if test.by_sets:
                total.of_real[rows] = inside.astype(np.float32) @ members > 0
            else:
                total.of_real[rows, 0] = inside.any(axis=1)
            total.of_fake[:] += np.count_nonzero(inside, axis=0)


def _count_estimates(
    real: Rows,
    fake: Rows,
    tests: Sequence[Balls],
    sets: Bool[np.ndarray, "m sets"],
    found: list[Inside],
    count: int,
) -> Bounds | None:
    """Find pairs by estimates where they are sure, and by exact distances where they are not."""
    n, m = len(real), len(fake)
    scale, share = scale_of(real, fake), error_share(real.shape[1])
    size = block_size(max(n, m))
    fakes = list(scale(fake, size))
    radii = [_rounded(test.squared_radii * scale.factor**2) for test in tests]
    settle = tuple(test.settle for test in tests)
    places = [(t, of) for t, each in enumerate(found) for of in range(each.of_real.shape[1])]
    bits = _bits_of(places, sets, len(tests))
    likely, lengths = Smallest(m, count), []

    def tiles() -> Iterator[tuple[slice, slice, _Tile]]:
        for row, of_real in zip(range(0, n, size), scale(real, size), strict=True):
            lengths.append(np.asarray(of_real.squares))
            for column, of_fake in zip(range(0, m, size), fakes, strict=True):
                rows, columns = slice(row, min(row + size, n)), slice(column, min(column + size, m))
                low, high = (
                    tuple(
                        _shaped(pair[side], test, rows, columns, size)
                        for test, pair in zip(tests, radii, strict=True)
                    )
                    for side in (0, 1)
                )
                flags = _padded(bits[columns], size).transpose(1, 2, 0)
                yield rows, columns, _test_tile(of_real, of_fake, low, high, flags, settle, share)

    for rows, columns, tile in one_ahead(tiles()):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        answers = np.asarray(tile.of_real)[:, :height]
        for place, (test, of) in enumerate(places):
            word, bit = divmod(place, BITS)
            found[test].of_real[rows, of] |= (answers[word] >> bit & 1).astype(bool)
        for total, counts in zip(found, np.asarray(tile.of_fake)[:, :width], strict=True):
            total.of_fake[columns] += counts
        if int(tile.how_many):
            open_pairs = np.flatnonzero(np.asarray(tile.unsettled))
            i, j = np.divmod(open_pairs, size)
            _settle(real, fake, i + rows.start, j + columns.start, tests, sets, found)
        if count:
            likely.meet(np.asarray(tile.lower)[:height, :width].T, columns, rows.start)
    if not count:
        return None
    of_fakes = np.concatenate([np.asarray(block.squares) for block in fakes])[:m]
    return likely.bounds(of_fakes, np.concatenate(lengths), share)


def _settle(
    real: Rows,
    fake: Rows,
    i: Int[np.ndarray, " pairs"],
    j: Int[np.ndarray, " pairs"],
    tests: Sequence[Balls],
    sets: Bool[np.ndarray, "m sets"],
    found: list[Inside],
) -> None:
    """Add those of the open pairs to the results that are inside by exact distances."""
    exact = exact_squares(real, fake, i, j)
    for test, total in zip(tests, found, strict=True):
        if not test.settle:
            continue
        radii = test.squared_radii[i if test.around == "real" else j]
        inside = exact <= radii if test.ties == "inclusive" else exact < radii
        members = sets[j[inside], : total.of_real.shape[1]]
        np.logical_or.at(total.of_real, i[inside], members)
        np.add.at(total.of_fake, j[inside], 1)


def _bits_of(
    places: Sequence[tuple[int, int]], sets: Bool[np.ndarray, "m sets"], tests: int
) -> Int[np.ndarray, "m words tests"]:
    """The bits that pairs of each fake set in each test: a bit belongs to a test and a set."""
    bits = np.zeros((len(sets), -(-len(places) // BITS), tests), np.int32)
    for place, (test, of) in enumerate(places):
        word, bit = divmod(place, BITS)
        bits[:, word, test] |= sets[:, of].astype(np.int32) << bit
    return bits


def _rounded(
    squares: Float[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Round squares in float64 down and up to bounds in float32.

    A ball that is too large for float32 holds all rows, but none of the padding, infinitely far.
    """
    squares = np.minimum(squares, LARGEST)
    spread = np.where(np.isfinite(squares), 4 * UNIT_ROUNDOFF * np.abs(squares), 0.0)
    return (squares - spread).astype(np.float32), (squares + spread).astype(np.float32)


def _shaped(
    radii: Float[np.ndarray, " n"], test: Balls, rows: slice, columns: slice, size: int
) -> Float[np.ndarray, "rows columns"]:
    """The radii of a tile, shaped as a column for balls around reals, as a row around fakes."""
    if test.around == "real":
        return _padded(radii[rows], size, -np.inf)[:, None]
    return _padded(radii[columns], size, -np.inf)[None]


def _padded(
    values: Num[np.ndarray, "n ..."], size: int, constant: float = 0.0
) -> Num[np.ndarray, "padded ..."]:
    padding = [(0, size - len(values))] + [(0, 0)] * (values.ndim - 1)
    return np.pad(values, padding, constant_values=constant)
