"""Encoded images (PNG, JPEG, WebP) as pixels: cropped to a square, resized, grey or RGB.

A file is only ever read as pixels. One that declares more pixels than memory should hold is refused
before it is decoded.
"""

import io
import struct
import warnings
import zlib
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP")
PIXELS_AT_MOST = 2**26
"""Of an image as it is stored: 8,192 x 8,192."""
GREY_MODES = ("1", "L", "LA")
MODES = (*GREY_MODES, "P", "RGB", "RGBA", "CMYK", "YCbCr")
"""Pillow's modes of 8 bits a channel or less; deeper ones would lose theirs unseen."""


class UnusableImage(ValueError):
    """An image that can't be a sample; the message says what is wrong with it."""


class Form(NamedTuple):
    """How images are prepared."""

    resolution: int | None
    """Side of the central square after resizing; None: as stored."""
    channels: int | None
    """1 or 3; None: 1 where the image is grey."""


def decode(content: bytes, form: Form) -> UInt8[np.ndarray, "height width channels"]:
    """The pixels of one encoded image.

    The central square is resized by Pillow's Lanczos filter, which averages over the pixels that it
    shrinks: no aliasing. A camera's orientation tag is followed; transparency is dropped.

    Raises:
        UnusableImage: damaged, of an unknown format or depth, or far too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _decode(content, form)
    except UnusableImage:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise UnusableImage(f"is no PNG, JPEG or WebP image ({type(error).__name__})") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise UnusableImage(f"is damaged ({error})") from None


def _decode(content: bytes, form: Form) -> UInt8[np.ndarray, "height width channels"]:
    with Image.open(io.BytesIO(content), formats=FORMATS) as image:
        width, height = image.size
        if width * height > PIXELS_AT_MOST:
            raise UnusableImage(
                f"has {width} x {height} pixels; at most {PIXELS_AT_MOST:,} are read"
            )
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
