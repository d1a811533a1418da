"""DiffAugment: colour, translation and cutout (Zhao et al. 2020, section 3.3 and appendix A).

The paper applies each of them to every image; here each is applied with a probability.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.augment.views import resample
from cgan.augment.warp import Image
from cgan.types import RandomKey

Scalar = Float[Array, ""]

MAX_BRIGHTNESS = 0.5
"""Largest change of brightness either way, in units of the pixels, whose range is 2."""
SATURATION = (0.0, 2.0)
CONTRAST = (0.5, 1.5)
MAX_SHIFT = 1 / 8
"""Largest shift either way, as a share of the image's height and width; whole pixels."""
CUTOUT = 1 / 2
"""Sides of the cutout as a share of the image's height and width; whole pixels."""


class Change(NamedTuple):
    """Changes to one image, in the order in which they are made; 0 or 1 where one is left out."""

    brightness: Scalar
    saturation: Scalar
    contrast: Scalar
    shift: Float[Array, "2"]
    """Whole pixels that the image is moved down and to the right."""
    cut_from: Float[Array, "2"]
    """First row and column of the cutout; may lie outside the image."""
    cut_to: Float[Array, "2"]
    """First row and column after the cutout."""


def draw_change(key: RandomKey, probability: Scalar | float, height: int, width: int) -> Change:
    """Draw colour, translation and cutout each with this probability, and how much of it.

    Args:
        key: of this image.
        probability: from 0 to 1.
        height: of the image, in pixels.
        width: the same.
    """
    keys = jax.random.split(key)
    color, translation, cutout = jax.random.uniform(keys[0], (3,)) < probability
    u = jax.random.uniform(keys[1], (7,))
    size = jnp.array([height, width], jnp.float32)
    farthest, side = jnp.rint(MAX_SHIFT * size), jnp.rint(CUTOUT * size)
    shift = jnp.floor((2 * farthest + 1) * u[3:5]) - farthest
    # The hole's middle pixel is anywhere in the image.
    start = jnp.floor((size + 1 - side % 2) * u[5:7]) - jnp.floor(side / 2)
    return Change(
        brightness=jnp.where(color, MAX_BRIGHTNESS * (2 * u[0] - 1), 0.0),
        saturation=jnp.where(color, _between(SATURATION, u[1]), 1.0),
        contrast=jnp.where(color, _between(CONTRAST, u[2]), 1.0),
        shift=jnp.where(translation, shift, 0.0),
        cut_from=start,
        cut_to=jnp.where(cutout, start + side, start),
    )


def changed(key: RandomKey, image: Image, probability: Scalar | float, color: bool = True) -> Image:
    """Draw one random view of an image: affine in it, the image itself where p is 0.

    Args:
        key: of this image.
        image: in [-1, 1].
        probability: of each of the three, from 0 to 1.
        color: change colours too.
    """
    change = draw_change(key, probability, *image.shape[:2])
    toned = recolor(image, change) if color else image
    return cut_out(translate(toned, change.shift), change).astype(image.dtype)


def recolor(image: Image, change: Change) -> Image:
    """Change brightness, saturation about each pixel's mean, contrast about the image's mean."""
    image = image + change.brightness
    image = _about(image.mean(axis=2, keepdims=True), image, change.saturation)
    return _about(image.mean(), image, change.contrast)


def translate(image: Image, shift: Float[Array, "2"]) -> Image:
    """Move an image by whole pixels; where nothing comes from it is mid-grey, which is 0."""
    rows, columns = (jnp.arange(size) - by for size, by in zip(image.shape[:2], shift, strict=True))
    return resample(image, rows, columns)


def cut_out(image: Image, change: Change) -> Image:
    """Set a rectangle of whole pixels of an image to mid-grey, which is 0."""
    rows, columns = (
        (jnp.arange(size) >= start) & (jnp.arange(size) < end)
        for size, start, end in zip(image.shape[:2], change.cut_from, change.cut_to, strict=True)
    )
    return jnp.where((rows[:, None] & columns)[..., None], 0.0, image)


def _about(middle: Array, image: Image, factor: Scalar) -> Image:
    """Multiply distances from a middle; bit for bit the image where the factor is 1."""
    return image + (factor - 1) * (image - middle)


def _between(ends: tuple[float, float], share: Scalar) -> Scalar:
    return ends[0] + (ends[1] - ends[0]) * share
