"""The arrays of an .npz or .npy file: their headers, by which one is chosen and read.

Nothing is unpickled, and an archive that would swell is refused before it does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np
from jaxtyping import Shaped

from cgan.system import archives
from eval.npy import START, BrokenArray, Header, read_header, read_npy

ALONE = "array"
"""Name that messages give the array of an .npy file."""
ALWAYS_READ, SWELLS_AT_MOST = 2**30, 20
"""Bytes up to which an archive is read in any case, and how many times its own size otherwise.

Samples hardly shrink when they are compressed, and bombs swell a thousandfold.
"""
LISTED_AT_MOST = 8
"""Most arrays that a message lists."""


@dataclass(frozen=True)
class ArrayFile:
    """A file of arrays, with the header of each."""

    path: Path
    headers: Mapping[str, Header | BrokenArray]
    """Header of each array by its name; or the reason why there is none."""

    @property
    def listed(self) -> str:
        """Words that list the arrays, each with its type and shape."""
        told = [
            f"{name} {of}" if isinstance(of, Header) else f"{name} ({of})"
            for name, of in self.headers.items()
        ]
        more = f" and {len(told) - LISTED_AT_MOST} more" if len(told) > LISTED_AT_MOST else ""
        return (", ".join(told[:LISTED_AT_MOST]) or "nothing") + more

    def read(self, name: str) -> Shaped[np.ndarray, "..."]:
        """Read one array; that of an .npy file is mapped from disk.

        Raises:
            BrokenArray: cut short, of objects, or one that would swell.
            BrokenArchive: it can't be unpacked.
        """
        if not _is_archive(self.path):
            return read_npy(_mapped(self.path))
        with archives.open_archive(self.path) as archive:
            entry = _entries(archive)[name]
            size, held = entry.file_size, self.path.stat().st_size
            if size > max(ALWAYS_READ, SWELLS_AT_MOST * held):
                found = f"swells to {size:,} bytes from a file of {held:,}"
                raise BrokenArray(f"{found}; must be at most {SWELLS_AT_MOST} times it")
            return read_npy(archives.read_entry(archive, entry))


def open_arrays(path: Path) -> ArrayFile:
    """Read the headers of all arrays in a file.

    Raises:
        BrokenArchive: an .npz file that is no archive.
        BrokenArray: an .npy file that holds no array.
        OSError: it can't be read.
    """
    if not _is_archive(path):
        return ArrayFile(path, {ALONE: read_header(bytes(_mapped(path)[:START]))})
    headers: dict[str, Header | BrokenArray] = {}
    with archives.open_archive(path) as archive:
        for name, entry in _entries(archive).items():
            try:
                headers[name] = read_header(archives.read_entry(archive, entry, START))
            except BrokenArray as error:
                headers[name] = error
            except archives.BrokenArchive as error:
                headers[name] = BrokenArray(str(error))
    return ArrayFile(path, headers)


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() == ".npz"


def _entries(archive: ZipFile) -> dict[str, ZipInfo]:
    return {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}


def _mapped(path: Path) -> np.memmap:
    if not path.stat().st_size:
        raise BrokenArray("is empty")
    return np.memmap(path, np.uint8, "r")
