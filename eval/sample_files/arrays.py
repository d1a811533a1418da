"""Samples in an array: images of any layout, yielded as RGB, or features."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

from cgan.config import Background
from cgan.data.levels import laid_on
from cgan.system.cache import note
from eval.files.npy import BrokenArray
from eval.sample_files.array_file import ArrayFile
from eval.sample_files.layout import EXPECTED, Form, Layout, UnfitArray, layout_of, require_values
from eval.sample_files.order import shuffled

CHUNK = 256
"""Number of rows that are yielded at once."""
NAMES = ("samples", "images", "features")
"""Names of arrays that are taken before others."""
OF_STATISTICS = ("mu", "sigma", "mu_s", "sigma_s")
"""Names of arrays that are never samples."""


@dataclass(frozen=True)
class SampleArray:
    """Samples that are the rows of an array, in random order."""

    path: Path
    array: Shaped[np.ndarray, "n *sample"]
    layout: Layout
    background: Background

    has_one_size = True

    @property
    def is_images(self) -> bool:
        """Whether the samples are images, and not features."""
        return self.layout != "features"

    def __len__(self) -> int:
        return len(self.array)

    def chunks(self) -> Iterator[UInt8[np.ndarray, "_ _ _ 3"] | Float[np.ndarray, "_ d"]]:
        """Stream the rows, some at a time: images as RGB, or features."""
        for start in range(0, len(self.array), CHUNK):
            rows = self.array[self._order[start : start + CHUNK]]
            yield self._rgb(rows) if self.is_images else rows.astype(rows.dtype.newbyteorder("="))

    @cached_property
    def _order(self) -> Int[np.ndarray, " n"]:
        return shuffled(len(self.array))

    def _rgb(self, rows: Shaped[np.ndarray, "..."]) -> UInt8[np.ndarray, "_ _ _ 3"]:
        images = rows.astype(np.uint8)
        if self.layout == "grey":
            images = images[..., None]
        elif self.layout == "channels first":
            images = images.transpose(0, 2, 3, 1)
        if images.shape[-1] == 4:
            return laid_on(images, self.background)
        return np.ascontiguousarray(np.broadcast_to(images, (*images.shape[:3], 3)))


def read_samples(file: ArrayFile, name: str, background: Background, given: str) -> SampleArray:
    """Read one array of a file as samples.

    Args:
        file: an array of which this is.
        name: of the array.
        background: what transparent pixels are laid on.
        given: what a note calls the file.

    Raises:
        UnfitArray: it holds no samples.
        BrokenArray, BrokenArchive: it can't be read.
    """
    array = file.read(name)
    found = f"{name} is {array.dtype.name} {list(array.shape)}"
    try:
        if array.ndim > 1:
            require_values(name, array)
        layout = layout_of(Form(array.shape, array.dtype))
    except UnfitArray as error:
        told = str(error) if str(error).startswith(f"{name}: ") else f"{found}; {error}"
        raise UnfitArray(told) from None
    if layout == "channels first":
        note(f"{given}: {found}, read with the channels first")
    return SampleArray(file.path, array, layout, background)


def candidates(file: ArrayFile) -> list[str]:
    """Names of a file's arrays that are shaped like samples, the usual names before others."""
    known = [name for name in NAMES if name in file.headers]
    return [
        name
        for name in known or set(file.headers) - set(OF_STATISTICS)
        if not isinstance(of := file.headers[name], BrokenArray)
        and Form(of.shape, of.dtype).may_be_samples
    ]


def choose(file: ArrayFile, setting: str) -> str:
    """Choose the one array in a file that holds samples, by name.

    Args:
        file: the arrays.
        setting: that names one of several.

    Raises:
        UnfitArray: there is none, or more than one.
    """
    if len(file.headers) == 1:  # whatever it is, its own words are the clearest
        return next(iter(file.headers))
    found = candidates(file)
    if len(found) == 1:
        return found[0]
    expected = f"must hold one array of samples, or {setting} name it" if found else EXPECTED
    raise UnfitArray(f"holds {file.listed}; {expected}")
