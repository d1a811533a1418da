"""Images in windows around the sites of a crystal's lattice, on a torus without edges."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.networks.convolution import Images

Vectors = tuple[int, int, int, int]
"""Two lattice vectors in whole pixels, each down and right."""
Windows = Float[Array, "n sites pixels"]
Shape = tuple[int, ...]
"""Height, width and channels of an image."""


def sites(vectors: Vectors, height: int, width: int) -> list[tuple[int, int]]:
    """All sites of a lattice on the torus of so many pixels, found by walking from the first.

    >>> sites((2, 1, 0, 2), 4, 4)
    [(0, 0), (0, 2), (2, 1), (2, 3)]
    """
    found, new = {(0, 0)}, [(0, 0)]
    while new:
        down, right = new.pop()
        for step in (vectors[:2], vectors[2:]):
            place = ((down + step[0]) % height, (right + step[1]) % width)
            if place not in found:
                found.add(place)
                new.append(place)
    return sorted(found)


def window_shape(vectors: Vectors, shape: Shape) -> Shape:
    """Shape of a window: two steps of the lattice along each side, at most the whole image."""
    tall, wide = (
        min(2 * max(abs(vectors[axis]), abs(vectors[axis + 2])), side)
        for axis, side in enumerate(shape[:2])
    )
    return tall, wide, shape[2]


def around(images: Images, vectors: Vectors) -> Windows:
    """Windows of images at each site, of two steps of the lattice along each side.

    What lies beyond an edge lies at the opposite one, so a move by a lattice vector permutes them.
    """
    height, width = images.shape[1:3]
    tall, wide, _ = window_shape(vectors, images.shape[1:])
    padded = jnp.pad(images, ((0, 0), (0, tall), (0, wide), (0, 0)), mode="wrap")
    windows = [
        padded[:, down : down + tall, right : right + wide].reshape(len(images), -1)
        for down, right in sites(vectors, height, width)
    ]
    return jnp.stack(windows, axis=1)


def across(windows: Windows, vectors: Vectors, shape: Shape) -> Images:
    """Images that are the sum of windows at each site: the transpose of `around`."""
    nothing = jax.ShapeDtypeStruct((len(windows), *shape), windows.dtype)
    (images,) = jax.linear_transpose(lambda images: around(images, vectors), nothing)(windows)
    return images
