"""Squared distances of many pairs: estimated in float32 with bounds, or exact in float64.

Estimates are |a|^2 + |b|^2 - 2 a.b, on the accelerator. Rows are centred on the reference's mean
and scaled by a power of two first, both in float64: neither changes which distance is larger, and
without them products of rows with a large mean, or of extreme size, say nothing.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

BLOCK = 1024
"""Rows of each side in a tile of pairs."""
FEW_DIMENSIONS = 8
"""Dimensions up to which distances are worked out exactly at once.

Points of a plane crowd so densely that float32 could tell few of them apart.
"""
NUMBERS_AT_ONCE = 2**22
"""Most numbers in the differences that are held in memory at once."""
IN_CACHE = 2**16
"""Numbers that the host works on at once: half a megabyte of float64."""
UNIT_ROUNDOFF = 2.0**-24

Rows = Float[np.ndarray, "_ _"]
T = TypeVar("T")


class Estimates(NamedTuple):
    """A block of rows as the estimates see them, with their squared lengths.

    Padded rows are infinitely long.
    """

    rows: Float[Array, "padded d"]
    squares: Float[Array, " padded"]


def on_all_cores(work: Callable[[int], None], starts: Iterable[int]) -> None:
    """Do the work of each block in threads: NumPy lets go of the interpreter in its loops."""
    blocks, cores = list(starts), os.cpu_count() or 1

    def share(core: int) -> None:
        for start in blocks[core::cores]:
            work(start)

    with ThreadPoolExecutor(cores) as pool:
        for _ in pool.map(share, range(cores)):
            pass


def one_ahead(made: Iterable[T]) -> Iterator[T]:
    """Each item once the next one is asked for: the accelerator works on it in the meantime."""
    last: list[T] = []
    for item in made:
        yield from last
        last = [item]
    yield from last


def block_size(n: int) -> int:
    """Number of n rows that are worked on at once: few shapes to compile, and little padding.

    A power of two where all fit into one block, otherwise a multiple of 16.
    """
    if n <= BLOCK:
        return 1 << max(n - 1, 0).bit_length()
    blocks = -(-n // BLOCK)
    return -(-n // (16 * blocks)) * 16


class Scale(NamedTuple):
    """A shift and scale of rows before distances are taken, alike for all of one comparison."""

    center: Float[np.ndarray, " d"]
    factor: float
    """Factor that rows are multiplied by, a power of two."""

    def __call__(self, rows: Rows, size: int) -> Iterator[Estimates]:
        """Rows in float32, in blocks of this size; the last block is padded."""
        for start in range(0, len(rows), size):
            yield self._block(rows[start : start + size], size)

    def _block(self, rows: Rows, size: int) -> Estimates:
        padded = np.zeros((size, rows.shape[1]), np.float32)
        squares = np.full(size, np.inf, np.float32)
        step = max(1, IN_CACHE // rows.shape[1])

        def prepare(start: int) -> None:
            some = slice(start, min(start + step, len(rows)))
            moved = rows[some].astype(np.float64)
            moved -= self.center
            moved *= self.factor
            padded[some] = moved
            squares[some] = np.einsum("nd,nd->n", moved, moved)

        on_all_cores(prepare, range(0, len(rows), step))
        return Estimates(jnp.asarray(padded), jnp.asarray(squares))


def scale_of(*sets: Rows) -> Scale:
    """The scale that centres on the first set's mean, and brings the largest number to about 1."""
    center = sets[0].mean(axis=0, dtype=np.float64)
    reach = [np.maximum(rows.max(axis=0) - center, center - rows.min(axis=0)) for rows in sets]
    largest = float(np.max(reach))
    exponent = -np.frexp(largest)[1] if largest > 0 else 0
    return Scale(center, float(np.ldexp(1.0, int(exponent))))


def error_share(dimensions: int) -> float:
    """The largest error of an estimated squared distance, as a share of |a|^2 + |b|^2.

    The inner product errs by at most d u |a| |b| in any order of summation (Higham 2002, equation
    3.5), whence d u (|a|^2 + |b|^2) for its double; rounding the rows themselves and the two sums
    adds less than 16 u. A TPU's products of the highest precision keep a bit less than float32.
    """
    looser = 4 if jax.default_backend() == "tpu" else 1
    return looser * (dimensions + 16) * UNIT_ROUNDOFF


def lower_bounds(a: Estimates, b: Estimates, share: float) -> Float[Array, "rows columns"]:
    """Lower bounds on the squared distance of each pair of rows, from float32 products."""
    products = jnp.matmul(a.rows, b.rows.T, precision=jax.lax.Precision.HIGHEST)
    return (1 - share) * (a.squares[:, None] + b.squares) - 2 * products


def exact_squares(
    a: Rows, b: Rows, i: Int[np.ndarray, " pairs"], j: Int[np.ndarray, " pairs"]
) -> Float[np.ndarray, " pairs"]:
    """Squared distances of row `a[i]` from row `b[j]`, float64, from their differences."""
    found = np.empty(len(i))
    step = max(1, IN_CACHE // a.shape[1])

    def measure(start: int) -> None:
        pairs = slice(start, start + step)
        found[pairs] = squared_lengths(a[i[pairs]].astype(np.float64) - b[j[pairs]])

    on_all_cores(measure, range(0, len(i), step))
    return found


def squared_lengths(differences: Float[np.ndarray, "*pairs d"]) -> Float[np.ndarray, "*pairs"]:
    """Sums of squares over the last axis, in few dimensions in one order: ties stay ties."""
    if differences.shape[-1] > FEW_DIMENSIONS:
        return np.einsum("...d,...d->...", differences, differences)
    total = differences[..., 0] ** 2
    for axis in range(1, differences.shape[-1]):
        total += differences[..., axis] ** 2
    return total
