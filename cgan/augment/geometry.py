"""Pixel blitting and general geometric transformations, as one affine map of an image.

Karras et al. 2020, "Training generative adversarial networks with limited data", appendix B. They
are composed and the image is interpolated once, as there. In place of its wavelet filters around
an upsampled image the warp smooths as far as content shrinks: see `warp.py`.
"""

from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtri
from jaxtyping import Array, Float

from cgan.augment.warp import Matrix
from cgan.types import RandomKey

Scalar = Float[Array, ""]

MAX_SHIFT = 1 / 8
"""Largest whole shift either way, as a share of the image's height and width."""
SCALE_OCTAVES = 0.2
"""Standard deviation of the scale, and of the stretch, in octaves."""
SHIFT_DEVIATION = 1 / 8
"""Standard deviation of the fractional shift, as a share of the image's height and width."""


class Move(NamedTuple):
    """Geometric changes to one image, in the order in which they are made."""

    flip: Scalar
    """Mirror: 1 mirrors left to right, 0 does nothing."""
    quarters: Scalar
    """Number of quarter turns counter-clockwise: 0, 1, 2 or 3."""
    whole_shift: Float[Array, "2"]
    """Whole pixels that the image is moved down and to the right."""
    scale: Scalar
    turn: Scalar
    """Angle of the first turn, counter-clockwise, in radians."""
    stretch: Scalar
    """Factor on the content's width, and divisor of its height."""
    second_turn: Scalar
    shift: Float[Array, "2"]
    """Pixels that the image is moved down and to the right at last, fractions too."""


def draw_move(key: RandomKey, probability: Scalar | float, height: int, width: int) -> Move:
    """Draw each geometric transformation with this probability, and how much of it.

    Each of the two rotations is drawn with `1 - sqrt(1 - p)`, so that there is one at least with p.

    Args:
        key: of this image.
        probability: p, from 0 to 1.
        height: of the image, in pixels.
        width: the same.
    """
    # One draw for all: each takes XLA seconds to compile.
    u = jax.random.uniform(key, (18,), minval=2.0**-24)
    chance, uniform, normal = u[:8], u[8:14], ndtri(u[14:])
    on = chance < probability
    on_turn = chance < 1 - jnp.sqrt(1 - jnp.asarray(probability, jnp.float32))
    size = jnp.array([height, width], jnp.float32)
    angles = jnp.pi * (2 * uniform[4:] - 1)
    return Move(
        flip=jnp.where(on[0], jnp.floor(2 * uniform[0]), 0.0),
        quarters=jnp.where(on[1], jnp.floor(4 * uniform[1]), 0.0),
        whole_shift=jnp.where(on[2], jnp.rint(MAX_SHIFT * size * (2 * uniform[2:4] - 1)), 0.0),
        scale=jnp.where(on[3], jnp.exp2(SCALE_OCTAVES * normal[0]), 1.0),
        turn=jnp.where(on_turn[4], angles[0], 0.0),
        stretch=jnp.where(on[5], jnp.exp2(SCALE_OCTAVES * normal[1]), 1.0),
        second_turn=jnp.where(on_turn[6], angles[1], 0.0),
        shift=jnp.where(on[7], SHIFT_DEVIATION * size * normal[2:], 0.0),
    )


def inverse_of(move: Move) -> Matrix:
    """The map to where each pixel of the moved image comes from: all steps undone."""
    one, none = jnp.ones(()), jnp.zeros(())
    cosines, sines = jnp.array([1.0, 0.0, -1.0, 0.0]), jnp.array([0.0, 1.0, 0.0, -1.0])
    quarters = move.quarters.astype(int)
    undone = [
        _matrix(one, none, none, 1 - 2 * move.flip),
        _back(cosines[quarters], sines[quarters]),
        _matrix(one, none, none, one, -move.whole_shift),
        _matrix(1 / move.scale, none, none, 1 / move.scale),
        _back(jnp.cos(move.turn), jnp.sin(move.turn)),
        _matrix(move.stretch, none, none, 1 / move.stretch),
        _back(jnp.cos(move.second_turn), jnp.sin(move.second_turn)),
        _matrix(one, none, none, one, -move.shift),
    ]
    return reduce(partial(jnp.matmul, precision="highest"), undone)


def _back(cosine: Scalar, sine: Scalar) -> Matrix:
    """The inverse of a counter-clockwise turn, of (row, column) with rows counted downwards."""
    return _matrix(cosine, sine, -sine, cosine)


def _matrix(
    a: Scalar, b: Scalar, c: Scalar, d: Scalar, shift: Float[Array, "2"] | None = None
) -> Matrix:
    """The affine map of `[[a, b], [c, d]]` and then a shift."""
    linear = jnp.stack([jnp.stack([a, b]), jnp.stack([c, d])])
    moved = jnp.zeros(2) if shift is None else shift
    return jnp.concatenate([jnp.column_stack([linear, moved]), jnp.array([[0.0, 0.0, 1.0]])])
