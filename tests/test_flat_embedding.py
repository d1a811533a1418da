"""From which radius a flat embedding is stable: against the loss near it, and what a run says."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgan.assemble import assemble
from cgan.config import Augment, Data, Embedding, Experiment, Penalty
from cgan.training.flat_embedding import flat_from, remark

REALS = np.random.default_rng(0).normal(size=(400, 4)) * [2.0, 1.5, 1.0, 0.2]


def experiment(radius: float = 0.0, **embedding: Any) -> Experiment:
    return Experiment(
        workdir=Path("unused"),
        data=Data("ring8"),
        embedding=Embedding(**({"weight": 0.5, "dimensions": 8, "game": "mirrored"} | embedding)),
        augment=Augment(adversarial_radius=radius),
        penalty=Penalty(),
    )


def change_of_loss(config: Experiment, radius: float, map_of_rows: np.ndarray) -> float:
    """The mirrored game's loss near one vector, with `v = A x`, fakes like the reals, no views."""
    embedding = config.embedding
    spread = 2 * np.cov(REALS.T, bias=True)
    won = np.trace(map_of_rows @ spread @ map_of_rows.T)
    won -= radius**2 * np.linalg.norm(map_of_rows, 2) ** 2
    held = (embedding.r1 + embedding.r2) / 2 * np.sum(map_of_rows**2)
    return held - embedding.weight * won / (4 * embedding.temperature)


@pytest.mark.parametrize("penalty", [0.0, 1.0, 8.0])
@pytest.mark.parametrize("dimensions", [8, 3])
def test_below_it_some_map_lowers_the_loss_and_above_it_none_does(
    penalty: float, dimensions: int
) -> None:
    config = experiment(r1=penalty, r2=0.5 * penalty, dimensions=dimensions)
    limit, most = flat_from(config, REALS), dimensions - 1
    values, vectors = np.linalg.eigh(np.cov(REALS.T, bias=True))
    order = np.argsort(-values)
    projections = [vectors[:, order[:k]].T for k in range(1, min(most, 4) + 1)]
    assert min(change_of_loss(config, 0.98 * limit, p) for p in projections) < 0
    assert min(change_of_loss(config, 1.02 * limit, p) for p in projections) > 0
    rng = np.random.default_rng(1)
    for _ in range(200):
        rows = rng.normal(size=(most, 4)) * rng.uniform(0, 1, size=(most, 1)) ** 3
        assert change_of_loss(config, 1.02 * limit, rows) > 0


def test_without_a_penalty_it_is_the_distance_between_two_reals() -> None:
    apart = np.sqrt(((REALS[:, None] - REALS) ** 2).sum(axis=2).mean())
    for game in ("mirrored", "neighbor"):
        assert flat_from(experiment(game=game), REALS) == pytest.approx(apart)
    held = experiment(r1=1.0)
    twice = dataclasses.replace(
        held, embedding=dataclasses.replace(held.embedding, r1=2.0, game="neighbor")
    )
    assert flat_from(twice, REALS) == pytest.approx(flat_from(held, REALS))


def test_a_run_says_so_where_its_radius_is_beyond() -> None:
    """Points of the ring are 2 apart, in units of their spread."""
    said = remark(assemble(experiment(2.1)))
    assert said is not None
    assert said.startswith("augment.adversarial_radius = 2.1: from 1.99 on an embedding that is")
    assert remark(assemble(experiment(1.9))) is None
    assert remark(assemble(experiment(0.0))) is None
    assert remark(assemble(experiment(2.1, weight=0.0, game="neighbor", dimensions=64))) is None
