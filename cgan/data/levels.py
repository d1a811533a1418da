"""From all ways in which images store pixels to 8 bits a channel, grey or RGB.

Grey levels of 16 bits are scaled, `value / 257` rounded, so that white stays white. Of colours of
16 bits a channel Pillow gives the higher byte, which is at most one level below that.

Transparent pixels are laid on a plain background: what lies hidden in them is whatever the program
that saved the image left there. An opaque image stays what it is.
"""

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image, ImageFile

from cgan.config import Background

BACKGROUNDS: dict[Background, int] = {"white": 255, "black": 0, "gray": 128}
"""Level of each channel of the backgrounds, 0..255, by name."""
DEEP_GRAY = ("I;16", "I;16B", "I;16L", "I;16N", "I")
"""Pillow's modes of grey levels of 16 bits; `I` has room for 32, which no format here fills."""
GRAY_MODES = ("1", "L", "LA", *DEEP_GRAY)
MODES = (*GRAY_MODES, "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
"""Modes of Pillow's that are read."""


def stored_as(image: Image.Image) -> str:
    """Pillow's name, such as `L;4`, for how a PNG not yet decoded stores its pixels."""
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    return str(tiles[0].args) if image.format == "PNG" and tiles else image.mode


def is_gray(image: Image.Image, stored: str) -> bool:
    """Whether an image has grey levels only; one with a palette counts as coloured."""
    return image.mode in GRAY_MODES or stored.startswith("LA")


def flat(image: Image.Image, stored: str, gray: bool, background: Background) -> Image.Image:
    """Turn a decoded image into 8 bits a channel, in the mode `L` or `RGB`.

    Args:
        image: of one of `MODES`.
        stored: see `stored_as`.
        gray: whether to make it grey.
        background: what transparent pixels are laid on.
    """
    if isinstance(image.info.get("transparency"), str):  # a PNG's text may be called anything
        del image.info["transparency"]
    opacity = _opacity(image, stored)
    if image.mode in DEEP_GRAY:
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    elif image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    image.info.pop("transparency", None)
    levels = image.convert("L" if gray else "RGB")
    if opacity is None or opacity.getextrema()[0] == 255:
        return levels
    level = BACKGROUNDS[background]
    beneath = Image.new(levels.mode, levels.size, level if gray else (level,) * 3)
    return Image.composite(levels, beneath, opacity)


def laid_on(
    images: UInt8[np.ndarray, "*images 4"], background: Background
) -> UInt8[np.ndarray, "*images 3"]:
    """Lay RGBA pixels in an array, `[..., 4]`, on a background: `[..., 3]`."""
    opacity = images[..., 3:].astype(np.uint32)
    levels = images[..., :3] * opacity + BACKGROUNDS[background] * (255 - opacity)
    return ((levels + 127) // 255).astype(np.uint8)


def _eight_bits(levels: Shaped[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width"]:
    return ((levels.clip(0, 65_535).astype(np.uint32) + 128) // 257).astype(np.uint8)


def _opacity(image: Image.Image, stored: str) -> Image.Image | None:
    """Opacity of each pixel, 0 where transparent, to 255; None where nothing says that any are."""
    if not image.has_transparency_data:
        return None
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    if image.mode in ("LA", "RGBA"):
        return image.getchannel("A")
    return _other_than(image, stored)


def _other_than(image: Image.Image, stored: str) -> Image.Image:
    """Opacity of an image in which one colour is transparent: the one that PNG's tRNS declares.

    The chunk has the colour as it is stored: in 2 or 4 bits, say, which Pillow spreads over 8.
    """
    key = np.array(image.info["transparency"])
    if image.mode == "1":
        key = key != 0
    elif stored in ("L;2", "L;4"):
        key = key * (255 // (2 ** int(stored[2:]) - 1))
    elif stored == "RGB;16B":
        key = key >> 8
    same = np.asarray(image) == key
    if image.mode == "RGB":
        same = same.all(axis=-1)
    return Image.fromarray(np.where(same, 0, 255).astype(np.uint8))
