"""Data sets, and what one is: `Source`. `cgan/datasets.py` has their names."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from cgan.config import ConfigError, Data
from cgan.data.abilities import held_out_of
from cgan.data.limited import limited
from cgan.data.source import Source, Split
from cgan.datasets import DATASETS, OWN, named

HANDED_IN = "an object that a program hands to train(config, source=...)"


def load_source(data: Data, split: Split) -> Source:
    """One split of the data set that the settings name; to train on, what their limit leaves.

    Raises:
        ConfigError: data that is not there, damaged or not prepared, or settings it does not fit;
            or settings that stand for an object that nobody handed in.
    """
    if data.source == OWN:
        raise ConfigError(
            f"data.source = {OWN!r}: stands for {HANDED_IN}; must be the name of a data set here"
        )
    source: Source = DATASETS[data.source].load(data, split)
    return limited(source, data) if split == "train" else source


def load_held_out(data: Data, train: Source) -> Source:
    """The held-out split of a data set, whose train split this is.

    Raises:
        ConfigError: as for `load_source`; or an object of the user's that has none.
    """
    return held_out_of(train) if data.source == OWN else load_source(data, "test")


EMBEDDED: dict[str, Callable[[Split], Source]] = {
    name: partial(load_source, Data(name)) for name in named(from_files=False)
}
"""Loaders of the data sets that need no download, with their default settings, by name."""
FROM_FILES = named(from_files=True)
"""Names of the data sets that lie on the user's disk."""


def require_outside(data: Data, workdir: Path) -> None:
    """Refuse a run whose own pictures would become data.

    Raises:
        ConfigError: its folder lies in the data's.
    """
    if data.source == "folder":
        from cgan.data.listing import paths

        paths.require_outside(data, workdir)


__all__ = [
    "EMBEDDED",
    "FROM_FILES",
    "HANDED_IN",
    "Source",
    "Split",
    "limited",
    "load_held_out",
    "load_source",
    "require_outside",
]
