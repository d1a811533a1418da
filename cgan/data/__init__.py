"""Data sets by name. A new one is a file here with a `load(split)` and a line in `SOURCES`."""

from collections.abc import Callable

from cgan.data import digits, mixtures
from cgan.data.source import Source, Split

SOURCES: dict[str, Callable[[Split], Source]] = {
    "digits": digits.load_digits,
    "stacked_digits": digits.load_stacked_digits,
    "ring8": mixtures.load_ring8,
    "grid25": mixtures.load_grid25,
    "grid100": mixtures.load_grid100,
}

__all__ = ["SOURCES", "Source", "Split"]
