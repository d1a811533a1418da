"""How the processes of a run come to end after the same dispatch: by a vote that the step takes.

Each hands in its wish with its batches, and the highest of all comes back with the metrics.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

import jax
import numpy as np

from cgan import parallel
from cgan.assemble import Parts
from cgan.config import Launch
from cgan.state import TrainState

Step = Callable[[TrainState, Any], tuple[TrainState, Any]]


class Wish(IntEnum):
    """What a process wants of the run."""

    GO_ON = 0
    SAVE_AND_END = 1
    END = 2


def place_wishes(devices: Sequence[jax.Device]) -> dict[Wish, jax.Array]:
    """Each wish as the step takes it."""
    mine = len(parallel.own(devices))
    return {wish: parallel.shard(np.full((1, mine), int(wish), np.int32), devices) for wish in Wish}


def compile_step(parts: Parts, devices: Sequence[jax.Device], launch: Launch) -> Step:
    """The step as the loop calls it: `(state, (batches, wish)) -> (state, (outcome, wish))`."""
    train_step = parts.train_step()

    def voting(state: TrainState, inputs: Any) -> tuple[TrainState, Any]:
        batches, wish = inputs
        state, outcome = train_step(state, batches)
        return state, (outcome, parallel.highest(wish))

    compiler = parallel.checked_step if launch.debug_nans else parallel.replicated_step
    return compiler(voting, devices)
