"""Samples on disk: a folder of images, or an .npz file with images or features.

Files are only read as pixels or plain arrays, never unpickled, and within bounds of memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8
from PIL import Image

from cgan import archives
from cgan.config import ConfigError
from cgan.data import decode
from cgan.data.decode import SUFFIXES, UnusableImage
from eval.metrics.base import FeatureError, check_finite
from eval.npy import BrokenArray, read_npy

ARRAY_NAMES = ("samples", "images", "features")
CHUNK, CHUNK_PIXELS = 256, 2**28
"""A chunk ends at so many images, or pixels: 256 of 1,024 x 1,024."""
ALWAYS_READ, SWELLS_AT_MOST = 2**30, 20
"""An archive is read if it holds at most a gigabyte, or so many times its own size: samples hardly
shrink when they are compressed, and bombs swell a thousandfold."""

T = TypeVar("T")


@dataclass(frozen=True)
class ImageFolder:
    """The images below a folder, in random order, as RGB."""

    path: Path
    files: tuple[Path, ...]
    is_images = True

    def __len__(self) -> int:
        return len(self.files)

    @cached_property
    def has_one_size(self) -> bool:
        """Whether all images have the same height and width (only their headers are read)."""
        return len({_open(file, lambda image: image.size) for file in self.files}) == 1

    def chunks(self) -> Iterator[UInt8[np.ndarray, "_ _ _ 3"]]:
        """Images of one size at a time, of a few hundred files each.

        Raises:
            ConfigError: a file that is no image, is damaged, or is far too large.
        """
        by_shape: dict[tuple[int, ...], list[np.ndarray]] = {}
        pixels = 0
        for number, file in enumerate(self.files, start=1):
            image = _read_image(file)
            by_shape.setdefault(image.shape, []).append(image)
            pixels += image.shape[0] * image.shape[1]
            if number % CHUNK == 0 or pixels >= CHUNK_PIXELS or number == len(self.files):
                for images in by_shape.values():
                    yield np.stack(images)
                by_shape.clear()
                pixels = 0


@dataclass(frozen=True)
class SampleArray:
    """Images `[n, height, width, channels]` or features `[n, d]` of an .npz file."""

    path: Path
    array: Shaped[np.ndarray, "n *sample"]

    has_one_size = True

    @property
    def is_images(self) -> bool:
        return self.array.ndim == 4

    def __len__(self) -> int:
        return len(self.array)

    def chunks(
        self,
    ) -> Iterator[UInt8[np.ndarray, "_ ..."] | Float[np.ndarray, "_ d"]]:
        """The rows of the array, some at a time."""
        for start in range(0, len(self.array), CHUNK):
            yield self.array[start : start + CHUNK]


SampleFiles = ImageFolder | SampleArray


def open_samples(field: str, path: Path) -> SampleFiles:
    """The samples at a path.

    Args:
        field: what an error calls the path.
        path: a folder of images, or an .npz file with one array, or one called samples, images or
            features: uint8 NHWC images, or floating-point features `[n, d]`.

    Raises:
        ConfigError: neither, or fewer than 2 samples.
    """
    given, expected = f"{field} = {str(path)!r}", "must be a folder of images or an .npz file"
    try:
        found = _open_samples(given, path)
    except OSError as error:
        raise ConfigError(f"{given}: can't be read ({error.strerror}); {expected}") from None
    if found is None:
        raise ConfigError(f"{given}: {expected}")
    if len(found) < 2:
        kinds = ", ".join(SUFFIXES)
        hint = f" ({kinds})" if path.is_dir() else ""
        raise ConfigError(f"{given}: holds {len(found)} samples; must hold at least 2{hint}")
    return found


def _open_samples(given: str, path: Path) -> SampleFiles | None:
    """The samples at a path; None where it is of another kind."""
    if path.is_dir():
        found = (file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        files = sorted(file for file in found if file.is_file())
        return ImageFolder(path, tuple(files[index] for index in _shuffle(len(files))))
    if path.suffix == ".npz" and path.is_file():
        array = _read_array(given, path)
        return SampleArray(path, array[_shuffle(len(array))])
    return None


def _shuffle(n: int) -> Int[np.ndarray, " n"]:
    """The order in which n samples are read: files are often sorted by class, and some metrics look
    at the first so many."""
    return np.random.default_rng(0).permutation(n)


def _read_array(given: str, path: Path) -> Shaped[np.ndarray, "n *sample"]:
    expected = "must hold uint8 images [n, height, width, 1 or 3] or finite float features [n, d]"
    try:
        with archives.open_archive(path) as archive:
            entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            names = [name for name in ARRAY_NAMES if name in entries] or list(entries)
            if len(names) != 1:
                listed = ", ".join(entries) or "nothing"
                one_of = " or ".join(ARRAY_NAMES)
                raise ConfigError(f"{given}: holds {listed}; must hold one array called {one_of}")
            size, held = entries[names[0]].file_size, path.stat().st_size
            if size > max(ALWAYS_READ, SWELLS_AT_MOST * held):
                found = f"swells to {size:,} bytes from a file of {held:,}"
                raise ConfigError(f"{given}: {found}; must be at most {SWELLS_AT_MOST} times it")
            array = read_npy(archives.read_entry(archive, entries[names[0]]))
    except (archives.BrokenArchive, BrokenArray) as error:
        reason = f"can't be read as plain arrays ({error})"
        raise ConfigError(f"{given}: {reason}; {expected}") from None
    images = array.ndim == 4 and array.dtype == np.uint8 and array.shape[-1] in (1, 3)
    if images and min(array.shape[1:]) > 0:
        return array
    if array.ndim == 2 and array.dtype in (np.float16, np.float32, np.float64) and array.shape[1]:
        try:
            check_finite(names[0], array)
        except FeatureError as error:
            raise ConfigError(f"{given}: {error}; {expected}") from None
        return array
    raise ConfigError(f"{given}: {names[0]} is {array.dtype} {list(array.shape)}; {expected}")


def _read_image(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    return _open(path, lambda image: np.asarray(image.convert("RGB")))


def _open(path: Path, read: Callable[[Image.Image], T]) -> T:
    size = path.stat().st_size
    try:
        decode.require_size(size)
        with decode.opened_image(path) as image:
            return read(image)
    except UnusableImage as error:
        raise ConfigError(f"{path}: can't be read as an image: {error}; must be one") from None
