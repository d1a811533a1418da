"""The figure of a run's probes."""

from pathlib import Path

import pytest

from cgan.config import Alarm, Experiment
from cgan.probe import limits
from cgan.probe.columns import ALARMS, COVERAGE, DUPLICATES, EFFECTIVE, HELD_OUT_GAP, SCORE_GAP
from eval.report.figures import svg, training_curves
from eval.report.probe_figure import probe_curves

CONFIG = Experiment(Path("x"), alarm=Alarm(captured=0.6, duplicates=0.2))


def rows():
    """Probes at each fourth row of losses; duplicates rise over their limit at the sixth."""
    found = []
    for number in range(1, 41):
        losses = {"discriminator/loss": 1.0, "generator/loss": 2.0, "generator/grad_norm": 0.1}
        found.append({"nimg": 100 * number, "images_per_sec": 9.0, "input_stall": 0.0} | losses)
        if number % 4 == 0:
            bad = number >= 24
            figures = {COVERAGE: 0.9, EFFECTIVE: 0.8, DUPLICATES: 0.5 if bad else 0.01}
            gaps = {SCORE_GAP: 0.3, HELD_OUT_GAP: 0.05, ALARMS: float(number >= 32)}
            found.append({"nimg": 100 * number} | figures | gaps)
    return found


def test_each_figure_has_a_panel_with_its_limit_and_what_is_beyond_it():
    figure = probe_curves(rows(), limits(CONFIG))
    assert figure is not None
    assert b"<svg" in svg(figure)
    panels = {ax.get_title(): ax for ax in figure.axes if ax.get_title()}
    assert len(panels) == 5
    duplicates = panels["duplicates, share of samples"]
    curve, crosses, limit = duplicates.lines
    assert curve.get_xdata().tolist() == list(range(400, 4001, 400))
    assert crosses.get_xdata().tolist() == list(range(2400, 4001, 400))
    assert set(limit.get_ydata()) == {0.2}
    assert len(duplicates.patches) == 3  # the ground of three intervals
    (curve,) = panels["score, reals above samples"].lines  # no limit unless one is given
    assert set(curve.get_ydata()) == {0.3}


@pytest.mark.parametrize("kept", [[], [{"nimg": 100, "generator/loss": 1.0}]])
def test_a_run_without_probes_has_no_figure(kept):
    assert probe_curves(kept, limits(CONFIG)) is None


def test_the_curves_of_losses_leave_probes_out():
    figure = training_curves(rows())
    assert [ax.get_title() for ax in figure.axes if ax.get_title()] == [
        "losses",
        "generator/grad_norm",
    ]
