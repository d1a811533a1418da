"""Arrays that are costly to make, kept between runs in the user's cache folder.

A file's name carries a fingerprint of everything that its content depends on, so that a changed
recipe or data set never meets an old file. Files appear whole or not at all.
"""

import contextlib
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from cgan.system.files import written_whole
from cgan.system.terminal import complain

T = TypeVar("T")


def note(message: str) -> None:
    """Tell the user something, without disturbing the table on standard output."""
    complain(message)


def load_arrays(path: Path) -> dict[str, np.ndarray] | None:
    """Load the arrays of a cache file; None where there is none, or (with a note) it is damaged."""
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("a single array, not an archive")
            arrays = {name: archive[name] for name in archive.files}
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        note(f"cache file {path} can't be read ({type(error).__name__}); building it anew")
        return None
    mark_used(path)
    return arrays


def load_as(path: Path, read: Callable[[dict[str, np.ndarray]], T | None], what: str) -> T | None:
    """Load what a cache file holds; None where there is none, or (with a note) it does not fit.

    Args:
        path: of the file.
        read: what its arrays are; None where a part is missing or does not fit the others.
        what: is read, in words: "these features".
    """
    if (arrays := load_arrays(path)) is None:
        return None
    if (known := read(arrays)) is None:
        note(f"cache file {path} does not hold {what}; building it anew")
    return known


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write a cache file at once; where the folder can't be written, say so and go on."""
    try:
        with written_whole(path) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        note(f"not cached, {path} can't be written ({error.strerror}); set CGAN_CACHE to a folder")


def mark_used(path: Path) -> None:
    """Have a file's time of access tell when it was used last, where that may be set.

    File systems often leave that time as it is when something is read.
    """
    with contextlib.suppress(OSError):
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
