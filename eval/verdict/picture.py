"""What a verdict looks like: modes that are dropped, or the rarest, beside what was made instead.

Images and sequences: real ones of each mode, and the generated ones that come nearest to these.
Points: all of them, with rings around the modes.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cgan.data.abilities import KnownModes
from cgan.data.mixtures import RADIUS_SIGMAS
from cgan.kinds import Kind
from cgan.sampling import pictures
from cgan.sampling.pictures import PICTURES, Tiles
from cgan.system.lettering import lettered
from eval.display.drawing import FAINT, GENERATED, INK, REAL, STYLE
from eval.metrics.neighbors import nearest
from eval.verdict.judge import Verdict
from eval.verdict.modes import ModeCounts
from eval.verdict.words import share

DROPPED_AT_MOST, RAREST_AT_MOST, EACH_SIDE = 8, 4, 8
EXAMPLES_AT_MOST = 200
"""Most real examples of a mode that samples are compared with."""
POINTS_AT_MOST = 2_500
DPI = 120
NAME_AT_MOST = 30
"""Most characters of a mode's name."""
AMBER = "#c98a00"


@dataclass(frozen=True, eq=False)
class Shown:
    """Samples that pictures of a verdict are made of."""

    samples: Shaped[np.ndarray, "kept *sample"]
    """The first generated samples, in the stored form."""
    features: Float[np.ndarray, "kept d"]
    real_features: Float[np.ndarray, "n d"]
    real_labels: Int[np.ndarray, " n"]
    real: Callable[[Int[np.ndarray, " rows"]], Shaped[np.ndarray, "rows *sample"]]
    """Function from row numbers to these real samples, in the stored form."""
    kind: Kind
    """What the samples are: images, points or sequences."""
    modes: KnownModes | None = None
    """Modes that are ringed; None for what is shown side by side."""

    def tiles(self, samples: Shaped[np.ndarray, "n *sample"]) -> UInt8[np.ndarray, "n _ _ _"]:
        """Samples as images, to stand side by side."""
        form = PICTURES[self.kind]
        assert isinstance(form, Tiles)
        return form.of(samples)


def draw(verdict: Verdict, shown: Shown) -> bytes:
    """Draw the verdict's picture, as the content of a PNG file."""
    encoded = io.BytesIO()
    with mpl.rc_context(STYLE):
        if shown.modes is None:
            figure = _rows_of_images(verdict, shown)
        else:
            figure = _ringed_points(verdict, shown.samples[:POINTS_AT_MOST], shown.modes)
        figure.savefig(encoded, dpi=DPI, format="png")
    return encoded.getvalue()


def pictured_modes(verdict: Verdict) -> Int[np.ndarray, " modes"]:
    """The modes that a picture shows: those that are dropped, the largest first.

    Without any, those with the smallest part of their true share.
    """
    modes, found = verdict.evidence.modes, np.flatnonzero(verdict.named)
    if len(found):
        return found[np.argsort(-modes.true_shares[found], kind="stable")][:DROPPED_AT_MOST]
    return np.argsort(modes.counts / modes.true_shares, kind="stable")[:RAREST_AT_MOST]


def _rows_of_images(verdict: Verdict, shown: Shown) -> Figure:
    """A figure with a row for each mode: real examples, and the samples nearest to them."""
    modes, chosen = verdict.evidence.modes, pictured_modes(verdict)
    figure = Figure(figsize=(11, 0.5 + 0.7 * len(chosen)), layout="constrained")
    axes = figure.subplots(len(chosen), 2, squeeze=False)
    which = "dropped" if verdict.named.any() else "rarest"
    axes[0, 0].set_title(f"real {shown.kind.plural} of the {which} {modes.kind}")
    axes[0, 1].set_title(f"the generated {shown.kind.plural} nearest to them")
    for index, (left, right) in zip(chosen, axes, strict=True):
        rows = np.flatnonzero(shown.real_labels == modes.labels[index])[:EXAMPLES_AT_MOST]
        _strip(left, shown.tiles(shown.real(rows[:EACH_SIDE])))
        _strip(right, shown.tiles(_nearest_samples(shown, rows)))
        left.set_ylabel(_told(modes, int(index)), rotation=0, ha="right", va="center")
    return figure


def _nearest_samples(
    shown: Shown, rows: Int[np.ndarray, " real"]
) -> Shaped[np.ndarray, "_ *sample"]:
    """The samples that come nearest to any of these real ones, the nearest first."""
    if not len(rows):
        return shown.samples[:0]
    squares = nearest(shown.features, shown.real_features[rows], 1).squares[:, 0]
    return shown.samples[np.argsort(squares, kind="stable")[:EACH_SIDE]]


def _strip(axes: Axes, images: UInt8[np.ndarray, "n height width channels"]) -> None:
    """Images side by side, always as many places; empty ones stay grey."""
    places = np.full((EACH_SIDE, *images.shape[1:]), pictures.GROUND, np.uint8)
    places[: len(images)] = images
    row = pictures.image_grid(places, EACH_SIDE)
    axes.imshow(np.broadcast_to(row, (*row.shape[:2], 3)), interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _told(modes: ModeCounts, index: int) -> str:
    """A mode's name, with the share that it has and should have."""
    has, should = share(modes.counts[index] / modes.n), share(modes.true_shares[index])
    return f"{lettered(modes.names[index], NAME_AT_MOST)}\n{has} for {should}"


def _ringed_points(verdict: Verdict, points: Float[np.ndarray, "n 2"], known: KnownModes) -> Figure:
    """A figure of generated points, with a ring around each mode that says whether it is covered.

    The ring has a radius of a few standard deviations.
    """
    modes, tested = verdict.evidence.modes, verdict.tested
    kinds: tuple[tuple[Any, str, float, str], ...] = (
        (tested.covered & ~verdict.named, REAL, 0.8, "covered"),
        (tested.undecided & ~verdict.named, AMBER, 1.5, "undecided"),
        (verdict.named, INK, 2.5, "dropped"),
    )
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.add_subplot(aspect="equal")
    axes.plot(*points.T, ".", color=GENERATED, alpha=0.5, markersize=3, markeredgewidth=0)
    reach = 1.2 * float(np.abs(known.means).max()) + RADIUS_SIGMAS * known.sigma
    radius = max(RADIUS_SIGMAS * known.sigma, reach / 32)
    turn = np.linspace(0, 2 * np.pi, 49)
    circle = radius * np.stack([np.cos(turn), np.sin(turn)])
    for which, color, width, told in kinds:
        for mean in known.means[modes.labels[which]]:
            axes.plot(*(mean[:, None] + circle), color=color, linewidth=width)
        axes.plot([], [], color=color, linewidth=width, label=f"{told}: {which.sum()}")
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
    axes.tick_params(colors=FAINT)
    figure.legend(loc="outside lower center", ncols=3, title="modes")
    return figure
