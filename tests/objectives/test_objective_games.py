"""Several games at once, and the game that a config describes."""

import dataclasses
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from objective_oracles import (
    OFFSETS,
    PLAYERS,
    assert_terms,
    embedding_batch,
    embedding_margin,
    on_one_device,
    oracle_terms,
    play,
    score_batch,
    score_margin,
    some_embeddings,
    some_scores,
)

from cgan import objectives
from cgan.config import Embedding, Experiment, Objective, Penalty
from cgan.objectives import PairedOutputs
from cgan.objectives import comparisons as cmp
from cgan.objectives.classic import CLASSIC
from cgan.objectives.contrastive import Contrastive
from cgan.objectives.curves import CURVES
from cgan.objectives.games import Game, WeightedSum
from cgan.types import DiscriminatorOutput

SCORES, VECTORS = some_scores(), some_embeddings()
every_player = pytest.mark.parametrize("player", PLAYERS)


def two_headed_batch(offsets):
    (real, fake), (real_vector, other, fake_vector) = SCORES, VECTORS
    outputs = PairedOutputs(
        DiscriminatorOutput(jnp.asarray(real), jnp.asarray(real_vector)),
        DiscriminatorOutput(jnp.asarray(fake), jnp.asarray(fake_vector)),
        jnp.sum(real_vector * jnp.asarray(other), axis=1),
    )
    return on_one_device(outputs, offsets)


def built(**settings):
    return objectives.build(Experiment(workdir=Path("runs/test"), **settings))


def scaled(prefix, weight, terms):
    return {f"{prefix}/{name}": weight * np.asarray(term) for name, term in terms.items()}


@every_player
def test_a_weighted_sum_scales_and_names_the_terms_of_each_game(player):
    curve, batch = CURVES["softmax", "mean"], two_headed_batch(OFFSETS[2])
    games = {
        "a": CLASSIC["hinge"],
        "b": Contrastive(cmp.ScoreComparison(), curve),
        "c": Contrastive(cmp.EmbeddingComparison(), curve, temperature_bounds=(0.1, 1.0)),
    }
    game = WeightedSum(games, {"a": 2.0, "b": 0.5, "c": 3.0})
    learnt = game.init()
    expected = scaled("a", 2.0, play(games["a"], player, batch))
    expected |= scaled("b", 0.5, play(games["b"], player, batch))
    expected |= scaled("c", 3.0, play(games["c"], player, batch, learnt["c"]))
    assert all(isinstance(part, Game) for part in (game, *games.values()))
    assert_terms(play(game, player, batch, learnt), expected, rtol=1e-6)


def test_each_game_keeps_its_own_learnt_values():
    curve = CURVES["softmax", "mean"]
    games = {
        "warm": Contrastive(cmp.ScoreComparison(), curve, 2.0, (0.5, 3.0)),
        "cold": Contrastive(cmp.EmbeddingComparison(), curve, 0.1, (0.05, 0.2)),
        "fixed": CLASSIC["wasserstein"],
    }
    game = WeightedSum(games, dict.fromkeys(games, 1.0))
    found = game.readings(game.init())
    assert_terms(found, {"warm/temperature": 2.0, "cold/temperature": 0.1}, rtol=1e-6)
    hotter = jax.tree.map(lambda value: value + 10, game.init())
    found = game.readings(game.project(hotter))
    assert_terms(found, {"warm/temperature": 3.0, "cold/temperature": 0.2}, rtol=1e-6)
    assert game.init()["fixed"] == {}


@every_player
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"loss": "listwise", "normalize": "sum", "dual": False, "top_k": 2},
        {"loss": "pairwise", "hardness": 0.5, "temperature": 2.0, "weight": 0.25},
        {"loss": "hardest"},
        {"loss": "average"},
    ],
    ids=str,
)
def test_a_config_of_the_critic_builds_its_game(player, settings):
    game = built(objective=Objective(**settings))
    terms = {key: settings[key] for key in settings.keys() & {"dual", "top_k", "hardness"}}
    config = dataclasses.asdict(Objective(**settings))
    expected = oracle_terms(
        (config["loss"], config["normalize"]),
        score_margin(*SCORES),
        OFFSETS[4],
        player=player,
        temperature=config["temperature"],
        **terms,
    )
    found = play(game, player, score_batch(*SCORES), game.init())
    assert_terms(found, scaled("critic", config["weight"], expected), rtol=1e-5)


@every_player
@pytest.mark.parametrize("loss", CLASSIC)
def test_a_config_of_a_classic_loss_builds_it(player, loss):
    game = built(objective=Objective(loss=loss, weight=2.0), penalty=Penalty(gradient_penalty=1.0))
    batch = score_batch(*SCORES)
    expected = scaled("critic", 2.0, play(CLASSIC[loss], player, batch))
    assert_terms(play(game, player, batch, game.init()), expected, rtol=1e-6)


@every_player
def test_a_config_of_the_embedding_alone_builds_its_game(player):
    game = built(
        objective=Objective(weight=0.0, dual=False),
        embedding=Embedding(weight=0.5, game="mirrored", curve="pairwise", temperature=0.3),
        penalty=Penalty(r1=0.0, r2=0.0),
    )
    curve, margin = ("pairwise", "mean"), embedding_margin(*VECTORS)
    expected = oracle_terms(curve, margin, OFFSETS[4], player=player, temperature=0.3, dual=False)
    found = play(game, player, embedding_batch(*VECTORS), game.init())
    assert_terms(found, scaled("embedding", 0.5, expected), rtol=1e-5)


@every_player
@pytest.mark.parametrize("loss", ["softmax", "hinge"])
def test_a_config_of_both_heads_builds_their_sum_at_two_temperatures(player, loss):
    """How a real meets its fakes is said once; classic losses leave it to the embedding."""
    learns = {"temperature": 1.5, "temperature_bounds": (1.0, 2.0)} if loss == "softmax" else {}
    game = built(
        objective=Objective(loss=loss, normalize="sum", hardness=0.5, top_k=3, **learns),
        embedding=Embedding(
            weight=0.7, game="mirrored", temperature=0.2, temperature_bounds=(0.1, 0.4)
        ),
    )
    settings = {"player": player, "hardness": 0.5, "top_k": 3}
    sum_curve, batch = ("softmax", "sum"), two_headed_batch(OFFSETS[4])
    vector_terms = oracle_terms(
        sum_curve, embedding_margin(*VECTORS), OFFSETS[4], temperature=0.2, **settings
    )
    if learns:
        margin = score_margin(*SCORES)
        score_terms = oracle_terms(sum_curve, margin, OFFSETS[4], temperature=1.5, **settings)
    else:
        score_terms = play(CLASSIC[loss], player, batch)
    expected = scaled("critic", 1.0, score_terms) | scaled("embedding", 0.7, vector_terms)
    assert_terms(play(game, player, batch, game.init()), expected, rtol=2e-5)
    learnt = game.init()
    np.testing.assert_allclose(learnt["embedding"]["log_temperature"], math.log(0.2), rtol=1e-6)
    assert bool(learnt["critic"]) == bool(learns)
    assert set(game.readings(learnt)) == {f"{name}/temperature" for name in learnt if learnt[name]}


@pytest.mark.parametrize("game", ["neighbor", "mirrored"])
@every_player
def test_the_weight_of_the_embeddings_game_moves_along_half_a_cosine_and_the_scores_stays(
    game, player
):
    """From its own to a share of it after `ramp_nimg` images, and not beyond."""
    ramped = built(
        objective=Objective(weight=0.5),
        embedding=Embedding(weight=0.8, final_fraction=0.25, game=game),
        ramp_nimg=400,
    )
    one = built(embedding=Embedding(weight=1.0, game=game))
    batch = two_headed_batch(OFFSETS[2])
    expected = play(one, player, batch, one.init())
    quarter = 0.2 + 0.6 * (1 + math.sqrt(0.5)) / 2
    for nimg, weight in ((0, 0.8), (100, quarter), (200, 0.5), (400, 0.2), (1_400, 0.2)):
        found = play(ramped, player, batch._replace(nimg=jnp.float32(nimg)), ramped.init())
        assert found.keys() == expected.keys()
        for name, term in expected.items():
            share = weight if name.startswith("embedding/") else 0.5
            np.testing.assert_allclose(found[name], share * np.asarray(term), rtol=1e-5)
