"""The contrastive game of both players: against the oracle, at its corners and fixed point."""

import itertools
from functools import cache, partial

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
    GAMES,
    HARD_CURVES,
    OFFSETS,
    PLAYERS,
    assert_terms,
    both_players,
    label,
    oracle_terms,
    score_margin,
    slopes_and_losses,
    softplus,
    some_scores,
    total,
)

every_curve = pytest.mark.parametrize("curve", CURVE_NAMES, ids=label)
score_vectors = hnp.arrays(np.float32, BATCH, elements=st.floats(-20, 20, width=32))
RANKED = ("listwise", "mean"), ("listwise", "sum")


@cache
def compiled(curve):
    """Where all are met, to be called many times: scores to each player's terms."""
    return jax.jit(partial(both_players, curve, BATCH))


def slopes(curve, real, fake, hardness=0.0, top_k=None):
    """The gradients by reals and by fakes, by player and term, where two are met."""
    return slopes_and_losses(curve, hardness, top_k)(jnp.asarray(real), jnp.asarray(fake))[0]


@every_curve
@pytest.mark.parametrize("k", OFFSETS)
@pytest.mark.parametrize("dual", [True, False])
def test_terms_equal_the_float64_oracle_for_both_players(curve, k, dual):
    real, fake = some_scores()
    for temperature in (0.5, 2.0):
        found = both_players(curve, k, real, fake, temperature=temperature, dual=dual)
        for player in PLAYERS:
            expected = oracle_terms(
                curve,
                score_margin(real, fake),
                OFFSETS[k],
                player=player,
                temperature=temperature,
                dual=dual,
            )
            assert_terms(found[player], expected, rtol=1e-5)


@every_curve
@pytest.mark.parametrize("dual", [True, False])
def test_one_fake_is_relativistic_pairing_with_and_without_the_dual(curve, dual):
    """Jolicoeur-Martineau 2018: `-log sigmoid(C(x_r) - C(x_f))`, and the reverse."""
    real, fake = some_scores()
    margins = real.astype(np.float64) - np.roll(fake, -OFFSETS[1][0])
    found = both_players(curve, 1, real, fake, dual=dual)
    for player, sign in PLAYERS.items():
        pairing = -np.log(1 / (1 + np.exp(-sign * margins)))
        np.testing.assert_allclose(total(found[player]), pairing.mean(), rtol=1e-6)


def test_the_softmax_sum_over_all_fakes_is_half_of_the_dual_contrastive_loss():
    """Yu et al. 2021, written with their ratios of exponentials."""
    real, fake = some_scores()
    r, f = np.float64(real), np.float64(fake)
    attraction = -np.log(np.exp(r) / (np.exp(r) + np.exp(f).sum()))
    dual = -np.log(np.exp(-f) / (np.exp(-f) + np.exp(-r).sum()))
    found = both_players(("softmax", "sum"), BATCH, real, fake)["discriminator"]
    np.testing.assert_allclose(total(found), (attraction.mean() + dual.mean()) / 2, rtol=1e-6)


def test_the_average_over_all_fakes_is_half_of_the_relativistic_average_loss():
    """Jolicoeur-Martineau 2018, with the cross-entropy: each side against the other's mean."""
    real, fake = some_scores()
    r, f = np.float64(real), np.float64(fake)
    found = both_players(("average", "mean"), BATCH, real, fake)
    over, under = r - f.mean(), f - r.mean()
    discriminator = softplus(-over).mean() + softplus(under).mean()
    generator = softplus(over).mean() + softplus(-under).mean()
    np.testing.assert_allclose(total(found["discriminator"]), discriminator / 2, rtol=1e-6)
    np.testing.assert_allclose(total(found["generator"]), generator / 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("curve", "hardness"),
    [(curve, 0.0) for curve in CURVE_NAMES if curve not in RANKED]
    + [(curve, 5.0) for curve in HARD_CURVES],
    ids=label,
)
@given(real=score_vectors, fake=score_vectors)
@settings(max_examples=25, deadline=None)
def test_the_discriminator_only_raises_reals_and_lowers_fakes_the_generator_only_raises_fakes(
    curve, hardness, real, fake
):
    for (player, _), (at_reals, at_fakes) in slopes(curve, real, fake, hardness).items():
        sign = PLAYERS[player]
        assert np.all(sign * at_reals <= 0)
        assert np.all(sign * at_fakes >= 0)
        assert np.sum(sign * at_reals) < 0 < np.sum(sign * at_fakes)


@pytest.mark.parametrize("curve", RANKED, ids=label)
@given(real=score_vectors, fake=score_vectors)
@settings(max_examples=25, deadline=None)
def test_a_list_moves_each_graded_sample_and_all_its_negatives_the_right_way(curve, real, fake):
    """Only the sum of the negatives: later places of the list rank them among each other."""
    for (player, term), (at_reals, at_fakes) in slopes(curve, real, fake).items():
        raised, lowered = -PLAYERS[player] * at_reals, PLAYERS[player] * at_fakes
        graded, negatives = (raised, lowered) if term == "real_vs_fakes" else (lowered, raised)
        assert np.all(graded >= -1e-6)
        assert np.sum(negatives) >= -1e-6
        np.testing.assert_allclose(np.sum(negatives), np.sum(graded), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("curve", RANKED, ids=label)
def test_a_list_may_raise_a_single_fake_that_another_outranks_less_than_it_could(curve):
    """The fakes are far below the reals: only their own ranking is left to improve."""
    real, fake = np.full(BATCH, 20, np.float32), np.arange(BATCH, dtype=np.float32)
    _, at_fakes = slopes(curve, real, fake)["discriminator", "real_vs_fakes"]
    assert at_fakes.min() < -1e-3 < 1e-3 < at_fakes.max()


VALUES = np.random.default_rng(4).normal(size=2 * BATCH).astype(np.float32)
ORDERS = VALUES[np.array(list(itertools.permutations(range(2 * BATCH))), np.int8)]
"""All ways to deal values of a test function `h` to the reals and the fakes of a batch.

Both are then draws from one distribution, and a mean over them is exact.
"""
SPLITS = np.unique(np.sort(ORDERS.reshape(-1, 2, BATCH)), axis=0).reshape(-1, 2 * BATCH)
"""The same, each order within the reals and within the fakes only once."""


@pytest.mark.parametrize(("curve", "hardness", "top_k"), GAMES, ids=label)
def test_the_constant_discriminator_is_stationary_at_equal_distributions(curve, hardness, top_k):
    """The first variation along `h` vanishes on the mean, though not for single splits.

    At equal scores `hardest`, `top_k` and lists have ties, which fall to the order of samples;
    the mean over all orders gives none of them an advantage.
    """
    equal = jnp.zeros(BATCH)
    for slope in slopes(curve, equal, equal, hardness, top_k).values():
        variations = ORDERS @ np.concatenate(slope)
        assert abs(variations.mean()) < 1e-6
        assert abs(variations).max() > 0.1


def mean_losses(curve, steps):
    """The discriminator's loss at `D = step * h`, its mean over all splits."""

    def loss(scores):
        found = both_players(curve, BATCH, scores[:BATCH], scores[BATCH:])
        return total(found["discriminator"])

    mean_loss = jax.jit(lambda step: jax.vmap(loss)(step * SPLITS).mean())
    return np.array([mean_loss(step) for step in steps])


@pytest.mark.parametrize("curve", [name for name in CURVE_NAMES if name not in RANKED], ids=label)
def test_no_other_discriminator_is_better_at_equal_distributions(curve):
    """The finite statement, free of ties: along `h` the loss is least at the constant."""
    constant, *others = mean_losses(curve, [0.0, -3.0, -0.3, 0.3, 3.0])
    assert np.all(np.array(others) > constant + 1e-4)


@pytest.mark.parametrize("curve", RANKED, ids=label)
def test_a_list_rewards_a_spread_of_scores_even_at_equal_distributions(curve):
    """The price of ranking negatives among each other: the constant is a ridge, not a minimum."""
    constant, *others = mean_losses(curve, [0.0, -0.1, 0.1])
    assert np.all(np.array(others) < constant - 1e-2)


@pytest.mark.parametrize("curve", [name for name in CURVE_NAMES if name not in RANKED], ids=label)
def test_equal_scores_pull_all_fakes_the_same_way(curve):
    equal = np.zeros(BATCH, np.float32)
    found = slopes(curve, equal, equal)
    for player, sign in PLAYERS.items():
        pulls = sum(at_fakes for (who, _), (_, at_fakes) in found.items() if who == player)
        np.testing.assert_allclose(pulls, pulls[0], rtol=1e-5)
        assert sign * pulls[0] > 0.01


@every_curve
@given(real=score_vectors, fake=score_vectors, shift=st.floats(-50, 50, width=32))
@settings(max_examples=25, deadline=None)
def test_a_shift_of_all_scores_changes_nothing(curve, real, fake, shift):
    terms = compiled(curve)
    before, after = terms(real, fake), terms(real + shift, fake + shift)
    for player in PLAYERS:
        assert_terms(after[player], before[player], rtol=1e-4, atol=2e-4)


@every_curve
@given(real=score_vectors, fake=score_vectors, order=st.permutations(range(BATCH)))
@settings(max_examples=25, deadline=None)
def test_the_order_of_fakes_does_not_matter_where_all_are_met(curve, real, fake, order):
    order = np.array(order)
    terms = compiled(curve)
    before, after = terms(real, fake), terms(real, fake[order])
    for player in PLAYERS:
        expected = before[player] | {"fake_vs_reals": before[player]["fake_vs_reals"][order]}
        assert_terms(after[player], expected, rtol=1e-5, atol=1e-5)


@every_curve
@pytest.mark.parametrize("places", range(1, BATCH))
def test_rolling_reals_and_fakes_together_rolls_the_terms_where_some_are_met(curve, places):
    real, fake = some_scores()
    before = both_players(curve, 2, real, fake)
    after = both_players(curve, 2, np.roll(real, places), np.roll(fake, places))
    for player in PLAYERS:
        rolled = {name: np.roll(term, places) for name, term in before[player].items()}
        assert_terms(after[player], rolled, rtol=1e-6)
