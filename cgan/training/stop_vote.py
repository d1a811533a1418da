"""Votes by which the processes of a run come to end after the same dispatch.

Each hands in its wish with its batches, and the highest of all comes back with the metrics. Votes
are acted on at a lag that is the same on all processes, however early one of them reads them.
"""

from collections import deque
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

import jax
import numpy as np

from cgan import parallel
from cgan.config import Launch
from cgan.training.procedure import Procedure, State

Step = Callable[[State, Any], tuple[State, Any]]


class Wish(IntEnum):
    """A process's wish for the run."""

    GO_ON = 0
    SAVE_AND_END = 1
    END = 2


class Votes:
    """Votes that came back, in the order of their dispatches.

    A process that saves or draws has waited for all that was in flight, and knows more votes than
    the others do. So each counts a fixed number of dispatches after its own, when all know it.
    """

    def __init__(self, lag: int) -> None:
        """Begin before the first dispatch.

        Args:
            lag: how many dispatches may be in flight: the vote of any one before them is known.
        """
        self._waiting = deque([Wish.GO_ON] * lag)

    def add(self, wish: Wish) -> None:
        """Take in the vote of the next dispatch."""
        self._waiting.append(wish)

    def due(self) -> Wish:
        """The vote that counts now; asked once before each dispatch."""
        return self._waiting.popleft()


def place_wishes(devices: Sequence[jax.Device]) -> dict[Wish, jax.Array]:
    """Place each wish on the devices, as the step takes it."""
    mine = len(parallel.own(devices))
    return {wish: parallel.shard(np.full((1, mine), int(wish), np.int32), devices) for wish in Wish}


def compile_step(procedure: Procedure, devices: Sequence[jax.Device], launch: Launch) -> Step:
    """Compile the loop's step: `(state, (batches, wish)) -> (state, (outcome, wish))`."""
    train_step = procedure.train_step()

    def voting(state: State, inputs: Any) -> tuple[State, Any]:
        batches, wish = inputs
        state, outcome = train_step(state, batches)
        return state, (outcome, parallel.highest(wish))

    compiler = parallel.checked_step if launch.debug_nans else parallel.replicated_step
    return compiler(voting, devices)
