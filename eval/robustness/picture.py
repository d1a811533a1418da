"""The picture of robustness: worst change against radius, a panel for each head."""

import io
import textwrap
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cgan.system.lettering import lettered
from eval.display.drawing import FAINT, GENERATED, INK, REAL, STYLE
from eval.robustness.record import Robustness
from eval.robustness.words import HEADS, Line, lines, title

DPI = 120
COLORS = (GENERATED, REAL, "#c98a00", "#7b3f98", "#2e7d5b", "#8c6d5a", "#d06a9c")
"""Colours of the runs, in their order."""
MARKERS = "os^Dv<>"
"""Marks of the runs: where curves lie on each other, both are seen."""
TITLE_AT_MOST = 130
CHARACTERS_A_PANEL = 80
"""Characters of the title in the width of a panel."""


def draw(records: Sequence[Robustness]) -> bytes:
    """Draw the picture of one measurement, as the content of a PNG file."""
    encoded = io.BytesIO()
    heads = [head for head in HEADS if any(record.head == head for record in records)]
    runs = list(dict.fromkeys(record.run for record in records))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.5 * len(heads), 4.4), layout="constrained")
        panels = figure.subplots(1, len(heads), squeeze=False)[0]
        for head, axes in zip(heads, panels, strict=True):
            _panel(axes, [line for line in lines(records) if line.head == head], runs)
            axes.set_title(HEADS[head])
        panels[0].set_ylabel("worst change (solid: attack; dashed: Jacobian)")
        told = lettered(title(records[0]), TITLE_AT_MOST)
        told = textwrap.fill(told, CHARACTERS_A_PANEL * len(heads))
        figure.suptitle(told, fontsize=9, color=INK)
        figure.savefig(encoded, dpi=DPI, format="png")
    return encoded.getvalue()


def _panel(axes: Axes, of_head: Sequence[Line], runs: Sequence[str]) -> None:
    for line in of_head:
        number = runs.index(line.run)
        color = COLORS[number % len(COLORS)]
        radii = [record.radius for record in line.records]
        axes.errorbar(
            radii,
            [record.worst_change for record in line.records],
            [record.standard_error or 0.0 for record in line.records],
            color=color,
            marker=MARKERS[number % len(MARKERS)],
            markersize=7 if number % 2 == 0 else 4,
            markerfacecolor="none" if number % 2 == 0 else color,
            capsize=2,
            label=f"{lettered(line.run)}\n{line.training}",
        )
        slopes = [record.by_jacobian for record in line.records]
        axes.plot(radii, slopes, color=color, linestyle="--", linewidth=1)
    axes.set_xlabel("radius")
    records = [record for line in of_head for record in line.records]
    smallest = min(min(record.worst_change, record.by_jacobian) for record in records)
    if smallest > 0:  # runs differ by factors: straight lines beside each other
        axes.set_xscale("log")
        axes.set_yscale("log")
    else:
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
    axes.grid(color=FAINT, alpha=0.3, linewidth=0.6)
    axes.legend(loc="upper left", fontsize=8)
