"""Encoded images by number, and the listing of a data set: nothing is decoded yet."""

import multiprocessing
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Int

from cgan.data.decode import UnusableImage
from cgan.data.witness import Witness
from cgan.system.files import UNFINISHED, cache_folder

T = TypeVar("T")
IN_FLIGHT = 64
"""Number of decoded images that wait in memory to be taken."""
THREADS_AT_MOST = 16
"""Most threads that read: each holds an encoded image and what is made of it."""
NAME_AT_MOST = 40
"""Most characters of a data set's name in a cache file's name: file systems have a limit."""


@runtime_checkable
class EncodedFiles(Protocol):
    """Encoded images by number; they can be pickled, for worker processes."""

    def __len__(self) -> int:
        """Number of the images."""

    def name(self, number: int) -> str:
        """Name that messages give the image with this number."""

    def read(self, number: int) -> bytes:
        """Read the encoded image with this number; called from several threads.

        Raises:
            UnusableImage: it can't be read.
        """


@dataclass(frozen=True)
class Listing:
    """A data set of encoded images that are not read yet."""

    name: str
    """Name of the data set."""
    files: EncodedFiles
    labels: Callable[[], Int[np.ndarray, " n"]]
    """Function to the index of each image's class among the names; zeros without classes."""
    class_names: tuple[str, ...]
    """Names of the classes; empty where there are none."""
    witness: Witness
    """Witness that shows whether the files changed."""
    shape: tuple[int, int, int] | None = None
    """Height, width and channels of samples; None for those of the first image."""
    said: str = ""
    """Words that a start says of the data set, the same for all of its splits."""

    def __len__(self) -> int:
        return len(self.files)

    def cache_path(self, key: str) -> Path:
        """Path where the cache keeps what was made of the data set under this key."""
        return named_cache_path(self.name, key)


def named_cache_path(name: str, key: str) -> Path:
    """Path where the cache keeps, or would, what was made of the data set with this name.

    Args:
        name: for people; what was kept under another name, before the data moved, is found too.
        key: letters and digits that tell all else.
    """
    folder = cache_folder() / "data"
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)[:NAME_AT_MOST]
    safe = safe.lstrip(".") or "data"  # hidden, it would be taken for what is unfinished
    kept = (path for path in folder.glob(f"*-{key}") if not path.name.startswith(UNFINISHED))
    return min(kept, default=folder / f"{safe}-{key}")


def read_in_order(
    files: EncodedFiles,
    numbers: Sequence[int] | Int[np.ndarray, " n"],
    work: Callable[[int, bytes], T],
) -> Generator[tuple[int, T | UnusableImage], None, None]:
    """Read these images in threads: the number of each, with what is made of its content.

    Args:
        files: the images.
        numbers: which of them.
        work: given an image's number and content; an `UnusableImage` that it raises is passed on.
    """

    def one(number: int) -> T | UnusableImage:
        try:
            return work(number, files.read(number))
        except UnusableImage as error:
            return error

    wanted = [int(number) for number in numbers]
    threads = min(_threads(), len(wanted))
    if threads <= 1:
        yield from ((number, one(number)) for number in wanted)
        return
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(wanted), IN_FLIGHT):
            some = wanted[start : start + IN_FLIGHT]
            yield from zip(some, pool.map(one, some), strict=True)


def _threads() -> int:
    """Number of threads that read here: one in a worker process, which has others beside it."""
    if multiprocessing.parent_process() is not None:
        return 1
    return min(os.cpu_count() or 1, THREADS_AT_MOST)
