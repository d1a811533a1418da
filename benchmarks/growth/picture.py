"""The curves of cost, drawn: seconds above memory, both axes logarithmic."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.ticker import NullFormatter

from benchmarks.growth.point import Curve, Point
from eval.display.drawing import FAINT, GENERATED, REAL, STYLE

ACROSS = 4


def draw(curves: Sequence[Curve], points: Mapping[str, Sequence[Point]], path: Path) -> None:
    """Draw each curve that was measured in a field of its own.

    Args:
        curves: in the order of the fields.
        points: of each curve, by its name.
        path: of the picture.
    """
    shown = [curve for curve in curves if any(p.size for p in points.get(curve.name, ()))]
    down = -(-len(shown) // ACROSS)
    with plt.rc_context(STYLE):
        figure, fields = plt.subplots(down, ACROSS, figsize=(11, 2.4 * down), squeeze=False)
        for field in fields.flat[len(shown) :]:
            field.axis("off")
        for field, curve in zip(fields.flat, shown, strict=False):
            # A size of 0 has no place on a logarithmic axis.
            some = [point for point in points[curve.name] if point.size]
            sizes = [point.size for point in some]
            field.loglog(sizes, [p.seconds for p in some], "o-", ms=3, color=GENERATED)
            proportional = [some[0].seconds * size / sizes[0] for size in sizes]
            field.loglog(sizes, proportional, ":", color=FAINT, lw=1)
            field.set_title(curve.name)
            field.set_xlabel(curve.axis)
            beside = field.twinx()
            beside.loglog(sizes, [p.mib for p in some], "s--", ms=2.5, lw=1, color=REAL)
            beside.spines["right"].set_visible(True)
            field.tick_params(axis="y", colors=GENERATED)
            beside.tick_params(axis="y", colors=REAL)
            # Axes of less than a decade would have numbers at all their small marks.
            for axis in (field.xaxis, field.yaxis, beside.yaxis):
                axis.set_minor_formatter(NullFormatter())
        figure.supylabel("seconds (red); as much as the size grows (dotted)", fontsize=9)
        figure.tight_layout()
        figure.text(0.995, 0.5, "MiB (blue)", rotation=90, ha="right", va="center")
        figure.subplots_adjust(right=0.94)
        figure.savefig(path, dpi=110)
        plt.close(figure)
