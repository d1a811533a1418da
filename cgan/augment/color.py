"""Colour transformations of an RGB or grey image, as one affine map of its pixels.

Karras et al. 2020, "Training generative adversarial networks with limited data", appendix B. Of a
grey image brightness, contrast and luma flip are left: it has neither hue nor saturation.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from jaxtyping import Array, Float

from cgan.types import RandomKey

Image = Float[Array, "height width channels"]
Scalar = Float[Array, ""]

BRIGHTNESS_DEVIATION = 0.2
"""Standard deviation of brightness, in units of the pixels, whose range is 2."""
CONTRAST_OCTAVES = 0.5
"""Standard deviation of contrast, in octaves."""
SATURATION_OCTAVES = 1.0
"""Standard deviation of saturation, in octaves."""


class Tone(NamedTuple):
    """Changes to the colours of one image, in the order in which they are made."""

    brightness: Scalar
    """Amount added to every channel."""
    contrast: Scalar
    """Factor on every channel, about mid-grey, which is 0."""
    inverted: Scalar
    """Luma flip: 1 turns light into dark and keeps hue and saturation, 0 does nothing."""
    hue: Scalar
    """Angle of rotation about the axis of greys, in radians."""
    saturation: Scalar
    """Factor on the distance from the axis of greys."""


def draw_tone(key: RandomKey, probability: Scalar | float) -> Tone:
    """Draw each colour transformation with this probability, and how much of it."""
    u = jax.random.uniform(key, (10,), minval=2.0**-24)
    on, uniform, normal = u[:5] < probability, u[5:7], ndtri(u[7:])
    return Tone(
        brightness=jnp.where(on[0], BRIGHTNESS_DEVIATION * normal[0], 0.0),
        contrast=jnp.where(on[1], jnp.exp2(CONTRAST_OCTAVES * normal[1]), 1.0),
        inverted=jnp.where(on[2], jnp.floor(2 * uniform[0]), 0.0),
        hue=jnp.where(on[3], jnp.pi * (2 * uniform[1] - 1), 0.0),
        saturation=jnp.where(on[4], jnp.exp2(SATURATION_OCTAVES * normal[2]), 1.0),
    )


def recolor(image: Image, tone: Tone) -> Image:
    """Change colours: `S H F (contrast (x + brightness))` at each pixel `x`, not clipped.

    With `v` the unit vector of greys: `F = I - 2 v v^T` if inverted, `H` the rotation about `v`
    (Rodrigues), `S = saturation I + (1 - saturation) v v^T`.

    Args:
        image: of 1 or 3 channels, in [-1, 1].
        tone: what to do.
    """
    channels = image.shape[-1]
    identity, grays = (
        np.eye(channels, dtype=np.float32),
        np.full((channels, channels), 1 / channels),
    )
    grays = grays.astype(np.float32)
    flip = identity - 2 * tone.inverted * grays
    saturate = tone.saturation * identity + (1 - tone.saturation) * grays
    turn = _turned(tone.hue, identity, grays) if channels == 3 else identity
    matrix = _product(_product(saturate, turn), flip) * tone.contrast
    mixed = jnp.einsum("hwc,dc->hwd", image, matrix, precision="highest")
    return mixed + tone.brightness * matrix.sum(axis=1)


_product = partial(jnp.matmul, precision="highest")


def _turned(angle: Scalar, identity: np.ndarray, grays: np.ndarray) -> Float[Array, "3 3"]:
    """Rotation of colours about the axis of greys `v = (1, 1, 1) / sqrt(3)`.

    Rodrigues' formula: `cos I + sin [v]x + (1 - cos) v v^T`.
    """
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.float32) / np.sqrt(np.float32(3))
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    return cosine * identity + sine * cross + (1 - cosine) * grays
