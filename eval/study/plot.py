"""The judged figure of each variant, a panel for each benchmark: every seed, mean and deviation."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cgan import files
from eval.study.results import NOISE, PERFECT
from eval.study.summary import Table

ORANGE, BLUE, GREEN = "#d55e00", "#0072b2", "#009e73"
"""Of Okabe & Ito 2008, told apart with any colour vision; shapes tell the same besides."""
INK, FAINT = "#202124", "#9aa0a6"
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
ROW_INCHES, PANEL_INCHES, NAMES_INCHES, AROUND_INCHES = 0.27, 2.3, 2.0, 1.1


def save(path: Path, tables: Sequence[Table], baseline: str) -> None:
    """Draw the tables, in the format that the path's suffix names."""
    encoded = io.BytesIO()
    with mpl.rc_context(STYLE):
        metadata = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}[path.suffix]
        draw(tables, baseline).savefig(
            encoded, format=path.suffix[1:], dpi=160, metadata=metadata or None
        )
    files.replace(path, encoded.getvalue())


def draw(tables: Sequence[Table], baseline: str) -> Figure:
    """A panel for each table, variants from the top down; the axis is logarithmic."""
    columns = min(COLUMNS, len({table.benchmark for table in tables}))
    rows = -(-len(tables) // columns)
    lines = max(len(table.lines) for table in tables)
    size = (
        NAMES_INCHES + PANEL_INCHES * columns,
        rows * (ROW_INCHES * lines + AROUND_INCHES),
    )
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for number, (axes, table) in enumerate(zip(grid, tables, strict=False)):
        _panel(axes, table, baseline)
        names = [line.variant for line in table.lines]
        if number % columns and names == [line.variant for line in tables[number - 1].lines]:
            axes.tick_params(labelleft=False)  # as in the panel on the left
    for unused in grid[len(tables) :]:
        unused.set_axis_off()
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)
    return figure


def _panel(axes: Axes, table: Table, baseline: str) -> None:
    key = table.judge.key
    axes.set_title(table.benchmark if not table.title else f"{table.benchmark}: {table.title}")
    axes.set_xscale("log")
    axes.set_xlabel(table.judge.heading)
    for height, line in enumerate(table.lines):
        values = list(line.values[key].values())
        colour = ORANGE if line.variant == baseline else BLUE
        if values:
            jitter = height + np.linspace(-0.18, 0.18, len(values))
            label = "one seed" if height == 1 else None
            axes.plot(values, jitter, "o", ms=3, mfc="none", mec=colour, alpha=0.6, label=label)
        if spread := line.spread(key):
            label = "mean ± standard deviation" if height == 1 else None
            deviation = spread.sd or 0.0
            low = min(deviation, spread.mean * 0.999)  # a logarithmic axis has no zero
            axes.errorbar(
                spread.mean,
                height,
                xerr=[[low], [deviation]],
                fmt="D" if line.variant == baseline else "s",
                color=colour,
                ms=4.5,
                capsize=2.5,
                lw=1.2,
                label=label,
            )
        if line.failed:
            axes.annotate(
                f"{line.failed} of {line.runs} failed",
                (1, height),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="bottom",
                fontsize=7,
                color=INK,
            )
    for name, colour, dashes in ((PERFECT, GREEN, "--"), (NOISE, INK, ":")):
        if key in table.baselines.get(name, {}):
            axes.axvline(
                table.baselines[name][key].mean, color=colour, ls=dashes, lw=1.2, label=name
            )
    axes.set_yticks(range(len(table.lines)), [line.variant for line in table.lines])
    axes.set_ylim(len(table.lines) - 0.5, -0.5)
