"""Doubling and halving of maps with a fixed filter, and the sides and widths of a pyramid of maps.

A filter is its taps along one axis, applied to rows and columns. Halving blurs and keeps every
second pixel; doubling is its transpose times 4, so that a constant stays one. What lies beyond the
edge counts as 0, as in the convolutions.
"""

from functools import reduce

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.networks.convolution import Images

Taps = tuple[int, ...]

BASE = 4
"""Side of the coarsest maps, in pixels."""

NEAREST: Taps = (1, 1)
"""Filter of nearest neighbours: doubling repeats a pixel, halving takes the mean of four.

As in Miyato et al. 2018, figure 4.
"""
LINEAR: Taps = (1, 2, 1)
"""Bilinear filter, by which maps move by half a pixel (Huang et al. 2024, appendix B)."""
SMOOTH: Taps = (1, 3, 3, 1)
"""Bilinear filter about the pixels' centres (Karras et al. 2020, appendix B)."""


def halved(x: Images, taps: Taps) -> Float[Array, "n height//2 width//2 channels"]:
    """Halve the resolution of maps: blurred with the filter, then every second pixel.

    Args:
        x: maps whose sides are even.
        taps: the filter along one axis, symmetric; its length is what it sees.
    """
    before = (len(taps) - 1) // 2
    for axis in (1, 2):
        side = x.shape[axis]
        edges = [(0, 0)] * 4
        edges[axis] = (before, len(taps) - 2 - before)
        padded = jnp.pad(x, edges)
        parts = [
            jax.lax.slice_in_dim(padded, first, first + side - 1, 2, axis) * (tap / sum(taps))
            for first, tap in enumerate(taps)
        ]
        x = reduce(jnp.add, parts)
    return x


def doubled(x: Images, taps: Taps) -> Float[Array, "n 2*height 2*width channels"]:
    """Double the resolution of maps: zeros between the pixels, then the filter, times 4."""
    before = (len(taps) - 1) // 2
    for axis in (1, 2):
        side = x.shape[axis]
        edges = [(0, 0, 0)] * 4
        edges[axis] = (len(taps) - 1 - before, before + 1, 1)
        spread = jax.lax.pad(x, jnp.zeros((), x.dtype), edges)
        parts = [
            jax.lax.slice_in_dim(spread, first, first + 2 * side, 1, axis) * (2 * tap / sum(taps))
            for first, tap in enumerate(taps)
        ]
        x = reduce(jnp.add, parts)
    return x


def sides(side: int) -> list[int]:
    """Sides of an image's maps, finest first, such as 32, 16, 8, 4."""
    return [side >> level for level in range((side // BASE).bit_length())]


def widths(side: int, finest: int, most: int) -> dict[int, int]:
    """Channels of the maps by their side: `finest` at the image's own, doubled down to `most`."""
    return {at: min(most, finest * side // at) for at in sides(side)}
