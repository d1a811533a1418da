"""An affine map of an image by bilinear interpolation; linear, so gradients of any order pass."""

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates
from jaxtyping import Array, Float

Image = Float[Array, "height width channels"]
Matrix = Float[Array, "3 3"]
"""An affine map of (row, column, 1), in pixels from the image's middle."""
Positions = Float[Array, "height width"]

PRODUCTS_UP_TO = 64
"""Longest side in pixels of images that are warped by products of matrices.

Larger images are read pixel by pixel, which takes less work and memory.
"""


def warp(image: Image, inverse: Matrix) -> Image:
    """Move an image by an affine map; a map of whole pixels moves their very values.

    Pixel `p` of the result is the image at `inverse p`, between pixels by bilinear interpolation
    and beyond the edges by mirroring without repeating the edge. Where the map makes content
    smaller the image is smoothed first.

    Args:
        image: of any number of channels.
        inverse: where each pixel comes from.
    """
    height, width = image.shape[:2]
    middle = ((height - 1) / 2, (width - 1) / 2)
    rows, columns = jnp.arange(height)[:, None] - middle[0], jnp.arange(width) - middle[1]
    at = [
        along[0] * rows + along[1] * columns + along[2] + half
        for along, half in zip(inverse[:2], middle, strict=True)
    ]
    smooth = soften(image, footprint(inverse))
    interpolate = by_products if max(height, width) <= PRODUCTS_UP_TO else by_reads
    return interpolate(smooth, *(mirrored(a, n) for a, n in zip(at, (height, width), strict=True)))


def mirrored(at: Positions, size: int) -> Positions:
    """Mirror positions outside of an axis into it, the edge not repeated."""
    period = max(2 * (size - 1), 1)
    return size - 1 - jnp.abs(at % period - (size - 1))


def by_products(image: Image, rows: Positions, columns: Positions) -> Image:
    """Interpolate bilinearly by products with hats `max(0, 1 - |position - pixel|)`."""
    height, width, channels = image.shape
    along_height = jnp.maximum(0, 1 - jnp.abs(rows.reshape(-1, 1) - jnp.arange(height)))
    along_width = jnp.maximum(0, 1 - jnp.abs(columns.reshape(-1, 1) - jnp.arange(width)))
    lines = jnp.matmul(along_height, image.reshape(height, -1), precision="highest")
    lines = lines.reshape(-1, width, channels)
    found = jnp.einsum("pw,pwc->pc", along_width, lines, precision="highest")
    return found.reshape(image.shape)


def by_reads(image: Image, rows: Positions, columns: Positions) -> Image:
    """Interpolate bilinearly by reading four neighbours: less work, but slow to compile."""
    return jnp.stack(
        [
            map_coordinates(image[..., channel], [rows, columns], order=1, mode="nearest")
            for channel in range(image.shape[2])
        ],
        axis=-1,
    )


def footprint(inverse: Matrix) -> Float[Array, "2"]:
    """Number of the image's pixels, along rows and columns, that a step of the result spans."""
    return jnp.sqrt(jnp.sum(jnp.square(inverse[:2, :2]), axis=1))


def soften(image: Image, widths: Float[Array, "2"]) -> Image:
    """Blur an image with `[q, 1 - 2 q, q]` along each axis, so that a warp does not alias.

    Bilinear interpolation is a triangle of half-width 1, with variance 1/6. A result whose pixels
    are `k` apart wants one of half-width `k`, with variance `k^2 / 6`; the filter's own is `2 q`,
    so `q = (k^2 - 1) / 12`. From `k = 2` on q stays at 1/4, beyond which its response turns
    negative; up to `k = 1` it is 0 and the image stays as it is.

    Args:
        image: of any number of channels.
        widths: k along the rows and along the columns.
    """
    for axis in (0, 1):
        q = jnp.clip((jnp.square(widths[axis]) - 1) / 12, 0, 1 / 4)
        size = image.shape[axis]
        padded = jnp.pad(image, [(int(axis == i),) * 2 for i in range(3)], mode="reflect")
        before, after = (jax.lax.slice_in_dim(padded, i, i + size, axis=axis) for i in (0, 2))
        image = image + q * (before + after - 2 * image)
    return image
