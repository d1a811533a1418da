"""Encoded images (PNG, JPEG, WebP, BMP) as pixels: upright, cropped to a square, resized.

The one decoder: of what is trained on, and of samples that are compared. A file is only ever read
as pixels, and taken for what its content is, whatever its name ends in. One that declares more
pixels than memory should hold is refused before it is decoded.
"""

import io
import struct
import threading
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import IO, NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from cgan.config import Background, Data
from cgan.data.levels import MODES, flat, is_gray, stored_as
from cgan.data.orientation import LYING, orientation, upright, without_metadata

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp")
"""Suffixes of files that are taken for images."""
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
"""Formats that are decoded; no others are tried, since some decoders start other programs."""
PIXELS_AT_MOST = 2**26
"""Most pixels of a stored image: 8,192 x 8,192, which take a gigabyte with all copies."""
SAMPLE_PIXELS_AT_MOST = 2**22
"""Most pixels of a sample, 2,048 x 2,048: hundreds wait in memory.

Larger images are decoded one at a time.
"""
BYTES_AT_MOST = 2**27
"""Most bytes of an encoded image: several are in memory, and no such image needs more."""


File = IO[bytes] | io.BytesIO
"""An open file of bytes."""


class UnusableImage(ValueError):
    """An image can't be a sample; the message says what is wrong with it."""


_THE_LARGE_ONE = threading.Lock()
_DAMAGED = (
    *(OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error),
    zipfile.BadZipFile,  # of a file in an archive
)


class Form(NamedTuple):
    """Settings of how images are prepared as samples."""

    resolution: int | None
    """Side of the central square after resizing, in pixels; None for images as stored."""
    channels: int | None
    """Channels of the samples, 1 or 3; None for 1 where the image is grey."""
    background: Background = Data.background
    """Ground that transparent pixels are laid on."""


def decode(
    content: bytes, form: Form, at_most: int = SAMPLE_PIXELS_AT_MOST
) -> UInt8[np.ndarray, "height width channels"]:
    """Decode the pixels of one encoded image: of an animated one, or one of several, the first.

    The central square is resized by Pillow's Lanczos filter, which averages over the pixels that it
    shrinks: no aliasing. A camera's orientation tag is followed. See `levels` for depths and
    transparency; colour profiles are not looked at.

    Args:
        content: the file's.
        form: how to prepare it.
        at_most: pixels of an image that is not resized.

    Raises:
        UnusableImage: damaged, of an unknown format or depth, or far too large.
    """
    with opened_image(io.BytesIO(content)) as image:
        pixels = image.width * image.height
        require_sample(image.width, image.height, form, at_most)
        with _THE_LARGE_ONE if pixels > SAMPLE_PIXELS_AT_MOST else nullcontext():
            return _decode(image, form)


def sample_shape(file: File, form: Form) -> tuple[int, int, int]:
    """Height, width and channels that `decode` would give; most images need no decoding.

    Raises:
        UnusableImage: as for `decode`, so far as it was read.
    """
    with opened_image(file) as image:
        _require_mode(image)
        gray = _becomes_gray(image, stored_as(image), form)
        if form.resolution is not None:
            return form.resolution, form.resolution, 1 if gray else 3
        if image.format == "PNG" and image.width != image.height:
            image.load()  # EXIF may lie behind the pixels
        lying = orientation(image.info) in LYING
        width, height = image.size[::-1] if lying else image.size
        return height, width, 1 if gray else 3


def require_sample(
    width: int, height: int, form: Form, at_most: int = SAMPLE_PIXELS_AT_MOST
) -> None:
    """Refuse an image that would be too large a sample.

    Raises:
        UnusableImage: it is not resized, and has too many pixels.
    """
    if width * height > at_most and form.resolution is None:
        raise UnusableImage(
            f"has {width} x {height} pixels; at most {at_most:,} "
            "are a sample, and data.resolution makes one of larger images"
        )


def require_size(size: int) -> None:
    """Refuse an encoded image that would fill the memory.

    Raises:
        UnusableImage: it has too many bytes.
    """
    if size > BYTES_AT_MOST:
        raise UnusableImage(f"has {size:,} bytes; at most {BYTES_AT_MOST:,} are read")


@contextmanager
def opened_image(file: File) -> Iterator[Image.Image]:
    """Open an image and read its header; its pixels are decoded inside of the `with`.

    Raises:
        UnusableImage: damaged, of an unknown format, or far too large.
    """
    try:
        file, metadata = _without_metadata(file)
        with _UNHEARD, Image.open(file, formats=FORMATS) as image:
            image.info.update(metadata)
            width, height = image.size
            if width * height > PIXELS_AT_MOST:
                raise UnusableImage(
                    f"has {width} x {height} pixels; at most {PIXELS_AT_MOST:,} are read"
                )
            yield image
    except UnusableImage:
        raise
    except Image.DecompressionBombError:
        raise UnusableImage(
            f"is far too large; at most {PIXELS_AT_MOST:,} pixels are read"
        ) from None
    except UnidentifiedImageError:
        raise UnusableImage("is no PNG, JPEG, WebP or BMP image") from None
    except _DAMAGED as error:
        raise UnusableImage(f"is damaged ({error})") from None


class _Unheard:
    """A context in which Pillow's warnings are not shown, while any thread is inside.

    `warnings.catch_warnings` alone puts back what it found, so that threads which enter and leave
    by turns leave the filters of one of them behind.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._caught.__exit__(None, None, None)


_UNHEARD = _Unheard()


def _without_metadata(file: File) -> tuple[File, dict[str, bytes]]:
    """A file without its metadata, as Pillow is given it, and the metadata."""
    start = file.read(3)
    file.seek(0)
    if start != b"\xff\xd8\xff":  # a JPEG's
        return file, {}
    content, metadata = without_metadata(file.read(BYTES_AT_MOST))
    return io.BytesIO(content), metadata


def _require_mode(image: Image.Image) -> None:
    if image.mode not in MODES:
        expected = "must be of 8 bits a channel, or of 16 and grey"
        raise UnusableImage(f"has pixels of the kind {image.mode}; {expected}")


def _becomes_gray(image: Image.Image, stored: str, form: Form) -> bool:
    return form.channels == 1 or (form.channels is None and is_gray(image, stored))


def _decode(image: Image.Image, form: Form) -> UInt8[np.ndarray, "height width channels"]:
    _require_mode(image)
    stored = stored_as(image)
    image.load()
    gray = _becomes_gray(image, stored, form)
    levels = upright(flat(image, stored, gray, form.background), orientation(image.info))
    if form.resolution is not None:
        size = (form.resolution, form.resolution)
        levels = _central_square(levels)
        if levels.size != size:
            levels = levels.resize(size, Image.Resampling.LANCZOS)
    pixels = np.asarray(levels)
    return pixels[..., None] if gray else pixels


def _central_square(image: Image.Image) -> Image.Image:
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return image.crop((left, top, left + side, top + side))
