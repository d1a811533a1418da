"""Which points lie in which balls around others: counted exactly, a tile of distances at a time.

Every figure of precision, recall, density and coverage is such a count. Distances of real rows from
generated ones are estimated once for all of them, and close calls are settled in float64; in few
dimensions all distances are exact at once.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

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
    scale_of,
    squared_lengths,
)

LARGEST = float(np.finfo(np.float32).max) / 2
Ties = Literal["inclusive", "strict"]
"""Whether a point at the very radius of a ball is in it."""


class Balls(NamedTuple):
    """Balls around all rows of the real or of the fake set: one test of which rows lie inside."""

    around: Literal["real", "fake"]
    squared_radii: Float[np.ndarray, " n"]
    """Squared radius of each ball; minus infinity for a ball that holds nothing."""
    ties: Ties
    by_sets: bool = False
    """Whether to count by sets of fakes too, beside all fakes."""
    settle: bool = True
    """Whether close calls are settled exactly; if not they may fall either way (for error bars)."""


class Inside(NamedTuple):
    """Counts of the pairs of a real and a fake row that are within the ball of one of them."""

    of_real: Int[np.ndarray, "n sets"]
    """Fakes paired with each real row: of all, then of each set of them where asked for."""
    of_fake: Int[np.ndarray, " m"]
    """Real rows paired with each fake row."""


class _Counts(NamedTuple):
    """Counts of the pairs of a tile that are surely inside, for one test."""

    of_real: Float[Array, "rows sets"]
    of_fake: Float[Array, " columns"]


@partial(jax.jit, static_argnames=("settle", "by_sets", "share"))
def _count_tile(
    real: Estimates,
    fake: Estimates,
    low: Sequence[Array],
    high: Sequence[Array],
    sets: Float[Array, "columns sets"],
    settle: tuple[bool, ...],
    by_sets: tuple[bool, ...],
    share: float,
) -> tuple[list[_Counts], Bool[Array, "rows columns"], Array]:
    """Counts of sure pairs for each test, which pairs are open in any, and how many those are.

    Radii come rounded down and up, shaped to broadcast over rows or over columns.
    """
    lower = lower_bounds(real, fake, share)
    upper = lower + 2 * share * (real.squares[:, None] + fake.squares)
    unsettled = jnp.zeros(lower.shape, bool)
    for test, (down, up) in enumerate(zip(low, high, strict=True)):
        if settle[test]:
            unsettled |= (lower <= up) & (upper >= down)
    counts = []
    for test, down in enumerate(low):
        sure = (upper < down) & ~unsettled if settle[test] else (lower + upper) / 2 <= down
        each = sure.astype(jnp.float32)
        of_real = each.sum(axis=1, keepdims=True)
        if by_sets[test]:
            of_real = jnp.matmul(each, sets, precision=jax.lax.Precision.HIGHEST)
        counts.append(_Counts(of_real, each.sum(axis=0)))
    return counts, unsettled, unsettled.sum()


def count_inside(
    real: Rows,
    fake: Rows,
    tests: Sequence[Balls],
    fake_sets: Bool[np.ndarray, "m sets"] | None = None,
) -> list[Inside]:
    """Count, for each test, the pairs of a real and a fake row that lie within its balls.

    Args:
        real: rows, `[n, d]`.
        fake: rows, `[m, d]`.
        tests: balls around the rows of either set.
        fake_sets: sets of fakes to count by, beside all of them.
    """
    n, m = len(real), len(fake)
    sets = np.ones((m, 1), bool)
    if fake_sets is not None:
        sets = np.concatenate([sets, fake_sets], axis=1)
    columns = [sets.shape[1] if test.by_sets else 1 for test in tests]
    found = [Inside(np.zeros((n, each), np.int64), np.zeros(m, np.int64)) for each in columns]
    few = real.shape[1] <= FEW_DIMENSIONS
    (_count_exactly if few else _count_estimates)(real, fake, tests, sets, found)
    return found


def _count_exactly(
    real: Rows,
    fake: Rows,
    tests: Sequence[Balls],
    sets: Bool[np.ndarray, "m sets"],
    found: list[Inside],
) -> None:
    """Count all pairs by exact float64 distances, and add them to the results."""
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
                counts = inside.astype(np.float32) @ members
                total.of_real[rows] += np.rint(counts).astype(np.int64)
            else:
                total.of_real[rows, 0] += np.count_nonzero(inside, axis=1)
            total.of_fake[:] += np.count_nonzero(inside, axis=0)


def _count_estimates(
    real: Rows,
    fake: Rows,
    tests: Sequence[Balls],
    sets: Bool[np.ndarray, "m sets"],
    found: list[Inside],
) -> None:
    """Count pairs by estimates where they are sure, and by exact distances where they are not."""
    n, m = len(real), len(fake)
    scale, share = scale_of(real, fake), error_share(real.shape[1])
    size = block_size(max(n, m))
    fakes = list(scale(fake, size))
    radii = [_rounded(test.squared_radii * scale.factor**2) for test in tests]
    settle = tuple(test.settle for test in tests)
    by_sets = tuple(test.by_sets for test in tests)
    for row, of_real in zip(range(0, n, size), scale(real, size), strict=True):
        for column, of_fake in zip(range(0, m, size), fakes, strict=True):
            rows, columns = slice(row, min(row + size, n)), slice(column, min(column + size, m))
            bounds = [
                tuple(_shaped(side, test, rows, columns, size) for side in pair)
                for test, pair in zip(tests, radii, strict=True)
            ]
            counts, unsettled, how_many = _count_tile(
                of_real,
                of_fake,
                tuple(low for low, _ in bounds),
                tuple(high for _, high in bounds),
                jnp.asarray(_padded(sets[columns].astype(np.float32), size, 0.0)),
                settle,
                by_sets,
                share,
            )
            for total, count in zip(found, counts, strict=True):
                total.of_real[rows] += _whole(count.of_real, rows)
                total.of_fake[columns] += _whole(count.of_fake, columns)
            if int(how_many):
                i, j = np.nonzero(np.asarray(unsettled))
                _settle(real, fake, i + row, j + column, tests, sets, found)


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
        members = sets[j[inside]] if test.by_sets else np.ones((inside.sum(), 1), bool)
        np.add.at(total.of_real, i[inside], members.astype(np.int64))
        np.add.at(total.of_fake, j[inside], 1)


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
) -> Float[Array, "rows columns"]:
    """The radii of a tile, shaped as a column for balls around reals, as a row around fakes."""
    if test.around == "real":
        return jnp.asarray(_padded(radii[rows], size, -np.inf)[:, None])
    return jnp.asarray(_padded(radii[columns], size, -np.inf)[None])


def _padded(
    values: Float[np.ndarray, "n ..."], size: int, constant: float
) -> Float[np.ndarray, "padded ..."]:
    padding = [(0, size - len(values))] + [(0, 0)] * (values.ndim - 1)
    return np.pad(values, padding, constant_values=constant)


def _whole(counts: Float[Array, "padded ..."], rows: slice) -> Int[np.ndarray, "n ..."]:
    """Counts as whole numbers (float32, exact below 2^24), without rows that are padding."""
    return np.rint(np.asarray(counts)[: rows.stop - rows.start]).astype(np.int64)
