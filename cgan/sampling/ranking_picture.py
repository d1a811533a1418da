"""A picture of a ranking: each real, set apart, beside its fakes in the discriminator's order.

By embedding the other reals nearest to it stand between, and most and least similar fakes apart.
"""

import io
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import CenteredNorm, Normalize
from matplotlib.figure import Figure
from PIL import Image

from cgan.kinds import DNA, IMAGE, POINT, PROTEIN, SEQUENCE, Kind
from cgan.sampling.pictures import as_images, bases_as_images, in_plane
from cgan.sampling.ranking import Ranking
from cgan.system import files
from cgan.system.lettering import lettered

Picture = UInt8[np.ndarray, "height width 3"]

DPI = 128
"""Dots per inch, a power of two, so that a size in pixels is exact in inches."""
INK, FAINT, LINE = "0.1", "0.4", "0.8"
TITLE, WORDS, FIGURES = 14, 11, 9.5
"""Font sizes in points."""
TITLE_AT_MOST = 90
"""Most characters of the title, as many as the least width has room for."""
COLORS = {"margin": "coolwarm", "similarity": "viridis"}
ENDS = {
    "margin": ("closest to real", "furthest from real"),
    "similarity": ("most like this real", "least like it"),
}
"""Words for the first and the last fake of a row."""

# The rest is in pixels.
BORDER, HEADER, FOOTER = 40, 116, 120
GAP = 12
MIN_WIDTH = 1100
"""Least width in pixels, which the words need."""
MIN_TILE = 90
"""Fewest pixels of a side: smaller images are enlarged to them by whole factors."""
APART = 60
"""Pixels between a real and its fakes, or other reals."""
STRIP_GAP, STRIP = 5, 9
"""Pixels above the strip of colour under each fake, and of the strip."""
UNDER_STRIP = 44
"""Pixels for the fake's value and the space below it."""
HEADINGS = 56
PANEL = 360


def save_ranking(path: Path, ranking: Ranking, subject: str) -> None:
    """Draw a ranking of images, sequences, or points in the plane, as a PNG file.

    Args:
        path: the file to write.
        ranking: what to draw.
        subject: whose discriminator it is, for the title.
    """
    picture = DRAWN[ranking.of](ranking, f"What the discriminator thinks: {subject}")
    encoded = io.BytesIO()
    Image.fromarray(picture).save(encoded, "png")
    files.replace(path, encoded.getvalue())


class Layout(NamedTuple):
    """Places of the images of a picture, in pixels."""

    tall: int
    wide: int
    lefts: list[int]
    """Left edges of the columns; the real's is the first."""
    tops: list[int]
    groups: list[slice]
    """Columns that stand together: the real, other reals, fakes most like it, least like it."""

    @property
    def width(self) -> int:
        """Width of the picture in pixels."""
        return max(self.lefts[-1] + self.wide + BORDER, MIN_WIDTH)

    @property
    def row_height(self) -> int:
        """Height of a row in pixels: an image, its strip and its value."""
        return self.tall + STRIP_GAP + STRIP + UNDER_STRIP

    @property
    def height(self) -> int:
        """Height of the picture in pixels."""
        return self.tops[-1] + self.row_height + FOOTER


def lay_out(ranking: Ranking) -> Layout:
    """Lay out a picture with a row for each real."""
    rows, count, *_ = ranking.fakes.shape
    tall, wide, _ = enlarged(ranking.reals[0]).shape
    others = 0 if ranking.others is None else ranking.others.values.shape[1]
    lefts: list[int] = []
    groups, left = [], BORDER
    for size in (1, others, ranking.alike, count - ranking.alike):
        if size:
            groups.append(slice(len(lefts), len(lefts) + size))
            lefts += [left + column * (wide + GAP) for column in range(size)]
            left = lefts[-1] + wide + APART
    layout = Layout(tall, wide, lefts, [HEADER + HEADINGS], groups)
    return layout._replace(tops=[layout.tops[0] + row * layout.row_height for row in range(rows)])


def rows_of_images(ranking: Ranking, title: str) -> Picture:
    """Draw a row for each real; under each sample its value, as a colour and in figures."""
    layout = lay_out(ranking)
    tall, wide, lefts, tops = layout[:4]
    figure = page(layout.width, layout.height, title, told(ranking))
    axes = figure.axes[0]
    first, right = lefts[1], layout.width - BORDER
    middle = tops[0] - 28
    style: dict[str, Any] = {"fontsize": WORDS, "color": INK, "verticalalignment": "center"}
    axes.text(BORDER + wide / 2, middle, "real", horizontalalignment="center", **style)
    if ranking.others is None:
        add_arrow(figure, ENDS[ranking.kind], first, right, middle)
    else:
        for columns, heading in zip(layout.groups[1:], headings(ranking), strict=True):
            edges = lefts[columns.start], lefts[columns.stop - 1] + wide
            add_heading(figure, heading, *edges, middle)
    for columns in layout.groups[1:]:
        beside = lefts[columns.start] - APART / 2
        axes.plot([beside, beside], [tops[0], tops[-1] + layout.row_height - 20], color=LINE)
    style |= {"fontsize": FIGURES, "horizontalalignment": "center"}
    for top, values in zip(tops, in_figures(beside_real(ranking)), strict=True):
        below = top + tall + STRIP_GAP + STRIP + 15
        for left, value in zip(lefts[1:], values, strict=True):
            axes.text(left + wide / 2, below, value, **style)
    add_color_bar(figure, ranking, first, layout.height - FOOTER + 20)
    picture = render(figure)
    paint_images(picture, layout, ranking)
    return picture


def told(ranking: Ranking) -> str:
    """A sentence on what a row of images shows."""
    count = ranking.values.shape[1]
    if ranking.others is None:
        return f"Each held-out real (left) beside {count} fakes of its own, by {ranking.kind}."
    return (
        "Each held-out real, the other reals nearest to it, and of "
        f"{ranking.drawn} fakes those most and least like it."
    )


def headings(ranking: Ranking) -> list[str]:
    """Words above the groups of columns beside the reals."""
    fakes = ["fakes most like it"]
    if ranking.alike < ranking.values.shape[1]:
        fakes.append("fakes least like it")
    return ["nearest other reals", *fakes]


def add_heading(figure: Figure, words: str, left: int, right: int, middle: int) -> None:
    """Write words over a group of columns, smaller where there is little room."""
    text = figure.axes[0].text(
        (left + right) / 2,
        middle,
        words,
        fontsize=WORDS,
        color=INK,
        horizontalalignment="center",
        verticalalignment="center",
    )
    room = right - left + APART - GAP
    text.set_fontsize(WORDS * min(1.0, room / text.get_window_extent().width))


def add_arrow(figure: Figure, ends: tuple[str, str], left: int, right: int, middle: int) -> None:
    """Draw an arrow from the words for the first fake to those for the last one."""
    axes = figure.axes[0]
    style: dict[str, Any] = {"fontsize": WORDS, "color": INK, "verticalalignment": "center"}
    begin = axes.text(left, middle, ends[0], **style)
    end = axes.text(right, middle, ends[1], horizontalalignment="right", **style)
    span = begin.get_window_extent().x1 + 16, end.get_window_extent().x0 - 16
    arrow = {"arrowstyle": "-|>", "color": FAINT, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (span[1], middle), (span[0], middle), arrowprops=arrow)


def beside_real(ranking: Ranking) -> Float[np.ndarray, "rows columns"]:
    """The values of all samples beside each real: of the other reals first, and of the fakes."""
    others = [] if ranking.others is None else [ranking.others.values]
    return np.concatenate([*others, ranking.values], axis=1)


def paint_images(picture: Picture, layout: Layout, ranking: Ranking) -> None:
    """Put images and strips of colour in their places, pixel by pixel."""
    tall, wide, lefts, tops = layout[:4]
    colors = coloring(ranking).to_rgba(beside_real(ranking), bytes=True)[..., :3]
    others = [()] * len(tops) if ranking.others is None else ranking.others.reals
    rows = zip(tops, ranking.reals, others, ranking.fakes, colors, strict=True)
    for top, real, near, fakes, strips in rows:
        for left, image in zip(lefts, [real, *near, *fakes], strict=True):
            picture[top : top + tall, left : left + wide] = enlarged(image)
        strip_top = top + tall + STRIP_GAP
        for left, color in zip(lefts[1:], strips, strict=True):
            picture[strip_top : strip_top + STRIP, left : left + wide] = color


def enlarged(image: UInt8[np.ndarray, "height width channels"]) -> UInt8[np.ndarray, "_ _ 3"]:
    """An RGB image enlarged to at least `MIN_TILE` pixels on its longer side, in crisp squares."""
    factor = max(1, math.ceil(MIN_TILE / max(image.shape[:2])))
    big = image.repeat(factor, axis=0).repeat(factor, axis=1)
    return np.broadcast_to(big, (*big.shape[:2], 3))


def panels_of_points(ranking: Ranking, title: str) -> Picture:
    """Draw a panel for each real, a star; its fakes are dots, those closest to real on top."""
    rows, count = ranking.values.shape
    columns = min(rows, max(4, math.ceil(math.sqrt(rows))))
    lines = math.ceil(rows / columns)
    width = max(2 * BORDER + columns * (PANEL + GAP) - GAP, MIN_WIDTH)
    height = HEADER + lines * (PANEL + GAP) + FOOTER
    words = f"Each held-out real (star) among {count} fakes of its own (dots), by {ranking.kind}."
    if ranking.others is not None:
        near = ranking.others.values.shape[1]
        words = f"Each held-out real (star), the {near} other reals nearest to it (rings), and "
        words += f"{count} fakes (dots)."
    figure = page(width, height, title, words)
    reach = 1.15 * max(np.abs(ranking.reals).max(), np.quantile(np.abs(ranking.fakes), 0.99))
    colors = coloring(ranking).to_rgba(ranking.values)
    for row, (real, fakes) in enumerate(zip(ranking.reals, ranking.fakes, strict=True)):
        left = BORDER + row % columns * (PANEL + GAP)
        bottom = height - HEADER - row // columns * (PANEL + GAP) - PANEL
        axes = figure.add_axes((left / width, bottom / height, PANEL / width, PANEL / height))
        axes.plot(
            *in_plane(real[None]).T, "*", color="gold", markersize=24, markeredgecolor=INK, zorder=0
        )
        dots = colors[row, ::-1]
        edges = [tuple(0.65 * dot[:3]) for dot in dots]
        x, y = in_plane(fakes[::-1]).T
        axes.scatter(x, y, s=20, c=dots, linewidths=0.5, edgecolors=edges)
        if ranking.others is not None:
            x, y = in_plane(ranking.others.reals[row]).T
            axes.plot(x, y, "o", markersize=9, markeredgewidth=1.2, fillstyle="none", color=INK)
        axes.spines[:].set_color(LINE)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[])
    add_color_bar(figure, ranking, BORDER, height - FOOTER + 20, ENDS[ranking.kind])
    return render(figure)


def rows_of_sequences(
    ranking: Ranking, title: str, strips_of: Callable[[np.ndarray], np.ndarray] = as_images
) -> Picture:
    """Like images, each sequence as a strip of colours."""
    rows, count, *sample = ranking.fakes.shape
    fakes = strips_of(ranking.fakes.reshape(-1, *sample))
    others = ranking.others
    if others is not None:
        near = strips_of(others.reals.reshape(-1, *sample))
        others = others._replace(reals=near.reshape(*others.values.shape, *near.shape[1:]))
    strips = ranking._replace(
        reals=strips_of(ranking.reals),
        fakes=fakes.reshape(rows, count, *fakes.shape[1:]),
        others=others,
    )
    return rows_of_images(strips, title)


DRAWN: dict[Kind, Callable[[Ranking, str], Picture]] = {
    IMAGE: rows_of_images,
    POINT: panels_of_points,
    SEQUENCE: rows_of_sequences,
    DNA: partial(rows_of_sequences, strips_of=bases_as_images),
    PROTEIN: rows_of_sequences,
}
"""The picture of a ranking, by the kind of its samples."""


def page(width: int, height: int, title: str, told: str) -> Figure:
    """Make an empty picture with a headline; its first axes count pixels from the top left."""
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    headline = lettered(title, TITLE_AT_MOST)
    axes.text(BORDER, 54, headline, fontsize=TITLE, color=INK, weight="bold")
    axes.text(BORDER, 92, told, fontsize=WORDS, color=FAINT)
    return figure


def render(figure: Figure) -> Picture:
    """Render a figure to pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def coloring(ranking: Ranking) -> ScalarMappable:
    """Map values to colours: a margin's sign is its hue, blue where the fake beats the real."""
    norm = CenteredNorm(0) if ranking.kind == "margin" else Normalize()
    norm.autoscale(beside_real(ranking))
    return ScalarMappable(norm, COLORS[ranking.kind])


def add_color_bar(
    figure: Figure, ranking: Ranking, left: int, top: int, ends: tuple[str, str] = ("", "")
) -> None:
    """Add a bar of the colours that occur and what they mean, from the closest to real on.

    Args:
        figure: made by `page`.
        ranking: whose values.
        left: where the bar begins, in pixels.
        top: its upper edge.
        ends: words below the ends of the bar.
    """
    width, height = (round(inches * DPI) for inches in figure.get_size_inches())
    right = width - BORDER
    place = (left / width, 1 - (top + 10) / height, (right - left) / width, 10 / height)
    axes = figure.add_axes(place)
    bar = figure.colorbar(coloring(ranking), cax=axes, orientation="horizontal")
    values = beside_real(ranking)
    low, high = values.min(), values.max()
    if low < high:
        axes.set_xlim((low, high) if ranking.kind == "margin" else (high, low))
    axes.tick_params(labelsize=FIGURES, color=FAINT, labelcolor=INK)
    bar.outline.set_visible(False)
    style: dict[str, Any] = {"fontsize": FIGURES, "color": INK, "verticalalignment": "center"}
    caption = top + 66
    words = figure.axes[0]
    words.text((left + right) / 2, caption, meaning(ranking), horizontalalignment="center", **style)
    words.text(left, caption, ends[0], **style)
    words.text(right, caption, ends[1], horizontalalignment="right", **style)


def meaning(ranking: Ranking) -> str:
    """Words for what the values are."""
    if ranking.kind == "similarity":
        return "cosine with the embedding of the real: 1 is the same"
    formula = "D(x) - D(G(z))"
    if ranking.temperature != 1:
        formula = rf"(D(x) - D(G(z)))\,/\,{ranking.temperature:.3g}"
    return f"margin ${formula}$, negative where the fake beats the real"


def in_figures(values: Float[np.ndarray, "rows columns"]) -> list[list[str]]:
    """Values as text, with decimals that tell them apart: about three digits of their range."""
    spread = float(np.ptp(values)) or 1.0
    decimals = int(np.clip(2 - math.floor(math.log10(spread) + 0.3), 0, 4))
    rounded = np.round(values, decimals) + 0.0  # no minus before a zero
    return [
        [f"{value:.{decimals}f}".replace("-", "\N{MINUS SIGN}") for value in row] for row in rounded
    ]
