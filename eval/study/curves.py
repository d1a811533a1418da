"""Figures of a study against a number, such as that of reals: curves with error bars."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cgan.system.lettering import lettered
from eval.display.drawing import INK
from eval.study.declare import Curves
from eval.study.plot import STYLE, write
from eval.study.results import REAL
from eval.study.statistics import Spread
from eval.study.summary import Table

COLORS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999999")
"""Colours of Okabe & Ito 2008, told apart with any colour vision; markers tell the same besides."""
MARKERS = "Dsov^<>P"
PANEL_INCHES = (2.9, 2.4)
LEGEND_COLUMNS = 4
LEGEND_LINE_INCHES = 0.22
APART = 0.012
"""Distance of the curves' points, as a share of the axis, so that their error bars can be told."""


class Look(NamedTuple):
    """How a curve is drawn: after the colours have had their turn, dashed and with hollow marks."""

    number: int

    @property
    def style(self) -> dict[str, Any]:
        """Settings of `errorbar`."""
        turn, at = divmod(self.number, len(COLORS))
        color = COLORS[at]
        hollow = {"ls": "--", "markerfacecolor": "white"} if turn % 2 else {}
        return {"color": color, "marker": MARKERS[(at + turn) % len(MARKERS)]} | hollow


Curve = dict[float, Spread]
"""Mean and deviation over seeds by the number that they stand against."""
Panels = dict[str, dict[str, dict[str, Curve]]]
"""Curves by the name of their row of panels, the key of the figure and their own name."""


def save(path: Path, tables: Sequence[Table], curves: Curves) -> None:
    """Draw the tables of a study as curves to a file, in the format that its suffix names."""
    with mpl.rc_context(STYLE | {"axes.grid.axis": "both"}):
        write(path, draw(tables, curves))


def draw(tables: Sequence[Table], curves: Curves) -> Figure:
    """A figure with a row of panels for each axis, and a panel in it for each figure."""
    found, real = collected(tables, curves), of_real(tables, curves)
    headings = {figure.key: figure.heading for table in tables for figure in table.figures}
    names = list(
        dict.fromkeys(name for row in found.values() for by in row.values() for name in by)
    )
    looks = {name: Look(number) for number, name in enumerate(names)}
    columns = min(LEGEND_COLUMNS, len(names) + 1)
    legend = LEGEND_LINE_INCHES * (1 + len(names) // columns)
    width, height = PANEL_INCHES
    size = (width * len(curves.figures), height * len(found) + legend)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(found), len(curves.figures), squeeze=False)
    for axes_of_row, (panels, by_figure) in zip(grid, found.items(), strict=True):
        for axes, key in zip(axes_of_row, curves.figures, strict=True):
            _panel(axes, by_figure.get(key, {}), real[panels].get(key, {}), looks)
            axes.set_title(lettered(headings[key]), loc="left")
            axes.set_xlabel(panels)
    handles: dict[str, Any] = {}
    for axes in grid.flat:
        handles |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=columns,
        fontsize=8,
    )
    return figure


def collected(tables: Sequence[Table], curves: Curves) -> Panels:
    """The points of the curves, as far as there are runs."""
    found: Panels = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
    for table in tables:
        for line in table.lines:
            for point in curves.points(table.benchmark, line.variant):
                for key in curves.figures:
                    if (spread := line.spread(key)) is not None:
                        found[point.panels][key][point.curve][point.x] = spread
    return found


def of_real(tables: Sequence[Table], curves: Curves) -> dict[str, dict[str, dict[float, float]]]:
    """What real samples score, by row of panels, figure and number."""
    found: dict[str, dict[str, dict[float, float]]] = defaultdict(lambda: defaultdict(dict))
    for table in tables:
        for line in table.lines:
            for point in curves.points(table.benchmark, line.variant):
                for key in curves.figures:
                    if key in (bare := table.baselines.get(REAL, {})):
                        found[point.panels][key][point.x] = bare[key].mean
    return found


def _panel(
    axes: Axes,
    curves: dict[str, Curve],
    real: dict[float, float],
    looks: dict[str, Look],
) -> None:
    numbers = sorted({x for curve in curves.values() for x in curve})
    places = {x: at for at, x in enumerate(numbers)}
    for name, curve in curves.items():
        look = looks[name]
        apart = APART * len(numbers) * (look.number - (len(looks) - 1) / 2)
        xs = sorted(curve)
        axes.errorbar(
            [places[x] + apart for x in xs],
            [curve[x].mean for x in xs],
            yerr=[curve[x].sd or 0.0 for x in xs],
            **look.style,
            ms=4,
            lw=1.2,
            capsize=2,
            label=lettered(name),
        )
    if real:
        xs = [x for x in numbers if x in real]
        here = [places[x] for x in xs]
        axes.plot(here, [real[x] for x in xs], color=INK, ls=":", lw=1.2, label=REAL)
    axes.set_xticks(range(len(numbers)), [f"{x:,g}" for x in numbers])
