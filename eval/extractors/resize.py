"""Resizing images as two matrix products: columns first, then rows.

Each matrix row holds the weights of one output pixel, so every rule of interpolation is a function
from sizes to a matrix, and one product serves them all.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

Matrix = Float[np.ndarray, "to size"]


class Resize(NamedTuple):
    """Weights of a resize, from input pixels to output pixels along each side."""

    rows: Float[Array | np.ndarray, "to_height height"]
    columns: Float[Array | np.ndarray, "to_width width"]


def square(matrix: Callable[[int, int], Matrix], side: int) -> Callable[[int, int], Resize]:
    """A function from an image's height and width to the weights that make it such a square."""
    return lambda height, width: Resize(matrix(height, side), matrix(width, side))


def resized(
    weights: Resize, images: UInt8[Array, "n height width channels"]
) -> Float[Array, "n to_height to_width channels"]:
    """Resize images, to grey levels that need not be whole numbers."""
    return _along_rows(weights, _along_columns(weights, images.astype(jnp.float32)))


def resized_in_gray_levels(
    weights: Resize, images: UInt8[Array, "n height width channels"]
) -> Float[Array, "n to_height to_width channels"]:
    """Resize images, rounded to whole grey levels along the way as images of bytes are.

    Rounded after the columns and after the rows, halves upwards.
    """

    def whole(gray: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.clip(jnp.floor(gray + 0.5), 0, 255)

    return whole(_along_rows(weights, whole(_along_columns(weights, images.astype(jnp.float32)))))


def _along_columns(weights: Resize, images: Float[Array, "..."]) -> Float[Array, "..."]:
    product = "xw,nhwc->nhxc"
    return jnp.einsum(product, weights.columns, images, precision=jax.lax.Precision.HIGHEST)


def _along_rows(weights: Resize, images: Float[Array, "..."]) -> Float[Array, "..."]:
    product = "yh,nhwc->nywc"
    return jnp.einsum(product, weights.rows, images, precision=jax.lax.Precision.HIGHEST)


def bilinear_tf1(size: int, to: int) -> Matrix:
    """Weights of TensorFlow 1's bilinear interpolation, which the FID's Inception was used with.

    Corners are aligned at the first pixel only: no half pixels, and no smoothing when it shrinks.
    Positions are in float32, as there.
    """
    scale = np.float32(size) / np.float32(to)
    position = np.arange(to, dtype=np.float32) * scale
    below = position.astype(np.int64)
    share = position - below.astype(np.float32)
    matrix = np.zeros((to, size), np.float32)
    matrix[np.arange(to), below] = 1 - share
    matrix[np.arange(to), np.minimum(below + 1, size - 1)] += share
    return matrix


def _cubic(distance: Float[np.ndarray, "..."], a: float) -> Float[np.ndarray, "..."]:
    """The cubic convolution kernel (Keys 1981, equation 4 for a = -1/2)."""
    x = np.abs(distance)
    near = ((a + 2) * x - (a + 3)) * x**2 + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def bicubic_antialiased(size: int, to: int) -> Matrix:
    """Weights of cubic convolution (a = -1/2) that widens as it shrinks images, as Pillow's."""
    scale = size / to
    centers = (np.arange(to)[:, None] + 0.5) * scale
    weights = _cubic((np.arange(size) + 0.5 - centers) / max(scale, 1.0), a=-0.5)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def bicubic(size: int, to: int, factor: float) -> Matrix:
    """Weights of cubic convolution (a = -3/4) at pixels `1 / factor` apart, with repeated borders.

    Args:
        size: pixels there are.
        to: pixels to make.
        factor: the magnification, which need not be `to / size`.
    """
    positions = (np.arange(to) + 0.5) / factor - 0.5
    matrix = np.zeros((to, size))
    for tap in range(-1, 3):
        pixels = np.floor(positions) + tap
        inside = np.clip(pixels, 0, size - 1).astype(np.int64)
        np.add.at(matrix, (np.arange(to), inside), _cubic(positions - pixels, a=-0.75))
    return matrix.astype(np.float32)
