"""A measured point of a curve of cost, and how steep a curve is between two of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np


class Point(NamedTuple):
    """What one size of work costs."""

    size: int
    seconds: float
    """The median over rounds: of processor time for steps on a CPU, else by the clock."""
    mib: float
    """Memory, in MiB."""


class Curve(NamedTuple):
    """A kind of work, what makes it larger, and how a list of sizes is measured."""

    name: str
    axis: str
    """What grows."""
    told: str
    """What is measured, in the table's words."""
    sizes: tuple[int, ...]
    measure: Callable[[Sequence[int], int], Iterator[Point]]
    """From the sizes and a number of rounds to a point for each."""
    devices: int = 1
    """Devices that are simulated on the CPU."""

    def up_to(self, largest: int | None) -> list[int]:
        """The sizes of this curve, without those beyond the largest where there is one."""
        return [size for size in self.sizes if largest is None or size <= largest]


def slopes(points: Sequence[Point], of: str) -> list[float | None]:
    """Exponents between neighbours: 1 where twice the size costs twice; None at the first.

    Args:
        points: with growing sizes; between a size of 0 and the next there is no exponent.
        of: `seconds` or `mib`.
    """
    found: list[float | None] = []
    for before, after in zip([None, *points[:-1]], points, strict=True):
        if before is None or not (before.size and getattr(before, of) and getattr(after, of)):
            found.append(None)
            continue
        grown = np.log(after.size / before.size)
        found.append(float(np.log(getattr(after, of) / getattr(before, of)) / grown))
    return found
