"""Squared distances of many pairs: estimated in float32 with bounds, or exact in float64.

Estimates are |a|^2 + |b|^2 - 2 a.b, on the accelerator. Rows are centred on the reference's mean
and scaled by a power of two first, both in float64: neither changes which distance is larger, and
without them products of rows with a large mean, or of extreme size, say nothing.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

BLOCK = 2048
"""Rows of each side in a tile of pairs."""
FEW_DIMENSIONS = 8
"""Up to so many, distances are worked out exactly at once: points of a plane crowd so densely that
float32 could tell few of them apart."""
NUMBERS_AT_ONCE = 2**22
"""Numbers in the differences that are held at once."""
UNIT_ROUNDOFF = 2.0**-24

Rows = Float[np.ndarray, "_ _"]


class Estimates(NamedTuple):
    """Rows as the estimates see them, with squared lengths; padded rows are infinitely long."""

    rows: Float[Array, "padded d"]
    squares: Float[Array, " padded"]

    def block(self, start: int, size: int) -> "Estimates":
        """Some of the rows."""
        return Estimates(self.rows[start : start + size], self.squares[start : start + size])


def block_size(n: int) -> int:
    """How many of n rows are worked on at once: few shapes, so few compilations."""
    return min(BLOCK, 1 << max(n - 1, 0).bit_length())


class Scale(NamedTuple):
    """How rows are prepared: all of one comparison alike."""

    centre: Float[np.ndarray, " d"]
    factor: float
    """A power of two."""

    def __call__(self, rows: Rows, size: int) -> Estimates:
        """The rows in float32, padded to whole blocks of this size."""
        n = len(rows)
        padded = np.zeros((n + -n % size, rows.shape[1]), np.float32)
        squares = np.full(len(padded), np.inf, np.float32)
        for start in range(0, n, size):
            block = slice(start, min(start + size, n))
            moved = (rows[block].astype(np.float64) - self.centre) * self.factor
            padded[block] = moved
            squares[block] = (moved**2).sum(axis=1)
        return Estimates(jnp.asarray(padded), jnp.asarray(squares))


def scale_of(*sets: Rows) -> Scale:
    """Centre on the mean of the first set; bring the largest number of all to about 1."""
    centre = sets[0].mean(axis=0, dtype=np.float64)
    reach = [np.maximum(rows.max(axis=0) - centre, centre - rows.min(axis=0)) for rows in sets]
    largest = float(np.max(reach))
    exponent = -np.frexp(largest)[1] if largest > 0 else 0
    return Scale(centre, float(np.ldexp(1.0, int(exponent))))


def error_share(dimensions: int) -> float:
    """The error of an estimate is at most this share of |a|^2 + |b|^2.

    The inner product errs by at most d u |a| |b| in any order of summation (Higham 2002, equation
    3.5), whence d u (|a|^2 + |b|^2) for its double; rounding the rows themselves and the two sums
    adds less than 16 u. A TPU's products of the highest precision keep a bit less than float32.
    """
    looser = 4 if jax.default_backend() == "tpu" else 1
    return looser * (dimensions + 16) * UNIT_ROUNDOFF


def lower_bounds(a: Estimates, b: Estimates, share: float) -> Float[Array, "rows columns"]:
    """What the squared distance of each pair is at least."""
    products = jnp.matmul(a.rows, b.rows.T, precision=jax.lax.Precision.HIGHEST)
    return (1 - share) * (a.squares[:, None] + b.squares) - 2 * products


def exact_squares(
    a: Rows, b: Rows, i: Int[np.ndarray, " pairs"], j: Int[np.ndarray, " pairs"]
) -> Float[np.ndarray, " pairs"]:
    """Squared distances of row `a[i]` from row `b[j]`, float64, from their differences."""
    found = np.empty(len(i))
    step = max(1, NUMBERS_AT_ONCE // a.shape[1])
    for start in range(0, len(i), step):
        pairs = slice(start, start + step)
        found[pairs] = squared_lengths(a[i[pairs]].astype(np.float64) - b[j[pairs]])
    return found


def squared_lengths(differences: Float[np.ndarray, "*pairs d"]) -> Float[np.ndarray, "*pairs"]:
    """Sums of squares; in few dimensions always in the same order, so that ties stay ties."""
    if differences.shape[-1] > FEW_DIMENSIONS:
        return np.einsum("...d,...d->...", differences, differences)
    total = differences[..., 0] ** 2
    for axis in range(1, differences.shape[-1]):
        total += differences[..., axis] ** 2
    return total
