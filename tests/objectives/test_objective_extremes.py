"""No overflow and no NaN: scores of 1e4 in both dtypes, cosines over a small temperature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from objective_oracles import (
    GAMES,
    PLAYERS,
    embedding_batch,
    label,
    play,
    score_batch,
    slopes_and_losses,
    total,
)

from cgan.objectives.classic import CLASSIC
from cgan.objectives.comparisons import EmbeddingComparison, ScoreComparison
from cgan.objectives.contrastive import Contrastive
from cgan.objectives.curves import CURVES

HIGH, LOW, MIXED = [1e4] * 4, [-1e4] * 4, [1e4, -1e4, 1e4, 0.0]
PAIRS = [(HIGH, LOW), (LOW, HIGH), (HIGH, HIGH), (MIXED, MIXED), (MIXED, LOW)]


def assert_finite(tree):
    leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(tree)]
    assert leaves
    assert all(np.isfinite(leaf).all() for leaf in leaves)


def assert_all_finite(games, batch_of, inputs):
    """Both players' losses and gradients, summed over games: finite only if each of them is."""

    def loss(sides):
        batch = batch_of(*sides)
        return sum(total(play(game, player, batch)) for game in games for player in PLAYERS)

    compiled = jax.jit(jax.value_and_grad(loss))
    for sides in inputs:
        assert_finite(compiled(sides))


def all_curves(comparison, **settings):
    return [Contrastive(comparison, curve, **settings) for curve in CURVES.values()]


@pytest.mark.parametrize(("curve", "hardness", "top_k"), GAMES, ids=label)
def test_scores_of_1e4_give_finite_losses_and_gradients(curve, hardness, top_k):
    for pair in PAIRS:
        real, fake = (jnp.asarray(side, jnp.float32) for side in pair)
        assert_finite(slopes_and_losses(curve, hardness, top_k)(real, fake))


@pytest.mark.parametrize(
    ("games", "dtype"),
    [
        (all_curves(ScoreComparison()), jnp.bfloat16),
        (CLASSIC.values(), jnp.bfloat16),
        (CLASSIC.values(), jnp.float32),
    ],
    ids=["curves-bfloat16", "classic-bfloat16", "classic-float32"],
)
def test_so_do_whole_batches_in_bfloat16_and_classic_losses(games, dtype):
    inputs = [[jnp.asarray(side, dtype) for side in pair] for pair in PAIRS]
    assert_all_finite(games, score_batch, inputs)


def test_a_temperature_of_a_thousandth_keeps_cosines_finite():
    vectors = jnp.asarray([[1, 0], [1, 0], [0, 1], [-1, 0]], jnp.float32)
    signs = [(1, 1, -1), (1, -1, 1), (1, 1, 1)]
    inputs = [[sign * vectors for sign in row] for row in signs]
    assert_all_finite(all_curves(EmbeddingComparison(), temperature=1e-3), embedding_batch, inputs)
