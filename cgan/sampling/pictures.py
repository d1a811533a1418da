"""Pictures of samples: a grid of images, a scatter of points."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure
from PIL import Image

from cgan.system import files
from cgan.system.lettering import lettered

MIN_TILE = 48
"""Fewest pixels of a side: smaller images are enlarged to them by whole factors."""
GAP = 4
GROUND = 96
"""Level of the grey between images, 0..255."""


def image_grid(
    images: UInt8[np.ndarray, "n height width channels"], columns: int
) -> UInt8[np.ndarray, "grid_height grid_width channels"]:
    """Tile images row by row on a grey ground; pixels of small ones stay crisp squares."""
    n, height, width, channels = images.shape
    factor = max(1, -(-MIN_TILE // max(height, width)))
    tiles = images.repeat(factor, axis=1).repeat(factor, axis=2)
    rows = -(-n // columns)
    step = (height * factor + GAP, width * factor + GAP)
    grid = np.full((rows * step[0] + GAP, columns * step[1] + GAP, channels), GROUND, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (index // columns) * step[0] + GAP, (index % columns) * step[1] + GAP
        grid[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return grid


def encode_png(image: UInt8[np.ndarray, "height width channels"]) -> bytes:
    """Encode a grey or RGB image as a PNG file."""
    encoded = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(encoded, "png")
    return encoded.getvalue()


def save_image_grid(
    path: Path, images: UInt8[np.ndarray, "n height width channels"], columns: int
) -> None:
    """Write a grid of grey or RGB images as a PNG file."""
    files.replace(path, encode_png(image_grid(images, columns)))


def save_scatter(
    path: Path,
    points: Float[np.ndarray, "n 2"],
    real: Float[np.ndarray, "m 2"],
    title: str,
    walks: int = 0,
) -> None:
    """Draw generated points over real ones, as a PNG file; arguments as for `scatter`."""
    encoded = io.BytesIO()
    scatter(points, real, title, walks).savefig(encoded, dpi=120, format="png")
    files.replace(path, encoded.getvalue())


def scatter(
    points: Float[np.ndarray, "n 2"],
    real: Float[np.ndarray, "m 2"],
    title: str,
    walks: int = 0,
) -> Figure:
    """Draw generated points over real ones; axes follow the real ones.

    Args:
        points: generated points.
        real: real points, drawn below in grey.
        title: above the axes.
        walks: join the points as this many walks of equal length; 0 draws them alone.
    """
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot(aspect="equal", title=lettered(title))
    axes.plot(*real.T, ".", color="0.7", markersize=3, markeredgewidth=0, label="real")
    style: dict[str, Any] = {"color": "tab:red", "alpha": 0.6, "markeredgewidth": 0}
    if walks:
        for walk in points.reshape(walks, -1, 2):
            axes.plot(*walk.T, ".-", markersize=4, linewidth=0.8, **style)
    else:
        axes.plot(*points.T, ".", markersize=3, label="generated", **style)
        axes.legend(loc="upper right", markerscale=3)
    low, high = real.min(), real.max()
    margin = 0.15 * (high - low)
    axes.set(xlim=(low - margin, high + margin), ylim=(low - margin, high + margin))
    return figure
