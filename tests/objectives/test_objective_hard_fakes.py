"""Hard fakes: importance weights and the hardest few, against the oracle and by sorting."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from objective_oracles import (
    BATCH,
    CURVE_NAMES,
    HARD_CURVES,
    OFFSETS,
    PLAYERS,
    TOP_K_CURVES,
    assert_terms,
    label,
    oracle_terms,
    play,
    score_batch,
    score_margin,
    softplus,
    some_scores,
    total,
)

from cgan.objectives.comparisons import ScoreComparison
from cgan.objectives.contrastive import Contrastive, Negatives, hard_weights, hardest_negatives
from cgan.objectives.curves import CURVES

weighted_curves = pytest.mark.parametrize("curve", HARD_CURVES, ids=label)
every_player = pytest.mark.parametrize("player", PLAYERS)
SOFTMAX = "softmax", "mean"
margin_rows = hnp.arrays(np.float32, (3, 5), elements=st.floats(-20, 20, width=32))


def terms(curve, player, scores, offsets=None, **settings):
    game = Contrastive(ScoreComparison(), CURVES[curve], **settings)
    return play(game, player, score_batch(*scores, offsets))


@pytest.mark.parametrize("curve", CURVE_NAMES, ids=label)
@every_player
def test_no_concentration_and_all_k_negatives_are_the_plain_game(curve, player):
    plain = terms(curve, player, some_scores(), OFFSETS[2])
    settings = {"hardness": 0.0} | ({"top_k": 2} if curve in TOP_K_CURVES else {})
    found = terms(curve, player, some_scores(), OFFSETS[2], **settings)
    assert_terms(found, plain, rtol=1e-6)


@given(margins=margin_rows, beta=st.floats(0, 5, width=32))
@settings(max_examples=40, deadline=None)
def test_weights_have_mean_1_and_grow_with_the_negative(margins, beta):
    weights = np.asarray(hard_weights(Negatives(jnp.asarray(margins)), beta))
    np.testing.assert_allclose(weights.mean(axis=1), 1, rtol=1e-5)
    by_rising_negative = np.take_along_axis(weights, np.argsort(-margins, axis=1), axis=1)
    assert np.all(np.diff(by_rising_negative, axis=1) >= 0)


def test_weights_turn_a_mean_into_that_over_the_harder_distribution():
    """Robinson et al. 2021: negatives drawn from `q ~ exp(beta f) p`, here with uniform `p`."""
    beta, margins = 1.5, some_scores()[0][None]
    weights = np.asarray(hard_weights(Negatives(jnp.asarray(margins)), beta))
    density = np.exp(-beta * np.float64(margins))
    density /= density.sum()
    cost = softplus(-np.float64(margins))
    np.testing.assert_allclose(np.mean(weights * cost), np.sum(density * cost), rtol=1e-5)


@weighted_curves
@every_player
@pytest.mark.parametrize("k", [2, BATCH])
def test_weighted_terms_equal_the_oracle(curve, player, k):
    real, fake = some_scores()
    settings = {"hardness": 0.7, "temperature": 2.0}
    expected = oracle_terms(curve, score_margin(real, fake), OFFSETS[k], player=player, **settings)
    found = terms(curve, player, (real, fake), OFFSETS[k], **settings)
    assert_terms(found, expected, rtol=1e-5)


@weighted_curves
def test_no_gradient_flows_through_the_weights(curve):
    real, fake = (side / 3 for side in some_scores())
    beta, sign = 2.0, {player: np.float32(value) for player, value in PLAYERS.items()}
    for player in PLAYERS:
        signed = sign[player] * (real[:, None] - fake)
        frozen = np.exp(-beta * signed)
        frozen /= frozen.mean(axis=1, keepdims=True)

        def with_frozen_weights(real, fake, player=player, frozen=frozen):
            margins = sign[player] * (real[:, None] - fake)
            return CURVES[curve](margins, jnp.asarray(frozen)).mean()

        def loss(real, fake, player=player):
            return total(terms(curve, player, (real, fake), dual=False, hardness=beta))

        found = jax.grad(loss, argnums=(0, 1))(real, fake)
        expected = jax.grad(with_frozen_weights, argnums=(0, 1))(real, fake)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@weighted_curves
def test_hardness_moves_the_gradient_to_the_highest_fakes(curve):
    real, fake = np.zeros(BATCH, np.float32), np.linspace(-1, 1, BATCH, dtype=np.float32)

    def share_of_the_highest(beta):
        def loss(fake):
            scores = real, fake
            return total(terms(curve, "discriminator", scores, dual=False, hardness=beta))

        slopes = jax.grad(loss)(fake)
        return slopes[-1] / slopes.sum()

    even, harder, hardest = (share_of_the_highest(beta) for beta in (0.0, 1.0, 20.0))
    assert even + 0.1 < harder < hardest
    assert hardest > 0.999


@given(margins=margin_rows, count=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_the_hardest_negatives_are_the_first_of_the_sorted_margins(margins, count):
    found = hardest_negatives(Negatives(jnp.asarray(margins)), count).margins
    assert found.shape == (3, count)
    np.testing.assert_array_equal(np.sort(found, axis=1), np.sort(margins, axis=1)[:, :count])


@pytest.mark.parametrize("curve", TOP_K_CURVES, ids=label)
@every_player
@pytest.mark.parametrize("top_k", [1, 3])
def test_the_hardest_few_equal_the_oracle_that_sorts(curve, player, top_k):
    real, fake = some_scores()
    settings = {"top_k": top_k, "hardness": 0.5 if curve in HARD_CURVES else 0.0}
    expected = oracle_terms(
        curve, score_margin(real, fake), OFFSETS[BATCH], player=player, **settings
    )
    assert_terms(terms(curve, player, (real, fake), **settings), expected, rtol=1e-5)


@every_player
def test_the_single_hardest_fake_under_softmax_is_the_curve_hardest(player):
    found = terms(SOFTMAX, player, some_scores(), top_k=1)
    assert_terms(found, terms(("hardest", "mean"), player, some_scores()), rtol=1e-6)


def test_fakes_beyond_the_hardest_few_get_no_gradient():
    real = np.zeros(BATCH, np.float32)
    fake = np.array([3, -1, 2, -2], np.float32)

    def loss(fake, player):
        return total(terms(SOFTMAX, player, (real, fake), dual=False, top_k=2))

    at_fakes = {player: jax.grad(loss)(fake, player) for player in PLAYERS}
    assert np.all((np.asarray(at_fakes["discriminator"]) > 0) == [True, False, True, False])
    assert np.all((np.asarray(at_fakes["generator"]) < 0) == [False, True, False, True])
