"""Runs of small perceptrons on disk, for others to start from or to be pulled to."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cgan.assemble import Parts, assemble
from cgan.config import Data, Discriminator, Experiment, Generator
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.state import TrainState
from cgan.training import start

BATCH = 8
NIMG = 4 * BATCH
"""Images that a saved run has seen."""


def small(source: str, **settings: Any) -> Experiment:
    """An experiment on this data that compiles in a second."""
    discriminator = {"width": 4, "depth": 2} | settings.pop("discriminator", {})
    return Experiment(
        workdir=Path("replaced"),
        data=Data(source),
        generator=Generator(latent_dim=3, width=4, depth=2),
        discriminator=Discriminator(**discriminator),
        batch_size=BATCH,
        probe_nimg=0,
        **settings,
    )


def saved(root: Path, config: Experiment, by: float = 0.05) -> TrainState:
    """A run with one checkpoint, all of whose arrays are unlike those of any start.

    Args:
        root: the folder to make.
        config: of the run, but for its folder.
        by: how far its arrays are moved, so that runs differ.
    """
    config = dataclasses.replace(config, workdir=root)
    state = assemble(config).init_state()
    state = jax.tree.map(lambda leaf: np.asarray(leaf * 1.25 + by).astype(leaf.dtype), state)
    state = state._replace(
        step=np.int32(NIMG // BATCH),
        generator_ema=jax.tree.map(lambda leaf: leaf + 0.1, state.generator),
    )
    workdir = Workdir(root)
    workdir.create(config)
    with Checkpoints(workdir.checkpoints) as checkpoints:
        checkpoints.save(NIMG, state)
    return state


def begun(config: Experiment) -> tuple[Parts, TrainState, TrainState]:
    """The parts, the state before step 0, and as it is without another run."""
    parts = assemble(config)
    fresh = jax.device_get(parts.init_state())
    return parts, start.begin(parts, fresh), fresh


def assert_same(found: Any, expected: Any) -> None:
    """Assert that two trees have one structure, and the same arrays to the bit."""
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, found, expected)
