"""Encoded images (PNG, JPEG, WebP) as pixels: cropped to a square, resized, grey or RGB.

A file is only ever read as pixels. One that declares more pixels than memory should hold is refused
before it is decoded.
"""

import io
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp")
"""Of files that are taken for images; what a file is, its content says."""
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
PIXELS_AT_MOST = 2**26
"""Of an image as it is stored: 8,192 x 8,192, which take a gigabyte with all copies."""
SAMPLE_PIXELS_AT_MOST = 2**22
"""Of a sample, 2,048 x 2,048: hundreds wait in memory. Larger images are decoded one at a time."""
BYTES_AT_MOST = 2**27
"""Of an encoded image: several are in memory at once, and one of so many pixels needs no more."""
GREY_MODES = ("1", "L", "LA")
MODES = (*GREY_MODES, "P", "RGB", "RGBA", "CMYK", "YCbCr")
"""Pillow's modes of 8 bits a channel or less; deeper ones would lose theirs unseen."""


Background = Literal["white", "black", "grey"]
"""What transparent pixels are laid on."""


class UnusableImage(ValueError):
    """An image that can't be a sample; the message says what is wrong with it."""


_THE_LARGE_ONE = threading.Lock()


class Form(NamedTuple):
    """How images are prepared."""

    resolution: int | None
    """Side of the central square after resizing; None: as stored."""
    channels: int | None
    """1 or 3; None: 1 where the image is grey."""
    background: Background = "white"


def decode(content: bytes, form: Form) -> UInt8[np.ndarray, "height width channels"]:
    """The pixels of one encoded image.

    The central square is resized by Pillow's Lanczos filter, which averages over the pixels that it
    shrinks: no aliasing. A camera's orientation tag is followed; transparency is dropped.

    Raises:
        UnusableImage: damaged, of an unknown format or depth, or far too large.
    """
    with opened_image(io.BytesIO(content)) as image:
        pixels = image.width * image.height
        large = pixels > SAMPLE_PIXELS_AT_MOST
        if large and form.resolution is None:
            raise UnusableImage(
                f"has {image.width} x {image.height} pixels; at most {SAMPLE_PIXELS_AT_MOST:,} "
                "are a sample, and data.resolution makes one of larger images"
            )
        with _THE_LARGE_ONE if large else nullcontext():
            return _decode(image, form)


def require_size(size: int) -> None:
    """Refuse an encoded image that would fill the memory.

    Raises:
        UnusableImage: it has too many bytes.
    """
    if size > BYTES_AT_MOST:
        raise UnusableImage(f"has {size:,} bytes; at most {BYTES_AT_MOST:,} are read")


@contextmanager
def opened_image(
    file: Path | io.BytesIO, formats: tuple[str, ...] = FORMATS
) -> Iterator[Image.Image]:
    """An image whose header has been read; its pixels are decoded inside of the `with`.

    Args:
        file: its path, or its content.
        formats: no others are tried: some of Pillow's decoders start other programs.

    Raises:
        UnusableImage: damaged, of an unknown format, or far too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=formats) as image:
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
        raise UnusableImage(f"is no {_listed(formats)} image") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise UnusableImage(f"is damaged ({error})") from None


def _listed(formats: tuple[str, ...]) -> str:
    named = ["WebP" if name == "WEBP" else name for name in formats]
    return f"{', '.join(named[:-1])} or {named[-1]}"


def _decode(image: Image.Image, form: Form) -> UInt8[np.ndarray, "height width channels"]:
    if image.mode not in MODES:
        raise UnusableImage(f"has pixels of the kind {image.mode}; must be 8 bits a channel")
    grey = form.channels == 1 or (form.channels is None and image.mode in GREY_MODES)
    image.load()
    upright = ImageOps.exif_transpose(image).convert("L" if grey else "RGB")
    if form.resolution is not None:
        size = (form.resolution, form.resolution)
        upright = _central_square(upright)
        if upright.size != size:
            upright = upright.resize(size, Image.Resampling.LANCZOS)
    pixels = np.asarray(upright)
    return pixels[..., None] if grey else pixels


def _central_square(image: Image.Image) -> Image.Image:
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return image.crop((left, top, left + side, top + side))
