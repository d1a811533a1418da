"""The README's figures, from whole trainings: minutes each, so behind a marker.

The margins are wide: they should hold for any seed, not for a lucky one.
"""

import dataclasses

import pytest

from cgan.sampling import runs
from cgan.training import loop
from configs import CONFIGS
from eval.dataset.protocol import load_evaluation
from eval.measuring.measure import figures as figures_of

pytestmark = pytest.mark.slow


def figures(name, folder, **changes):
    """Train a config and measure its samples: `{metric: value}`."""
    config = dataclasses.replace(CONFIGS[name], workdir=folder / name, **changes)
    loop.train(config)
    run = runs.load_run(config.workdir)
    evaluation = load_evaluation(config.data)
    samples = runs.draw_samples(run, evaluation.protocol.n, seed=0)
    return figures_of(evaluation, samples, evaluation.default_metrics)


def test_digits_cover_all_ten_classes(tmp_path):
    found = figures("digits", tmp_path)
    assert found["modes_captured_at_20"] == 10
    assert found["reverse_kl_nats"] < 0.06
    assert found["frechet_distance"] < 10


def test_stacked_digits_cover_a_thousand_modes(tmp_path):
    found = figures("stacked_digits", tmp_path)
    assert found["modes_captured_at_1"] >= 998
    assert found["reverse_kl_nats"] < 0.06


@pytest.mark.parametrize(("name", "modes"), [("ring8", 8), ("grid25", 25)])
def test_points_cover_all_modes_and_keep_their_width(name, modes, tmp_path):
    found = figures(name, tmp_path)
    assert found["modes_captured_at_1"] == modes
    assert found["high_quality_share_3sigma"] > 0.6
    assert 0.7 < found["mode_width_ratio_3sigma"] < 1.3
