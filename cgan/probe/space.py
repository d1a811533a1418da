"""The space in which a probe takes distances: points as they are, images as few pixels.

It depends on neither player, so that a distance means the same at every point of a run, and what
is known of the reals is worked out once.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.types import Samples

SIDE = 8
"""Most pixels to a side, which larger images are shrunk to."""
FEW_DIMENSIONS = 4
"""Dimensions up to which distances are taken from differences, which do not cancel."""

Rows = Float[Array, "n d"]


def coordinates(samples: Samples) -> Rows:
    """Coordinates of samples in the probe's space, a row for each.

    Images are shrunk by a triangle filter that averages over the pixels that it shrinks.

    Args:
        samples: as the networks see them, `[n, height, width, channels]` or `[n, dimensions]`.
    """
    if samples.ndim == 4:
        n, height, width, channels = samples.shape
        samples = jnp.clip(samples, -1, 1)  # as pictures of it are
        shape = (n, min(height, SIDE), min(width, SIDE), channels)
        samples = jax.image.resize(samples, shape, "linear", antialias=True)
    return samples.reshape(len(samples), -1)


def squared_distances(a: Rows, b: Float[Array, "m d"]) -> Float[Array, "n m"]:
    """Squared distances of all rows of `a` and `b`, in full float32 on every kind of device."""
    if a.shape[1] <= FEW_DIMENSIONS:
        return jnp.square(a[:, None] - b).sum(axis=-1)
    centre = b.mean(axis=0)
    a, b = a - centre, b - centre
    products = jnp.matmul(a, b.T, precision=jax.lax.Precision.HIGHEST)
    return jnp.maximum(jnp.square(a).sum(1)[:, None] + jnp.square(b).sum(1) - 2 * products, 0)
