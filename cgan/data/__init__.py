"""Data sets by name. A new one is a file here and a line in `EMBEDDED`."""

from collections.abc import Callable
from pathlib import Path

from cgan.config import Data
from cgan.data import digits, mixtures
from cgan.data.source import Source, Split

WITH_SHARES: dict[str, Callable[..., Source]] = {
    "stacked_digits": digits.load_stacked_digits,
    "ring8": mixtures.load_ring8,
    "grid25": mixtures.load_grid25,
    "grid100": mixtures.load_grid100,
}
"""Loaders of data sets whose modes' shares can be chosen: from a split and an imbalance."""
EMBEDDED: dict[str, Callable[[Split], Source]] = {
    "digits": digits.load_digits,
    **WITH_SHARES,
}
"""Loaders of the data sets that need no download, from a split."""


def _load_tfds(data: Data, split: Split) -> Source:
    from cgan.data import tensorflow_datasets

    return tensorflow_datasets.load(data, split)


def _load_folder(data: Data, split: Split) -> Source:
    from cgan.data import folder

    return folder.load(data, split)


def _load_stacked_mnist(data: Data, split: Split) -> Source:
    from cgan.data import mnist

    return mnist.load_stacked(data, split)


FROM_FILES: dict[str, Callable[[Data, Split], Source]] = {
    "tfds": _load_tfds,
    "folder": _load_folder,
    "stacked_mnist": _load_stacked_mnist,
}
"""Loaders of the data sets that lie on the user's disk, from settings and a split."""


def load_source(data: Data, split: Split) -> Source:
    """Load one split of the data set that the settings name.

    Raises:
        ConfigError: data that is not there, damaged or not prepared, or settings it does not fit.
    """
    if data.source in FROM_FILES:
        return FROM_FILES[data.source](data, split)
    if data.imbalance:
        return WITH_SHARES[data.source](split, data.imbalance)
    return EMBEDDED[data.source](split)


def require_outside(data: Data, workdir: Path) -> None:
    """Refuse a run whose own pictures would become data.

    Raises:
        ConfigError: its folder lies in the data's.
    """
    if data.source == "folder":
        from cgan.data.listing import paths

        paths.require_outside(data, workdir)


__all__ = ["EMBEDDED", "FROM_FILES", "Source", "Split", "load_source", "require_outside"]
