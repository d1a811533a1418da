"""The probes of a run, drawn over training with the limits of its alarm."""

from collections.abc import Sequence
from itertools import pairwise

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cgan.probe import Limit
from cgan.probe.columns import (
    ALARMS,
    COVERAGE,
    DUPLICATES,
    EFFECTIVE,
    HELD_OUT_GAP,
    MODES,
    SCORE_GAP,
    UNCOVERED,
)
from eval.display.drawing import FAINT, GENERATED, INK, REAL, STYLE
from eval.report.contents import MetricsRow
from eval.report.figures import images_seen, panels

TITLES = {
    MODES: "modes captured, share of reals'",
    COVERAGE: "coverage, share of reals'",
    EFFECTIVE: "effective number, share of reals'",
    DUPLICATES: "duplicates, share of samples",
    SCORE_GAP: "score, reals above samples",
    HELD_OUT_GAP: "score, train above held out",
    UNCOVERED: "reals without a near fake, share",
}


def probe_curves(rows: Sequence[MetricsRow], limits: Sequence[Limit]) -> Figure | None:
    """A figure with a panel for each figure of the probes; None for a run without any.

    Dashed lines are limits, crosses what is beyond them, and grey ground is where the alarm was on.

    Args:
        rows: of metrics.jsonl.
        limits: of the run's alarm.
    """
    probed = [row for row in rows if ALARMS in row]
    names = [name for name in TITLES if any(name in row for row in probed)]
    if not names:
        return None
    bounds = {limit.figure: limit for limit in limits}
    with mpl.rc_context(STYLE):
        figure, axes = panels(len(names))
        for name, ax in zip(names, axes, strict=True):
            _panel(ax, [row for row in probed if name in row], name, bounds.get(name))
    return figure


def _panel(ax: Axes, rows: Sequence[MetricsRow], name: str, limit: Limit | None) -> None:
    seen, values = [row["nimg"] for row in rows], [row[name] for row in rows]
    ax.plot(seen, values, color=REAL if name == HELD_OUT_GAP else GENERATED)
    if limit is not None:
        beyond = [point for point in zip(seen, values, strict=True) if not limit.is_kept(point[1])]
        if beyond:
            ax.plot(*zip(*beyond, strict=True), "x", color=INK, markersize=5)
        ax.axhline(limit.bound, color=FAINT, linestyle="--", label=f"limit: {limit}")
        ax.legend(fontsize=7)
    for before, row in pairwise(rows):
        if row[ALARMS]:
            ax.axvspan(before["nimg"], row["nimg"], color=FAINT, alpha=0.25, linewidth=0)
    ax.set_title(TITLES[name], fontsize=8)
    images_seen(ax)
