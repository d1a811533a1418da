"""A part of the accelerator's benchmark: what it measures, how long, and its table's columns."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Facts = dict[str, Any]
"""What was measured of one row, by the keys of columns.

Words stand under `NOTE`, and under `ENTRIES` a list of facts that each have a line of their own.
"""
NOTE, ENTRIES, ENTRY = "note", "entries", "entry"

Measure = Callable[[str], Iterator[Facts]]
"""Measures a row by its name; yields what is known so far, and all of it last."""
Prepare = Callable[[Sequence[str], bool], Measure]
"""The function `prepare` of a module of measures, of rows and of whether they are to be tiny.

It does what the rows share, such as compiling their programs side by side.
"""


@dataclass(frozen=True)
class Column:
    """A column of a part's table."""

    key: str
    """Key of its fact. A list of numbers is shown by its median and quartiles."""
    heading: str
    form: str = "{:.2f}"
    """Format of a number."""


@dataclass(frozen=True)
class Part:
    """A part that is measured in a process of its own."""

    name: str
    title: str
    told: str
    """How its table is to be read."""
    module: str
    """Module whose `prepare` measures it."""
    rows: tuple[str, ...]
    limit_sec: float
    """Time from the order to begin, on an accelerator."""
    heading: str
    """Heading of the rows' names."""
    columns: tuple[Column, ...]
    devices: int = 1
    """Fewest devices that it takes. What takes several is not part of the time on one."""
