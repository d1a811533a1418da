"""The figures of a report as PNG files by name, for trackers, which show no SVG."""

import io

import matplotlib as mpl
from matplotlib.figure import Figure

from cgan.config import from_json
from cgan.probe import limits
from eval.display.drawing import STYLE
from eval.report.contents import Contents
from eval.report.figures import metric_curves, mode_shares, training_curves
from eval.report.probe_figure import probe_curves
from eval.verdict.picture import draw

DPI = 140


def pictures(contents: Contents) -> dict[str, bytes]:
    """Draw the pictures of a report for which there is anything, as PNG, by name."""
    figures = {
        "checkpoints": metric_curves(contents.history, contents.metrics),
        "probes": probe_curves(contents.rows, limits(from_json(contents.config_json))),
        "losses": training_curves(contents.rows),
        "modes": _modes(contents),
    }
    found = {name: _png(figure) for name, figure in figures.items() if figure is not None}
    judged = contents.judged
    if judged is not None and judged.shown is not None:
        found["verdict"] = draw(judged.verdict, judged.shown)
    return found


def _modes(contents: Contents) -> Figure | None:
    counts = contents.generated.counts
    if counts is None:
        return None
    train = contents.evaluation.splits.train
    return mode_shares(counts[:-1], train.class_weights, train.class_names)


def _png(figure: Figure) -> bytes:
    encoded = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(encoded, dpi=DPI, format="png")
    return encoded.getvalue()
