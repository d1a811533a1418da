"""Losses as pure functions from outputs to named per-sample terms, without networks and devices."""

from functools import partial
from typing import Any

from cgan import config as config_lib
from cgan.config import Experiment
from cgan.objectives.classic import BOUNDARY, CLASSIC
from cgan.objectives.comparisons import Comparison, EmbeddingComparison, ScoreComparison
from cgan.objectives.contrastive import Contrastive
from cgan.objectives.curves import CURVES
from cgan.objectives.games import Game, Loss, Weight, WeightedSum
from cgan.objectives.graded import Graded, Table
from cgan.objectives.neighbor import NeighborGame
from cgan.objectives.outputs import (
    BatchOutputs,
    PairedOutputs,
    Stale,
    draw_offsets,
    gaps,
    sign_of_reals,
)
from cgan.schedules import ramp
from cgan.types import Head

GAME_NAMES: dict[Head, str] = {"score": "critic", "embedding": "embedding"}
"""Names of the loss on each head, in checkpoints and in metrics.jsonl."""
GRADED = "graded"
"""Name of the regression of distances there."""


def no_table() -> Any:
    """The distances of data that know none.

    Raises:
        ConfigError: always.
    """
    raise config_lib.ConfigError(
        "graded.weight: these data know no distances; must be 0, or their source have a method "
        "class_distances"
    )


def build(config: Experiment, table: Table = no_table) -> Game:
    """Build the loss that a config describes: on the score, on embeddings, or a sum of these.

    Args:
        config: the experiment.
        table: gives the distances of the data's classes, for graded targets.
    """
    objective, embedding = config.objective, config.embedding
    on_score, on_embedding = GAME_NAMES["score"], GAME_NAMES["embedding"]
    games: dict[str, Game] = {}
    banked = None if config.bank.is_off else config.bank.of
    if objective.weight and objective.is_contrastive:
        games[on_score] = _contrastive(
            ScoreComparison(), objective.loss, objective, objective, banked == "samples"
        )
    elif objective.weight:
        games[on_score] = CLASSIC[objective.loss]
    if embedding.weight and embedding.game == "mirrored":
        games[on_embedding] = _contrastive(
            EmbeddingComparison(), embedding.curve, objective, embedding, banked == "embeddings"
        )
    elif embedding.weight:
        games[on_embedding] = _neighbor(embedding, banked == "embeddings")
    graded = config.graded
    if graded.weight:
        games[GRADED] = Graded(table, graded.distance)
    weights: dict[str, Weight] = {
        on_score: objective.weight,
        on_embedding: embedding.weight,
        GRADED: graded.weight,
    }
    if embedding.final_fraction != 1:
        last = embedding.weight * embedding.final_fraction
        weights[on_embedding] = partial(
            ramp, embedding.weight, last, ramp_nimg=config.ramp_end_nimg
        )
    return WeightedSum(games, {name: weights[name] for name in games})


def _neighbor(embedding: config_lib.Embedding, meets_stale: bool) -> NeighborGame:
    """Build the neighbour game."""
    return NeighborGame(
        temperature=embedding.temperature,
        temperature_bounds=embedding.temperature_bounds,
        generator_temperature=embedding.generator_temperature,
        negatives=embedding.negatives,
        halves=embedding.halves,
        coupling=embedding.coupling,
        graded=embedding.graded,
        tolerance=embedding.tolerance,
        meets_stale=meets_stale,
    )


def _contrastive(
    comparison: Comparison,
    curve: str,
    pairs: config_lib.Objective,
    grading: config_lib.Objective | config_lib.Embedding,
    meets_stale: bool,
) -> Contrastive:
    """Build a contrastive loss: `pairs` says which negatives a row meets, `grading` how sharply."""
    return Contrastive(
        comparison,
        CURVES[curve, pairs.normalize],
        temperature=grading.temperature,
        temperature_bounds=grading.temperature_bounds,
        dual=pairs.dual,
        hardness=pairs.hardness,
        top_k=pairs.top_k,
        meets_stale=meets_stale,
    )


__all__ = [
    "BOUNDARY",
    "GAME_NAMES",
    "GRADED",
    "BatchOutputs",
    "Game",
    "Loss",
    "PairedOutputs",
    "Stale",
    "build",
    "draw_offsets",
    "gaps",
    "no_table",
    "sign_of_reals",
]
