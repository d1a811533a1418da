"""Mean and scatter of rows that come in parts: float64, in memory that does not grow with n.

Parts are merged with the pairwise update of Chan, Golub and LeVeque 1979, which does not cancel as
sums of squares do.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Moments(NamedTuple):
    """The first two moments of n rows, in float64."""

    n: int
    mean: Float[np.ndarray, " d"]
    scatter: Float[np.ndarray, "d d"]
    """Sum of the outer products of the centred rows: (n - 1) times the covariance."""


def moments(rows: Float[np.ndarray, "n d"]) -> Moments:
    """The moments of these rows `[n, d]` (at least one), in float64."""
    rows = rows.astype(np.float64)
    mean = rows.mean(axis=0)
    centered = rows - mean
    return Moments(len(rows), mean, centered.T @ centered)


def merge(parts: Sequence[Moments]) -> Moments:
    """The moments of all the parts' rows together.

    Raises:
        ValueError: no parts, or parts of different dimensions.
    """
    if not parts:
        raise ValueError("no moments to merge")
    n, mean, scatter = parts[0]
    for part in parts[1:]:
        total = n + part.n
        offset = part.mean - mean
        scatter = scatter + part.scatter + np.outer(offset, offset) * (n * part.n / total)
        mean = mean + offset * (part.n / total)
        n = total
    return Moments(n, mean, scatter)
