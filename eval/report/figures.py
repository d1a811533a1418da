"""The drawn parts of a report, as SVG: curves over training, and which modes are captured."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from cgan.data.mixtures import RADIUS_SIGMAS
from cgan.probe.columns import PREFIX
from cgan.system.lettering import lettered
from eval.display.drawing import GENERATED, INK, MATCHED, REAL, STYLE
from eval.metrics.base import Metric
from eval.records.record import Record
from eval.report.contents import MetricsRow

NO_TERMS = ("nimg", "images_per_sec", "input_stall")
"""Names in metrics.jsonl that are no terms of a loss."""
MANY = 40
"""Most classes that are drawn as bars; more are drawn as a map."""
NAME_AT_MOST, NAMES_BESIDE = 24, 120
"""Most characters of a mode's name, and of all names that fit side by side under bars."""
MAP_COLUMNS = {True: 50, False: 20}
"""Cells in a row of the map: of 400 classes or more, and of fewer."""


def svg(figure: Figure) -> bytes:
    """A figure as an SVG file that looks the same everywhere: letters are drawn, not named."""
    encoded = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(encoded, format="svg", metadata={"Date": None})
    return encoded.getvalue()


def panels(count: int, columns: int = 3, height: float = 2.5) -> tuple[Figure, list[Axes]]:
    """A figure with so many axes, a few to a row, and the axes."""
    rows = -(-count // columns)
    figure = Figure(figsize=(3.4 * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, list(axes[:count])


def training_curves(rows: Sequence[MetricsRow]) -> Figure | None:
    """A figure of both players' losses and every other term of metrics.jsonl; no probes."""
    rows = [row for row in rows if row["nimg"] > 0]
    names = list(dict.fromkeys(name for row in rows for name in row))
    losses = [name for name in names if name.endswith("/loss")]
    known = (*losses, *NO_TERMS)
    others = [name for name in names if name not in known and not name.startswith(PREFIX)]
    if not losses:
        return None
    with mpl.rc_context(STYLE):
        figure, axes = panels(1 + len(others))
        for name, color in zip(losses, (REAL, GENERATED), strict=False):
            axes[0].plot(
                *_series(rows, name), color=color, label=lettered(name.removesuffix("/loss"))
            )
        axes[0].set_title("losses")
        axes[0].legend(fontsize=8)
        for name, ax in zip(others, axes[1:], strict=True):
            color = GENERATED if name.startswith("generator") else REAL
            ax.plot(*_series(rows, name), color=color)
            ax.set_title(lettered(name), fontsize=8)
        for ax in axes:
            images_seen(ax)
    return figure


def _series(rows: Sequence[MetricsRow], name: str) -> tuple[list[float | int], list[float | int]]:
    found = [(row["nimg"], row[name]) for row in rows if name in row]
    return [nimg for nimg, _ in found], [value for _, value in found]


def images_seen(ax: Axes) -> None:
    """Label the axis of images seen."""
    ax.set_xlabel("images seen")
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))


def metric_curves(history: Sequence[Record], metrics: dict[str, Metric]) -> Figure | None:
    """A figure of each metric at each measured checkpoint, with its standard error.

    The score of real data stands beside the generated samples of its own number only. None where
    one checkpoint was measured.
    """
    found = {
        name: [r for r in history if r.metric == name and r.value is not None] for name in metrics
    }
    drawn = {name: of for name, of in found.items() if len({r.checkpoint_nimg for r in of}) > 1}
    if not drawn:
        return None
    with mpl.rc_context(STYLE):
        figure, axes = panels(len(drawn))
        for (name, records), ax in zip(drawn.items(), axes, strict=True):
            for samples, color in (("generated_matched", MATCHED), ("generated", GENERATED)):
                of_set = [record for record in records if record.samples == samples]
                if of_set:
                    _points_with_errors(ax, of_set, color)
            smallest = min(records, key=lambda record: record.n)
            if smallest.floor is not None and smallest.floor_n == smallest.n:
                label = f"real data, n = {smallest.n:,}"
                ax.axhline(smallest.floor, color=REAL, linestyle="--", label=label)
            ax.set_title(metrics[name].label)
            ax.legend(fontsize=7)
            images_seen(ax)
    return figure


def _points_with_errors(ax: Axes, records: Sequence[Record], color: str) -> None:
    seen = np.array([record.checkpoint_nimg for record in records], np.float64)
    values = np.array([record.value for record in records], np.float64)
    errors = [record.standard_error or 0.0 for record in records]
    style: dict[str, Any] = {"fmt": "o-", "markersize": 4, "capsize": 2, "color": color}
    ax.errorbar(seen, values, errors, label=f"generated, n = {records[0].n:,}", **style)


def mode_shares(
    counts: Int[np.ndarray, " modes"],
    weights: Float[np.ndarray, " modes"],
    names: Sequence[str],
) -> Figure:
    """A figure of each mode's share of samples beside its true share; empty modes are marked.

    Args:
        counts: generated samples in each mode.
        weights: the true shares.
        names: of the modes.
    """
    draw = _bars if len(counts) <= MANY else _map
    with mpl.rc_context(STYLE):
        return draw(counts, weights, names)


def _bars(
    counts: Int[np.ndarray, " modes"],
    weights: Float[np.ndarray, " modes"],
    names: Sequence[str],
) -> Figure:
    n = max(int(counts.sum()), 1)
    shares = counts / n
    figure = Figure(figsize=(10.2, 3.2), layout="constrained")
    ax = figure.add_subplot(ylabel="share of samples", xlim=(-0.6, len(counts) - 0.4))
    places = np.arange(len(counts))
    errors = np.sqrt(shares * (1 - shares) / n)
    ax.bar(places, shares, yerr=errors, color=GENERATED, alpha=0.75, width=0.7, label="generated")
    ax.hlines(weights, places - 0.42, places + 0.42, color=REAL, linewidth=2, label="true share")
    missing = np.flatnonzero(counts == 0)
    if len(missing):
        ax.plot(missing, np.zeros(len(missing)), "x", color=INK, markersize=10, label="missing")
    labels = [lettered(name, NAME_AT_MOST) for name in names]
    beside = len(labels) <= 12 and sum(map(len, labels)) <= NAMES_BESIDE
    ax.set_xticks(places, labels, rotation=0 if beside else 90)
    ax.set_ylim(0, 1.25 * max(shares.max(), weights.max()))
    ax.legend(ncols=3, loc="upper right")
    return figure


def _map(
    counts: Int[np.ndarray, " modes"],
    weights: Float[np.ndarray, " modes"],
    names: Sequence[str],
) -> Figure:
    columns = MAP_COLUMNS[len(counts) >= 400]
    rows = -(-len(counts) // columns)
    expected = weights * counts.sum()
    ratios = np.full(rows * columns, np.nan)
    with np.errstate(divide="ignore"):
        ratios[: len(counts)] = np.log2(counts / expected)
    figure = Figure(figsize=(10.2, 0.9 + 0.17 * rows * 50 / columns), layout="constrained")
    ax = figure.add_subplot()
    style: dict[str, Any] = {"cmap": "RdBu", "vmin": -2, "vmax": 2, "aspect": "equal"}
    grid = np.where(np.isfinite(ratios), ratios, np.nan).reshape(rows, columns)
    image = ax.imshow(grid, **style)
    missing = np.flatnonzero(counts == 0)
    label = f"missing: {len(missing):,} of {len(counts):,}"
    ax.plot(missing % columns, missing // columns, "x", color=INK, markersize=5, label=label)
    firsts = [lettered(names[row * columns], NAME_AT_MOST) for row in range(rows)]
    ax.set_yticks(range(rows), firsts, fontsize=7)
    ax.set_xticks([])
    ax.set_ylabel("first mode of the row")
    bar = figure.colorbar(image, ax=ax, ticks=[-2, -1, 0, 1, 2], shrink=0.8, extend="both")
    bar.ax.set_yticklabels(["1/4", "1/2", "1", "2", "4"])
    bar.set_label("generated over true share")
    figure.legend(loc="outside lower center")
    return figure


def modes_of_points(
    points: Float[np.ndarray, "n 2"],
    counts: Int[np.ndarray, " modes"],
    means: Float[np.ndarray, "modes 2"],
    sigma: float,
) -> Figure:
    """A figure of generated points, with a circle of 3 sigma around each mode by its samples.

    Args:
        points: generated points.
        counts: samples in each mode.
        means: the modes' centres.
        sigma: their standard deviation.
    """
    kinds = (
        (counts >= 20, REAL, "20 samples or more"),
        ((counts > 0) & (counts < 20), "#c98a00", "fewer than 20"),
        (counts == 0, INK, "missing"),
    )
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 5.6), layout="constrained")
        ax = figure.add_subplot(aspect="equal")
        ax.plot(*points.T, ".", color=GENERATED, alpha=0.5, markersize=2.5, markeredgewidth=0)
        turn = np.linspace(0, 2 * np.pi, 49)
        circle = RADIUS_SIGMAS * sigma * np.stack([np.cos(turn), np.sin(turn)])
        for which, color, told in kinds:
            for mean in means[which]:
                ax.plot(*(mean[:, None] + circle), color=color, linewidth=1)
            ax.plot([], [], color=color, label=f"{told}: {which.sum()}")
        reach = 1.2 * float(np.abs(means).max()) + RADIUS_SIGMAS * sigma
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach))
        figure.legend(loc="outside lower center", ncols=3, title="modes (circles of 3 sigma)")
    return figure
