"""The picture of surrogate models: error against points, and how much the prior weighs."""

import io
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    LogLocator,
    NullFormatter,
    NullLocator,
    StrMethodFormatter,
)

from cgan.system.lettering import lettered
from eval.display.drawing import FAINT, GENERATED, INK, REAL, STYLE
from eval.surrogate.record import Error, Method
from eval.surrogate.words import METHODS, by_method, one_strength, strengths, title

DPI = 120
TITLE_AT_MOST = 130
LOOKS: dict[Method, tuple[str, str]] = {
    "source": (FAINT, ":"),
    "scratch": ("#8c6d5a", "-"),
    "weight_decay": ("#8c6d5a", "--"),
    "fine_tuning": ("#c98a00", "-"),
    "prior": (GENERATED, "-"),
    "gaussian_process": (REAL, "-"),
    "ridge_on_residuals": ("#2e7d5b", "-"),
    "gaussian_process_on_residuals": (REAL, "--"),
}
"""Color and stroke of each method."""


def draw(records: Sequence[Error]) -> bytes:
    """Draw the picture of one comparison, as the content of a PNG file."""
    encoded = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 4.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        _errors(left, records)
        _weights(right, records)
        told = "\n".join(lettered(line, TITLE_AT_MOST) for line in title(records[0]))
        figure.suptitle(told, fontsize=9, color=INK)
        figure.savefig(encoded, dpi=DPI, format="png")
    return encoded.getvalue()


def _errors(axes: Axes, records: Sequence[Error]) -> None:
    for method, of_method in by_method(records).items():
        color, stroke = LOOKS[method]
        axes.errorbar(
            [record.points for record in of_method],
            [record.rmse for record in of_method],
            [record.standard_error or 0.0 for record in of_method],
            color=color,
            linestyle=stroke,
            marker="o",
            markersize=3,
            capsize=2,
            linewidth=2.0 if method == "prior" else 1.2,
            label=METHODS[method],
        )
    _by_points(axes, records)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel(f"RMSE of {lettered(records[0].output)}")
    axes.set_title("error, mean and standard error over draws")
    _legend_below(axes)


def _weights(axes: Axes, records: Sequence[Error]) -> None:
    """The prior's share `mu / (n + mu)` with the best mu of each n, beside that of one mu."""
    told, one = strengths(records), one_strength(records)
    points = np.array([each.points for each in told])
    shares = [np.array(each.chosen) / (each.points + np.array(each.chosen)) for each in told]
    low, middle, high = np.array([np.quantile(share, (0.25, 0.5, 0.75)) for share in shares]).T
    axes.errorbar(
        points,
        middle,
        (middle - low, high - middle),
        color=GENERATED,
        marker="o",
        markersize=4,
        capsize=2,
        linestyle="none",
        label="chosen within the points: median, quartiles",
    )
    best = np.array([each.best for each in told])
    axes.plot(
        points, best / (points + best), "s", color=INK, fillstyle="none", label="best in hindsight"
    )
    n = np.geomspace(points.min(), points.max(), 50)
    axes.plot(
        n, one / (n + one), color=FAINT, label=f"prior's weight mu / (n + mu), mu = {one:.2g}"
    )
    axes.plot(n, n / (n + one), color=FAINT, linestyle="--", label="points' weight n / (n + mu)")
    _by_points(axes, records)
    axes.set_ylim(0.0, 1.0)
    axes.set_ylabel("share in the weighted mean")
    axes.set_title("weight of the prior")
    _legend_below(axes)


def _legend_below(axes: Axes) -> None:
    axes.legend(fontsize=7, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.14))


def _by_points(axes: Axes, records: Sequence[Error]) -> None:
    sizes = sorted({record.points for record in records})
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticklabels([f"{size:,}" for size in sizes])
    axes.set_xlabel("points of the target")
    axes.grid(axis="y", color=FAINT, alpha=0.3, linewidth=0.6)
