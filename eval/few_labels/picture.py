"""The picture of a probe with few labels: accuracy against labels, a panel for each classifier."""

import io
import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from cgan.networks import TRUNK
from cgan.system.lettering import lettered
from eval.display.drawing import FAINT, GENERATED, INK, REAL, STYLE
from eval.few_labels.record import Accuracy
from eval.few_labels.words import METHODS, Line, lines, title

DPI = 120
COLORS = (GENERATED, "#c98a00", "#7b3f98", "#2e7d5b", "#8c6d5a", "#d06a9c")
"""Colours of the run's taps, the trunk first."""
STROKES = ("-", "--", ":", "-.")
"""Strokes of pixels and their components, and of the untrained taps, the trunk first."""
TITLE_AT_MOST = 110
LEGEND_COLUMNS = 2
PANEL_INCHES, LINE_INCHES = 4.2, 0.19
"""Heights of the curves with all around them, and of a line of the legend below."""


def draw(subject: str, records: Sequence[Accuracy]) -> bytes:
    """Draw the picture of one probe, as the content of a PNG file."""
    encoded = io.BytesIO()
    methods = [method for method in METHODS if any(r.method == method for r in records)]
    with mpl.rc_context(STYLE):
        of_all = lines(records)
        most = max(sum(line.method == method for line in of_all) for method in methods)
        size = (4 * len(methods), PANEL_INCHES + LINE_INCHES * math.ceil(most / LEGEND_COLUMNS))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(1, len(methods), sharey=True, squeeze=False)[0]
        for method, axes in zip(methods, panels, strict=True):
            _panel(axes, [line for line in of_all if line.method == method])
            axes.set_title(METHODS[method])
        panels[0].set_ylabel("held-out accuracy")
        told = "\n".join(lettered(line, TITLE_AT_MOST) for line in title(subject, records[0]))
        figure.suptitle(told, fontsize=9, color=INK)
        figure.savefig(encoded, dpi=DPI, format="png")
    return encoded.getvalue()


def _panel(axes: Axes, of_method: Sequence[Line]) -> None:
    sizes = [record.labels_per_class for record in of_method[0].records]
    # Those that the heads read, which stand last, have the same looks in every picture.
    of_run, untrained = (
        sorted(
            (line for line in reversed(of_method) if line.origin == origin),
            key=lambda line: line.features != TRUNK,
        )
        for origin in ("run", "untrained")
    )
    of_none = [line for line in of_method if line.origin == "none"]
    for line in of_method:
        if line.origin == "run":
            color, stroke = COLORS[of_run.index(line) % len(COLORS)], "-"
        elif line.origin == "none":
            color, stroke = REAL, STROKES[of_none.index(line) % len(STROKES)]
        else:
            color, stroke = FAINT, STROKES[untrained.index(line) % len(STROKES)]
        values = [record.accuracy for record in line.records]
        errors = [record.standard_error or 0.0 for record in line.records]
        axes.errorbar(
            sizes,
            values,
            errors,
            color=color,
            linestyle=stroke,
            marker="o",
            markersize=3,
            capsize=2,
            linewidth=1.8 if line.origin == "run" else 1.2,
            label=line.name,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticklabels([f"{size:,}" for size in sizes])
    axes.set_xlabel("labels a class")
    axes.grid(axis="y", color=FAINT, alpha=0.3, linewidth=0.6)
    below: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.15)}
    axes.legend(**below, ncols=LEGEND_COLUMNS, fontsize=8, frameon=False)
