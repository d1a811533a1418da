"""Views of a crystal: the same picture, moved on by whole lattice vectors.

A picture of a whole number of cells closes to a torus that has the crystal's own translations: a
move by a lattice vector, what leaves at one edge coming in again at the other, is what a microscope
would see with the defect at another site. Its electrons would be others, too: two views of a
picture that get opposite shot noise are as two exposures are, and share none of the picture's own,
by which a contrast would tell it from all others sooner than by what is in it. Moves are drawn
evenly from the whole group that the two vectors generate on the torus, so that the view of a view
is distributed as a view is.
"""

from math import gcd, lcm

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.augment.views import resample
from cgan.augment.warp import Image
from cgan.types import RandomKey

HALF = 127.5
"""Levels of grey from the middle of an image's range to its ends."""
Vectors = tuple[int, int, int, int]
"""Two vectors in whole pixels, each down and to the right."""


def order(vector: tuple[int, int], height: int, width: int) -> int:
    """How many times a vector leads on before it is back where it started.

    >>> order((7, 4), 28, 32), order((0, 8), 28, 32)
    (8, 4)
    """
    sides = zip(vector, (height, width), strict=True)
    return lcm(*(side // gcd(along, side) for along, side in sides))


def draw_shift(key: RandomKey, vectors: Vectors, height: int, width: int) -> Float[Array, "2"]:
    """A move by whole vectors, each of the torus's translations with the same probability.

    Each vector is taken a number of times that is even over its order, and a homomorphism of
    finite groups takes the even distribution to the even one on its image.
    """
    pair = vectors[:2], vectors[2:]
    times = [
        jax.random.randint(of_vector, (), 0, order(vector, height, width))
        for of_vector, vector in zip(jax.random.split(key), pair, strict=True)
    ]
    down, right = (times[0] * pair[0][axis] + times[1] * pair[1][axis] for axis in (0, 1))
    return jnp.stack([down % height, right % width]).astype(jnp.float32)


def moved(image: Image, shift: Float[Array, "2"]) -> Image:
    """Move an image down and to the right by whole pixels; what leaves it comes in opposite."""
    rows, columns = (
        (jnp.arange(size) - by) % size for size, by in zip(image.shape[:2], shift, strict=True)
    )
    return resample(image, rows, columns).astype(image.dtype)


def exposed(key: RandomKey, image: Image, shot_noise: float, sign: float = 1.0) -> Image:
    """Add noise whose variance is so many levels of grey for each level that a pixel has.

    Electrons that come by chance make `g` levels of grey vary by `G g`, with G levels an electron.
    The noise is a constant to whoever differentiates.

    Args:
        key: of this image.
        image: in [-1, 1]; below -1 there is nothing that varies.
        shot_noise: levels of grey, of 256.
        sign: -1 for the opposite of the noise that 1 adds.
    """
    grey = jnp.maximum(jax.lax.stop_gradient(image) + 1, 0) * HALF
    deviation = sign * jnp.sqrt(shot_noise * grey) / HALF
    return image + (deviation * jax.random.normal(key, image.shape)).astype(image.dtype)


def seen(key: RandomKey, image: Image, vectors: Vectors, shot_noise: float = 0.0) -> Image:
    """Draw one random view of an image: its very pixels in other places, and noise if asked for."""
    of_shift, of_noise = jax.random.split(key)
    return _view(of_shift, of_noise, image, vectors, shot_noise)


def other(
    key: RandomKey, first: RandomKey, image: Image, vectors: Vectors, shot_noise: float = 0.0
) -> Image:
    """Draw the view of an image that goes with another one: elsewhere, with the opposite noise.

    Where a pixel varies by a variance of `v` and so does the noise `e` that is added, `x + e` and
    `x - e` share no noise, since their covariance is `v - v`: as if each were a picture of its own,
    taken at half the dose (Pang et al. 2021, Recorrupted-to-Recorrupted).

    Args:
        key: of this view.
        first: of the other view, as `seen` was given it.
        image: the image that both are of.
        vectors: of the lattice.
        shot_noise: levels of grey; those of an electron make the two independent.
    """
    of_shift, _ = jax.random.split(key)
    _, of_noise = jax.random.split(first)
    return _view(of_shift, of_noise, image, vectors, shot_noise, sign=-1.0)


def _view(
    of_shift: RandomKey,
    of_noise: RandomKey,
    image: Image,
    vectors: Vectors,
    shot_noise: float,
    sign: float = 1.0,
) -> Image:
    if shot_noise:
        image = exposed(of_noise, image, shot_noise, sign)
    return moved(image, draw_shift(of_shift, vectors, *image.shape[:2]))
