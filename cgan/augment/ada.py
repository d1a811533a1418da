"""The transformations of adaptive discriminator augmentation, each with one probability.

Karras et al. 2020, "Training generative adversarial networks with limited data": pixel blitting,
general geometry, colour, the set that the paper calls bgc. As long as p is below 0.8 or so a
generator that fools the discriminator must make images that are not transformed (section 2.2).
"""

import jax
from jaxtyping import Array, Float

from cgan.augment.color import draw_tone, recolor
from cgan.augment.geometry import draw_move, inverse_of
from cgan.augment.warp import Image, warp
from cgan.types import RandomKey


def transformed(
    key: RandomKey, image: Image, probability: Float[Array, ""] | float, color: bool = True
) -> Image:
    """Draw one random view of an image: linear in it, and the image itself where p is 0.

    Args:
        key: of this image.
        image: of 1 or 3 channels, in [-1, 1]; without `color` of any number.
        probability: p of each transformation, from 0 to 1.
        color: change colours too.
    """
    of_move, of_tone = jax.random.split(key)
    move = draw_move(of_move, probability, *image.shape[:2])
    moved = warp(image, inverse_of(move))
    seen = recolor(moved, draw_tone(of_tone, probability)) if color else moved
    return seen.astype(image.dtype)
