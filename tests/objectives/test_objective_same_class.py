"""Grading within a class: each row as if it met the negatives of its own class alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from objective_oracles import (
    CURVE_NAMES,
    GAMES,
    HARD_CURVES,
    ORACLES,
    PLAYERS,
    label,
    play,
    score_batch,
    some_scores,
    total,
)

from cgan.objectives.comparisons import ScoreComparison
from cgan.objectives.contrastive import Contrastive
from cgan.objectives.curves import CURVES

LABELS = np.array([0, 1, 0, 2, 1, 0])
SIZE = len(LABELS)
OFFSETS = {2: [4, 1], SIZE: list(range(SIZE))}
"""With two, some rows meet none of their class."""
every_curve = pytest.mark.parametrize("curve", CURVE_NAMES, ids=label)
every_player = pytest.mark.parametrize("player", PLAYERS)


def batch_of(real, fake, k, labels=LABELS):
    mask = jnp.asarray(labels[:, None] == labels[None, :])
    return score_batch(real, fake, OFFSETS[k])._replace(mask=mask)


def oracle_row(curve, margins, size, hardness=0.0, top_k=None):
    """The curve on the margins that count; where it takes a sum, they stand for all `size`."""
    margins = np.sort(np.asarray(margins, np.float64))[:top_k]
    if len(margins) == 0:
        return 0.0
    size = min(size, top_k or size)
    weights = np.exp(-hardness * margins)
    weights /= weights.mean()
    if curve[1] == "mean":
        return ORACLES[curve](margins, weights)
    first = np.log1p(size * np.mean(weights * np.exp(-margins)))
    if curve[0] == "softmax":
        return first
    later = ORACLES["listwise", "sum"](margins, weights) - np.log1p(np.sum(np.exp(-margins)))
    return first + size * later / len(margins)


def oracle_terms(curve, player, real, fake, k, **settings):
    """Row by row, pair by pair."""
    terms = {"real_vs_fakes": [], "fake_vs_reals": []}
    for row in range(SIZE):
        pairs = {
            "real_vs_fakes": [(row, (row + offset) % SIZE) for offset in OFFSETS[k]],
            "fake_vs_reals": [((row - offset) % SIZE, row) for offset in OFFSETS[k]],
        }
        for name, met in pairs.items():
            margins = [
                PLAYERS[player] * (np.float64(real[i]) - np.float64(fake[j]))
                for i, j in met
                if LABELS[i] == LABELS[j]
            ]
            terms[name].append(oracle_row(curve, margins, k, **settings) / 2)
    return terms


@every_curve
@every_player
@pytest.mark.parametrize("k", OFFSETS)
def test_terms_equal_the_float64_oracle_of_own_classes(curve, player, k):
    real, fake = some_scores(size=SIZE)
    found = play(Contrastive(ScoreComparison(), CURVES[curve]), player, batch_of(real, fake, k))
    for name, expected in oracle_terms(curve, player, real, fake, k).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("curve", HARD_CURVES, ids=label)
@every_player
@pytest.mark.parametrize("top_k", [1, 2, None])
def test_hard_fakes_are_sought_among_those_of_the_class(curve, player, top_k):
    real, fake = some_scores(size=SIZE)
    settings = {"hardness": 0.7, "top_k": top_k}
    game = Contrastive(ScoreComparison(), CURVES[curve], **settings)
    found = play(game, player, batch_of(real, fake, SIZE))
    for name, expected in oracle_terms(curve, player, real, fake, SIZE, **settings).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-7, err_msg=name)


@every_curve
@every_player
def test_one_class_for_all_is_the_game_without_classes(curve, player):
    real, fake = some_scores(size=SIZE)
    game = Contrastive(ScoreComparison(), CURVES[curve])
    within = play(game, player, batch_of(real, fake, 2, np.zeros(SIZE)))
    plain = play(game, player, score_batch(real, fake, OFFSETS[2]))
    for name, expected in plain.items():
        np.testing.assert_allclose(within[name], expected, rtol=1e-6)


@pytest.mark.parametrize(("curve", "hardness", "top_k"), GAMES, ids=label)
@every_player
@pytest.mark.parametrize("scale", [3.0, 1e4])
def test_rows_without_a_negative_of_their_class_cost_nothing_and_all_slopes_are_finite(
    curve, hardness, top_k, player, scale
):
    game = Contrastive(ScoreComparison(), CURVES[curve], hardness=hardness, top_k=top_k)
    real, fake = (jnp.asarray(side) for side in some_scores(size=SIZE, scale=scale))

    def loss(real, fake):
        terms = play(game, player, batch_of(real, fake, 2))
        return total(terms), terms

    slopes, terms = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))(real, fake)
    directions = {"real_vs_fakes": 1, "fake_vs_reals": -1}
    for name, direction in directions.items():
        met = LABELS[(np.arange(SIZE)[:, None] + direction * np.array(OFFSETS[2])) % SIZE]
        lonely = np.flatnonzero((met != LABELS[:, None]).all(axis=1))
        assert 0 < len(lonely) < SIZE
        np.testing.assert_array_equal(np.asarray(terms[name])[lonely], 0)
    for slope in slopes:
        assert np.isfinite(np.asarray(slope)).all()
    assert np.isfinite([np.asarray(term) for term in terms.values()]).all()


def test_a_fake_of_another_class_has_no_slope_at_a_real():
    """The slope by pairs: none where classes differ, some where they are the same."""
    real, fake = some_scores(size=SIZE, scale=0.5)
    game = Contrastive(ScoreComparison(), CURVES["softmax", "mean"])

    def terms(fake):
        return play(game, "discriminator", batch_of(real, fake, SIZE))["real_vs_fakes"]

    slopes = np.asarray(jax.jacrev(terms)(jnp.asarray(fake)))
    np.testing.assert_array_equal(slopes != 0, LABELS[:, None] == LABELS)
