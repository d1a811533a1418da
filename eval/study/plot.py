"""The figure that decides, of each variant, a panel for each benchmark: seeds, mean, deviation."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cgan.system import files
from cgan.system.lettering import lettered
from eval.display.drawing import FAINT, INK
from eval.study.results import NOISE, PERFECT
from eval.study.summary import Table

ORANGE, BLUE, GREEN = "#d55e00", "#0072b2", "#009e73"
"""Colours of Okabe & Ito 2008, told apart with any colour vision; shapes tell the same besides."""
STYLE: Any = {
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "font.size": 9,
    "grid.color": "#e8eaed",
    "legend.frameon": False,
    "svg.hashsalt": "cgan",
}
FORMATS = (".png", ".pdf", ".svg")
COLUMNS = 3
ROW_INCHES, AROUND_INCHES, LEGEND_INCHES = 0.24, 0.65, 0.3
PANEL_INCHES, NAMES_INCHES = 2.5, 1.7


def save(path: Path, tables: Sequence[Table], baseline: str) -> None:
    """Draw the tables of a study to a file, in the format that its suffix names."""
    with mpl.rc_context(STYLE):
        write(path, draw(tables, baseline))


def write(path: Path, figure: Figure) -> None:
    """Write a figure to a file, the same bytes of the same figure."""
    encoded = io.BytesIO()
    metadata = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}[path.suffix]
    figure.savefig(encoded, format=path.suffix[1:], dpi=160, metadata=metadata or None)
    files.replace(path, encoded.getvalue())


def draw(tables: Sequence[Table], baseline: str) -> Figure:
    """A figure with a panel for each table, variants from the top down, on a logarithmic axis."""
    columns = min(COLUMNS, len({table.benchmark for table in tables}))
    rows = [tables[start : start + columns] for start in range(0, len(tables), columns)]
    heights = [ROW_INCHES * max(len(table.lines) for table in row) + AROUND_INCHES for row in rows]
    named = _named(rows)
    wide = len({column for panels in named for column, own in enumerate(panels) if own})
    size = (NAMES_INCHES * wide + PANEL_INCHES * columns, sum(heights) + LEGEND_INCHES)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(
        len(rows), columns, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for row, panels, named_here in zip(rows, grid, named, strict=True):
        for axes, table, names in zip(panels, row, named_here, strict=False):
            _panel(axes, table, baseline)
            axes.tick_params(labelleft=names)
        for unused in panels[len(row) :]:
            unused.set_axis_off()
    legend = dict(zip(*reversed(grid[0, 0].get_legend_handles_labels()), strict=True))
    figure.legend(
        legend.values(),
        legend.keys(),
        loc="outside lower center",
        ncols=len(legend) if columns > 1 else 2,
        fontsize=8,
    )
    return figure


def _named(rows: Sequence[Sequence[Table]]) -> list[list[bool]]:
    """Whether a panel names its lines: not where they are those of the panel on its left."""
    names = [[[line.variant for line in table.lines] for table in row] for row in rows]
    return [[not at or row[at] != row[at - 1] for at in range(len(row))] for row in names]


def _panel(axes: Axes, table: Table, baseline: str) -> None:
    key = table.decides_by.key
    title = table.benchmark if not table.title else f"{table.benchmark}: {table.title}"
    axes.set_title(lettered(title), loc="left")
    axes.set_xscale("log")
    axes.set_xlabel(table.decides_by.heading)
    shown = [value for line in table.lines for value in line.values[key].values()]
    for height, line in enumerate(table.lines):
        values = list(line.values[key].values())
        color, marker = (ORANGE, "D") if line.variant == baseline else (BLUE, "s")
        jitter = height + np.linspace(-0.18, 0.18, len(values))
        axes.plot(values, jitter, "o", ms=3, mfc="none", mec=color, alpha=0.6, label="one seed")
        if spread := line.spread(key):
            axes.errorbar(
                spread.mean,
                height,
                xerr=spread.sd,
                fmt=marker,
                color=color,
                ms=4,
                capsize=2.5,
                lw=1.2,
                label="mean ± standard deviation",
            )
        if line.failed:
            axes.annotate(
                f"{line.failed} of {line.runs} failed",
                (0.98, height),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="center",
                fontsize=7,
                color=INK,
            )
    for name, color, dashes in ((PERFECT, GREEN, "--"), (NOISE, INK, ":")):
        if key in table.baselines.get(name, {}):
            at = table.baselines[name][key].mean
            axes.axvline(at, color=color, ls=dashes, lw=1.2, label=name)
            shown.append(at)
    if shown:  # a deviation larger than its mean would reach down to zero
        axes.set_xlim(0.7 * min(shown), 1.4 * max(shown))
    axes.set_yticks(range(len(table.lines)), [lettered(line.variant) for line in table.lines])
    axes.set_ylim(len(table.lines) - 0.5, -0.5)
