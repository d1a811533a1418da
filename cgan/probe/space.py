"""The space in which a probe takes distances: samples as they are, images as few pixels.

It depends on neither player, so that a distance means the same at every point of a run, and what
is known of the reals is worked out once.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.kinds import DNA, IMAGE, POINT, PROTEIN, SEQUENCE, Kind
from cgan.types import Samples

SIDE = 8
"""Most pixels to a side, which larger images are shrunk to."""
FEW_DIMENSIONS = 4
"""Dimensions up to which distances are taken from differences, which do not cancel."""

Rows = Float[Array, "n d"]


def coordinates(samples: Samples, kind: Kind) -> Rows:
    """A row for each sample.

    Args:
        samples: as the networks see them.
        kind: of them.
    """
    placed = COORDINATES[kind](samples)
    return placed.reshape(len(placed), -1)


def shrunk(images: Float[Array, "n height width channels"]) -> Float[Array, "n _ _ channels"]:
    """Images of few pixels, by a triangle filter that averages over the pixels that it shrinks."""
    n, height, width, channels = images.shape
    images = jnp.clip(images, -1, 1)  # as pictures of it are
    shape = (n, min(height, SIDE), min(width, SIDE), channels)
    return jax.image.resize(images, shape, "linear", antialias=True)


def as_they_are(samples: Samples) -> Samples:
    """Points; and sequences, where one-hot ones are apart by the number of places that differ."""
    return samples


COORDINATES: dict[Kind, Callable[[Samples], Samples]] = {
    IMAGE: shrunk,
    POINT: as_they_are,
    SEQUENCE: as_they_are,
    DNA: as_they_are,
    PROTEIN: as_they_are,
}
"""What distances are taken between, by the samples' kind."""


def squared_distances(a: Rows, b: Float[Array, "m d"]) -> Float[Array, "n m"]:
    """Squared distances of all rows of `a` and `b`, in full float32 on every kind of device."""
    if a.shape[1] <= FEW_DIMENSIONS:
        return jnp.square(a[:, None] - b).sum(axis=-1)
    center = b.mean(axis=0)
    a, b = a - center, b - center
    products = jnp.matmul(a, b.T, precision=jax.lax.Precision.HIGHEST)
    return jnp.maximum(jnp.square(a).sum(1)[:, None] + jnp.square(b).sum(1) - 2 * products, 0)
