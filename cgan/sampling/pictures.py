"""Pictures of samples: a grid of images or of coloured sequences, a scatter of points."""

import colorsys
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped, UInt8
from PIL import Image

from cgan.data import Source
from cgan.kinds import DNA, IMAGE, POINT, PROTEIN, SEQUENCE, Kind
from cgan.system import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIN_TILE = 48
"""Fewest pixels of a side: smaller images are enlarged to them by whole factors."""
GAP = 4
GROUND = 96
"""Level of the grey between images, 0..255."""
LETTER_HEIGHT, LETTER_WIDTH, SEQUENCE_WIDTH = 14, 6, 240
"""Pixels of a letter of a sequence, which is narrower where the whole would be wider than this."""


def image_grid(
    images: UInt8[np.ndarray, "n height width channels"], columns: int
) -> UInt8[np.ndarray, "grid_height grid_width channels"]:
    """Tile images row by row on a grey ground; pixels of small ones stay crisp squares."""
    n, channels = len(images), images.shape[-1]
    tiles = enlarged(images)
    rows = -(-n // columns)
    step = (tiles.shape[1] + GAP, tiles.shape[2] + GAP)
    grid = np.full((rows * step[0] + GAP, columns * step[1] + GAP, channels), GROUND, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (index // columns) * step[0] + GAP, (index % columns) * step[1] + GAP
        grid[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return grid


def enlarged(images: UInt8[np.ndarray, "n height width channels"]) -> UInt8[np.ndarray, "n _ _ _"]:
    """Small images at a whole multiple of their size, whose longer side is `MIN_TILE` or more."""
    factor = max(1, -(-MIN_TILE // max(images.shape[1:3])))
    return images.repeat(factor, axis=1).repeat(factor, axis=2)


BASES: Float[np.ndarray, "4 3"] = np.array(
    [[0.27, 0.73, 0.29], [0.2, 0.4, 0.9], [0.96, 0.68, 0.16], [0.87, 0.24, 0.22]]
)
"""The usual colours of A, C, G and T: green, blue, orange and red."""


def as_images(
    sequences: Shaped[np.ndarray, "n length letters"],
    colors: Float[np.ndarray, "letters 3"] | None = None,
) -> UInt8[np.ndarray, "n height width 3"]:
    """A strip for each sequence, a cell for each place: the mean of its letters' colours.

    Weights below 0 count as 0; a place without any is black.

    Args:
        sequences: letters, or weights of them.
        colors: of the letters, from 0 to 1; hues evenly apart unless given.
    """
    colors = palette(sequences.shape[-1]) if colors is None else colors
    weights = np.maximum(sequences.astype(np.float64), 0)
    weights /= np.maximum(weights.sum(axis=-1, keepdims=True), 1e-12)
    strips = np.rint(255 * weights @ colors).astype(np.uint8)[:, None]
    cell = int(np.clip(SEQUENCE_WIDTH // weights.shape[1], 1, LETTER_WIDTH))
    return strips.repeat(LETTER_HEIGHT, axis=1).repeat(cell, axis=2)


def bases_as_images(
    sequences: Shaped[np.ndarray, "n length 4"],
) -> UInt8[np.ndarray, "n height width 3"]:
    """A strip for each DNA sequence, in the usual colours of the bases."""
    return as_images(sequences, BASES)


def palette(letters: int) -> Float[np.ndarray, "letters 3"]:
    """A colour for each letter, from 0 to 1: hues evenly apart, every other one darker."""
    values = (0.95, 0.65)
    return np.array([colorsys.hsv_to_rgb(n / letters, 0.75, values[n % 2]) for n in range(letters)])


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
    points: Float[np.ndarray, "n dimensions"],
    real: Float[np.ndarray, "m dimensions"],
    title: str,
    walks: int = 0,
) -> None:
    """Draw generated points over real ones, as a PNG file; arguments as for `scatter`."""
    encoded = io.BytesIO()
    scatter(points, real, title, walks).savefig(encoded, dpi=120, format="png")
    files.replace(path, encoded.getvalue())


def scatter(
    points: Float[np.ndarray, "n dimensions"],
    real: Float[np.ndarray, "m dimensions"],
    title: str,
    walks: int = 0,
) -> "Figure":
    """Draw generated points over real ones by their first two coordinates; axes follow the real.

    Args:
        points: generated points.
        real: real points, drawn below in grey.
        title: above the axes.
        walks: join the points as this many walks of equal length; 0 draws them alone.
    """
    # Imported late: grids of images should not wait for Matplotlib.
    from matplotlib.figure import Figure

    from cgan.system.lettering import lettered

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot(aspect="equal", title=lettered(title))
    points, real = in_plane(points), in_plane(real)
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


def in_plane(points: Float[np.ndarray, "n dimensions"]) -> Float[np.ndarray, "n 2"]:
    """The first two coordinates; points on a line lie on the axis."""
    if points.shape[1] == 1:
        return np.pad(points, [(0, 0), (0, 1)])
    return points[:, :2]


class Tiles(NamedTuple):
    """A picture of samples side by side."""

    of: Callable[[np.ndarray], np.ndarray]
    """Samples as they are stored to uint8 images."""
    columns: int
    size: int = 64
    """Samples in a picture."""

    def encoded(self, samples: np.ndarray, walks: int = 0) -> bytes:
        """The picture as a PNG file; a walk fills a row."""
        columns = len(samples) // walks if walks else self.columns
        return encode_png(image_grid(self.of(samples), columns))

    def save(
        self, path: Path, samples: np.ndarray, source: Source, title: str, walks: int = 0
    ) -> None:
        """Write the picture as a PNG file; see `Sampler.picture`."""
        files.replace(path, self.encoded(samples, walks))


class Scatter(NamedTuple):
    """A picture of samples as dots over real ones."""

    size: int = 2_500
    """Samples in a picture, and real ones at most."""

    def save(
        self, path: Path, samples: np.ndarray, source: Source, title: str, walks: int = 0
    ) -> None:
        """Write the picture as a PNG file; see `Sampler.picture`."""
        save_scatter(path, samples, self.real(source), title, walks)

    def real(self, source: Source) -> np.ndarray:
        """The first samples of a source, which lie below."""
        return np.asarray(source[np.arange(min(self.size, len(source)))].x)


def identity(images: np.ndarray) -> np.ndarray:
    """Images are their own tiles."""
    return images


def beside_its_channels(
    images: UInt8[np.ndarray, "n height width 3"],
) -> UInt8[np.ndarray, "n _ _ 3"]:
    """Each image, enlarged, and its red, green and blue alone, in grey, with ground between."""
    images = enlarged(images)
    line = np.full((*images.shape[:2], 1, 3), GROUND, np.uint8)
    parts = [images]
    for channel in range(3):
        parts += [line, images[..., channel : channel + 1].repeat(3, axis=-1)]
    return np.concatenate(parts, axis=2)


APART = Tiles(beside_its_channels, columns=4)
"""A picture of images of three channels that stack three things, such as digits."""
PICTURES: dict[Kind, Tiles | Scatter] = {
    IMAGE: Tiles(identity, columns=8),
    POINT: Scatter(),
    SEQUENCE: Tiles(as_images, columns=4),
    DNA: Tiles(bases_as_images, columns=4),
    PROTEIN: Tiles(as_images, columns=1, size=32),
}
"""What a picture of samples is, by their kind."""
