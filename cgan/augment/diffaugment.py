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
"""Units of the pixels, whose range is 2; either way."""
SATURATION = (0.0, 2.0)
CONTRAST = (0.5, 1.5)
MAX_SHIFT = 1 / 8
"""Of the image's height and width, either way; whole pixels."""
CUTOUT = 1 / 2
"""Of the image's height and width; whole pixels."""


class Change(NamedTuple):
    """What is done to one image, in this order; 0 or 1 where it is left out."""

    brightness: Scalar
    saturation: Scalar
    contrast: Scalar
    shift: Float[Array, "2"]
    """Whole pixels, down and to the right."""
    cut_from: Float[Array, "2"]
    """First row and column that are cut out; may lie outside."""
    cut_to: Float[Array, "2"]
    """The first ones that are not."""


def draw_change(key: RandomKey, probability: Scalar | float, height: int, width: int) -> Change:
    """Each of colour, translation and cutout with this probability, and how much of it.

    Args:
        key: of this image.
        probability: from 0 to 1.
        height: of the image, in pixels.
        width: the same.
    """
    keys = jax.random.split(key)
    colour, translation, cutout = jax.random.uniform(keys[0], (3,)) < probability
    u = jax.random.uniform(keys[1], (7,))
    size = jnp.array([height, width], jnp.float32)
    farthest, side = jnp.rint(MAX_SHIFT * size), jnp.rint(CUTOUT * size)
    shift = jnp.floor((2 * farthest + 1) * u[3:5]) - farthest
    # The hole's middle pixel is anywhere in the image.
    start = jnp.floor((size + 1 - side % 2) * u[5:7]) - jnp.floor(side / 2)
    return Change(
        brightness=jnp.where(colour, MAX_BRIGHTNESS * (2 * u[0] - 1), 0.0),
        saturation=jnp.where(colour, _between(SATURATION, u[1]), 1.0),
        contrast=jnp.where(colour, _between(CONTRAST, u[2]), 1.0),
        shift=jnp.where(translation, shift, 0.0),
        cut_from=start,
        cut_to=jnp.where(cutout, start + side, start),
    )


def changed(
    key: RandomKey, image: Image, probability: Scalar | float, colour: bool = True
) -> Image:
    """One random view of an image: affine in it, and the image itself where the probability is 0.

    Args:
        key: of this image.
        image: in [-1, 1].
        probability: of each of the three, from 0 to 1.
        colour: change colours too.
    """
    change = draw_change(key, probability, *image.shape[:2])
    toned = recolour(image, change) if colour else image
    return cut_out(translate(toned, change.shift), change).astype(image.dtype)


def recolour(image: Image, change: Change) -> Image:
    """Brightness, then saturation about each pixel's mean, then contrast about the image's."""
    image = image + change.brightness
    image = _about(image.mean(axis=2, keepdims=True), image, change.saturation)
    return _about(image.mean(), image, change.contrast)


def translate(image: Image, shift: Float[Array, "2"]) -> Image:
    """The image moved by whole pixels; where nothing comes from it is mid-grey, which is 0."""
    rows, columns = (jnp.arange(size) - by for size, by in zip(image.shape[:2], shift, strict=True))
    return resample(image, rows, columns)


def cut_out(image: Image, change: Change) -> Image:
    """The image with a rectangle of whole pixels set to mid-grey."""
    rows, columns = (
        (jnp.arange(size) >= start) & (jnp.arange(size) < end)
        for size, start, end in zip(image.shape[:2], change.cut_from, change.cut_to, strict=True)
    )
    return jnp.where((rows[:, None] & columns)[..., None], 0.0, image)


def _about(middle: Array, image: Image, factor: Scalar) -> Image:
    """Distances from the middle, multiplied; bit for bit the image where the factor is 1."""
    return image + (factor - 1) * (image - middle)


def _between(ends: tuple[float, float], share: Scalar) -> Scalar:
    return ends[0] + (ends[1] - ends[0]) * share
