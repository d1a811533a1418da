"""The picture of clients: a column each, with its shard above and what was drawn below.

Of stacked digits the first channel alone is drawn, whose digit says whose an image is.
"""

import io

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cgan.data import Source
from cgan.data.abilities import part_shared_out
from cgan.sampling.pictures import PICTURES, Scatter, Tiles, image_grid, in_plane
from cgan.system.lettering import lettered
from eval.clients.shown import Drawn, Shown
from eval.display.drawing import FAINT, GENERATED, INK, REAL, STYLE

DPI = 120
COLUMN_INCHES, TITLE_INCHES, SHARD_INCHES = 2.2, 0.3, 0.9
COLUMNS_OF_TILES = 6
NAMED_AT_MOST = 12
"""Most classes whose names stand under the bars."""


def draw(shown: Shown) -> bytes:
    """Draw the picture, as the content of a PNG file."""
    clients, arms = len(shown.reals), len(shown.arms)
    heights = [SHARD_INCHES + TITLE_INCHES, *[_row_inches(shown)] * (1 + arms)]
    size = (COLUMN_INCHES * clients, sum(heights))
    encoded = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.add_gridspec(2 + arms, clients, height_ratios=heights)
        most = max(int(of.max()) for of in shown.shards.classes)
        for client in range(clients):
            bars = figure.add_subplot(grid[0, client])
            _shard(bars, shown, client, most)
            axes = figure.add_subplot(grid[1, client])
            _samples(axes, shown.source, shown.reals[client], COLUMNS_OF_TILES, REAL)
            axes.set_title("its data", fontsize=8, color=REAL, loc="left")
        for number, arm in enumerate(shown.arms):
            name = lettered(arm.name, 30)
            together = len(arm.drawn) == 1
            for client, drawn in enumerate(arm.drawn):
                place = grid[2 + number, :] if together else grid[2 + number, client]
                axes = figure.add_subplot(place)
                columns = COLUMNS_OF_TILES * clients if together else COLUMNS_OF_TILES
                _samples(axes, shown.source, drawn, columns, GENERATED)
                title = f"{name}: {arm.told}" if together else f"{name}: client {client}"
                axes.set_title(title, fontsize=8, color=GENERATED, loc="left")
        figure.savefig(encoded, dpi=DPI, format="png")
    return encoded.getvalue()


def _row_inches(shown: Shown) -> float:
    """Height of a row of panels, title included: that of the tiles of one client."""
    form = PICTURES[shown.source.kind]
    if isinstance(form, Scatter):
        return COLUMN_INCHES + TITLE_INCHES
    height, width = _tiles(shown.source, shown.reals[0], form, COLUMNS_OF_TILES).shape[:2]
    return COLUMN_INCHES * height / width + TITLE_INCHES


def _tiles(source: Source, samples: Drawn, form: Tiles, columns: int) -> np.ndarray:
    """Samples side by side: what says whose they are, such as one channel of stacked digits."""
    return image_grid(form.of(part_shared_out(source, samples)), columns)


def _shard(axes: Axes, shown: Shown, client: int, most: int) -> None:
    """Bars: how many samples of each class a client has."""
    counts = shown.shards.classes[client]
    axes.bar(np.arange(len(counts)), counts, color=INK, width=0.8)
    axes.set_ylim(0, most * 1.05)
    axes.set_yticks([])
    share = shown.shards.shares[client]
    axes.set_title(f"client {client}: {share:.0%} of the data", fontsize=9, loc="left")
    if len(counts) <= NAMED_AT_MOST:
        axes.set_xticks(range(len(counts)))
    axes.tick_params(labelsize=7, colors=FAINT)


def _samples(axes: Axes, source: Source, samples: Drawn, columns: int, color: str) -> None:
    """Tiles of images or sequences, or a scatter of points."""
    form = PICTURES[source.kind]
    if isinstance(form, Scatter):
        x, y = in_plane(samples).T
        axes.scatter(x, y, s=2, color=color)
        axes.set_aspect("equal")
    else:
        tiles = _tiles(source, samples, form, columns)
        axes.imshow(tiles.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_anchor("W")
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
