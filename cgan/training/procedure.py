"""What the loop trains: anything with a config, data, a state and a step; a GAN is one."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Int

from cgan.config import Launch, RunConfig, require
from cgan.data import Source, limited, load_held_out, load_source, require_outside
from cgan.data.pipeline import Dispatches
from cgan.finite import Outcome
from cgan.training.outputs import Outputs
from cgan.training.progress import TrainingProgress
from cgan.training.watch import NoWatch, Watch
from cgan.types import Batch

State = Any
"""A pytree of arrays: all that training changes, and nothing else.

Random keys follow from seed and step, so that a run that goes on draws what it would have drawn.
"""
TrainStep = Callable[[State, Batch], tuple[State, Outcome]]
"""Some training steps, to run inside a pmap, from a state and a batch to the next state.

The batch is stored samples `[steps, local rows, ...]` and labels; metrics come out as `[steps]`.
What comes out must not depend on the device: gradients and metrics go through `parallel.mean`, and
what is finite through `parallel.gather`.
"""


class Sources(NamedTuple):
    """Both splits of a data set."""

    train: Source
    held_out: Source


class WatchContext(NamedTuple):
    """What a watch has at hand in the process that writes."""

    launch: Launch
    devices: Sequence[jax.Device]
    outputs: Outputs
    progress: TrainingProgress
    rows: Iterable[Mapping[str, Any]]
    """Rows of metrics, as far as the run has come."""


@runtime_checkable
class Procedure(Protocol):
    """What is trained, how, and what is shown of it. Subclasses leave out what has a default."""

    config: RunConfig
    """Frozen; a run's folder keeps it, and a run goes on with the same one only."""
    sources: Sources
    bar: Mapping[str, str]
    """What the progress bar shows: a few letters for each column of metrics."""
    stages: Sequence[str]
    """What a step computes, in this order: see `cgan/finite.py`."""

    @abstractmethod
    def init_state(self) -> State:
        """The state before step 0."""

    @abstractmethod
    def train_step(self) -> TrainStep:
        """The step, to be compiled for a set of devices."""

    @abstractmethod
    def size(self, state: State) -> str:
        """How large what is trained is, for the line that a run begins with."""

    def abstract_state(self) -> State:
        """Shapes and dtypes of the state, computed without allocating it."""
        return jax.eval_shape(self.init_state)

    def former_name(self, array: str) -> str:
        """The name that an array of the state had in checkpoints of before."""
        return array

    def check_start(self) -> None:
        """Refuse a fresh start from what is not there or does not fit; nothing was written yet.

        Raises:
            ConfigError: such a start.
        """
        return

    def begin(self, state: State) -> State:
        """Change the fresh state, on the host of the first process: a warm start loads into it."""
        return state

    def dispatches(self, rows: Int[np.ndarray, " rows"]) -> Dispatches:
        """The batches of each dispatch, or these rows of them: a function of seed and step."""
        return Dispatches.of_run(self.config, self.sources.train, rows)

    def check(self, launch: Launch) -> None:
        """Refuse a way to start that this procedure can't follow; nothing was written yet.

        Raises:
            ConfigError: such a way.
        """
        expected = f"warn with procedure = {self.config.procedure!r}, which is not probed"
        require(launch.on_collapse == "warn", "on_collapse", launch.on_collapse, expected)

    def remarks(self) -> Sequence[str]:
        """More lines to begin with."""
        return ()

    def snapshot(self, state: State, path: Path, title: str) -> bool:
        """Draw what is to be seen of a state on the devices; returns whether there is anything.

        Args:
            state: after some step, or before the first.
            path: the PNG file to write.
            title: images seen, in words.
        """
        return False

    def watch(self, context: WatchContext | None) -> Watch:
        """Who watches the run; in processes that do not write the context is None."""
        return NoWatch()


def load_sources(config: RunConfig, launch: Launch, source: Source | None = None) -> Sources:
    """Load both splits of the data that a config names, or of a source that was handed in.

    Raises:
        ConfigError: they can't be read, or not by so many workers, or the run's folder is in them.
    """
    launch.check_for(config.data)
    require_outside(config.data, config.workdir)
    data = config.data
    train = load_source(data, "train") if source is None else limited(source, data)
    return Sources(train, load_held_out(data, train))  # found damaged now, and not later
