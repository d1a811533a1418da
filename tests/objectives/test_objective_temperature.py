"""The learnt temperature: where it starts, its bounds, its gradient, and who plays with it."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from objective_oracles import (
    CURVE_NAMES,
    OFFSETS,
    PLAYERS,
    assert_terms,
    label,
    oracle_terms,
    play,
    score_batch,
    score_margin,
    some_scores,
    total,
)

from cgan.objectives.comparisons import ScoreComparison
from cgan.objectives.contrastive import Contrastive
from cgan.objectives.curves import CURVES


def learner(curve=("softmax", "mean"), **settings):
    settings = {"temperature": 0.5, "temperature_bounds": (0.1, 2.0)} | settings
    return Contrastive(ScoreComparison(), CURVES[curve], **settings)


def log_of(temperature):
    return {"log_temperature": jnp.log(temperature)}


def test_it_starts_at_the_temperature_of_the_config():
    game = learner()
    assert game.init().keys() == {"log_temperature"}
    np.testing.assert_allclose(game.init()["log_temperature"], math.log(0.5), rtol=1e-6)
    np.testing.assert_allclose(game.readings(game.init())["temperature"], 0.5, rtol=1e-6)


@pytest.mark.parametrize(("before", "after"), [(0.01, 0.1), (0.7, 0.7), (30.0, 2.0)])
def test_it_is_clipped_to_its_bounds_and_read_as_it_is(before, after):
    game = learner()
    projected = game.project(log_of(before))
    np.testing.assert_allclose(game.readings(projected)["temperature"], after, rtol=1e-6)


def test_without_bounds_nothing_is_learnt():
    game = learner(temperature_bounds=None)
    assert game.init() == game.project({}) == game.readings({}) == {}


@pytest.mark.parametrize("curve", CURVE_NAMES, ids=label)
@pytest.mark.parametrize("player", PLAYERS)
def test_both_players_play_at_the_learnt_temperature_not_at_that_of_the_config(curve, player):
    real, fake = some_scores()
    found = play(learner(curve), player, score_batch(real, fake, OFFSETS[2]), log_of(1.3))
    margin, settings = score_margin(real, fake), {"player": player, "temperature": 1.3}
    assert_terms(found, oracle_terms(curve, margin, OFFSETS[2], **settings), rtol=1e-5)


@pytest.mark.parametrize("curve", [("softmax", "mean"), ("listwise", "sum")], ids=label)
def test_its_gradient_equals_a_difference_of_the_oracle(curve):
    real, fake = some_scores()
    game, batch = learner(curve), score_batch(real, fake, OFFSETS[2])

    def loss(learnt):
        return total(play(game, "discriminator", batch, learnt))

    found = jax.jit(jax.grad(loss))(log_of(1.3))["log_temperature"]
    values = []
    for step in (1e-5, -1e-5):
        settings = {"temperature": 1.3 * math.exp(step)}
        terms = oracle_terms(curve, score_margin(real, fake), OFFSETS[2], **settings)
        values.append(sum(np.mean(term) for term in terms.values()))
    np.testing.assert_allclose(found, (values[0] - values[1]) / 2e-5, rtol=1e-4)
