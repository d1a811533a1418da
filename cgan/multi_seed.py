"""Several runs of one experiment that differ in their seed alone, trained without a folder.

The seed is an argument of the compiled step and no constant in it, so that runs of other seeds
compile nothing. Runs may share a dispatch too: their states and batches are stacked, and the step
is mapped over them (`vmap`). Each run's numbers are those of the run alone, up to rounding.
"""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import numpy as np

from cgan import finite, parallel
from cgan.assemble import Parts
from cgan.config import require
from cgan.rng import Seed
from cgan.state import TrainState
from cgan.step import STAGES
from cgan.types import Batch

BATCH_AXIS = 2
"""Axis of the runs in a stacked batch: `[steps, rows, runs, ...]`."""


class Trained(NamedTuple):
    """One run at its end or on its way: its state, or why it failed."""

    seed: int
    state: TrainState
    """Training state, on the host."""
    failure: str | None
    """Words for where numbers stopped being finite; None if they never did."""


class SeedTrainer:
    """Trains runs of one experiment, compiled once for each number of runs at once."""

    def __init__(
        self,
        parts: Parts,
        device: jax.Device,
        start: Callable[[Parts, TrainState], TrainState] | None = None,
    ) -> None:
        """Make a trainer of these parts on one device; the seed in their config is not used.

        Args:
            parts: of the experiment.
            device: to train on.
            start: what changes the states before step 0, as `cgan.training.start.begin` does where
                the config takes weights of other runs; None for states as their seeds have them.
                The config of the parts that it is given has the seed of the state's run.

        Raises:
            ConfigError: the config takes weights of other runs, and nothing is to read them.
        """
        _require_start(parts, start)
        self.parts, self._start = parts, start
        self._devices = [device]
        self.dispatch = parallel.replicated_step(self._of_all, self._devices)
        """Compiled function `(begin(seeds), place(step, seeds))` to the same and an outcome."""

    def train(self, seeds: Sequence[int]) -> list[Trained]:
        """Train one run for each of these seeds, all of them at once, to the end.

        A run whose numbers stop being finite is carried along by the others, and says so.
        """
        (trained,) = self.course(seeds, (self.parts.config.final_nimg,))
        return trained

    def course(self, seeds: Sequence[int], nimgs: Sequence[int]) -> Iterator[list[Trained]]:
        """Train as `train` does, and yield all the runs each time they have seen so many images.

        Training is the same whether it is looked at or not, to the bit. What moves over a run's
        length, as the learning rate does, moves over the length that the config says: a state on
        the way is not the end of a shorter run.

        Args:
            seeds: of the runs.
            nimgs: numbers of images, ascending, rounded up to whole dispatches; training ends with
                the last.

        Raises:
            ConfigError: numbers that do not ascend, or beyond the length that the config says.
        """
        config, carried = self.parts.config, self.begin(seeds)
        _require_ascending(nimgs, config.final_nimg)
        failures: dict[int, str] = {}
        step = 0
        for nimg in nimgs:
            end = -(-nimg // config.nimg_per_dispatch) * config.steps_per_dispatch
            in_flight: deque[tuple[int, Any]] = deque()
            while step < end and len(failures) < len(seeds):
                batches = self.place(step, seeds)  # while the device works on the last dispatch
                carried, outcome = self.dispatch(carried, batches)
                in_flight.append((step, outcome))
                step += config.steps_per_dispatch
                if len(in_flight) > 1:
                    failures = _failed(*in_flight.popleft(), seeds) | failures
            for started, outcome in in_flight:
                failures = _failed(started, outcome, seeds) | failures
            _, states = parallel.fetch(carried)
            trained = [
                Trained(seed, state, failures.get(seed) or _not_finite(state, step))
                for seed, state in zip(seeds, _unstacked(states, len(seeds)), strict=True)
            ]
            failures |= {run.seed: run.failure for run in trained if run.failure is not None}
            yield trained

    def begin(self, seeds: Sequence[int]) -> Any:
        """Place the seeds, with the states before their first steps, on the device."""
        states = [parallel.fetch(self.parts.init_state(seed)) for seed in seeds]
        if self._start is not None:
            states = [
                self._start(self._of_seed(seed), state)
                for seed, state in zip(seeds, states, strict=True)
            ]
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *states)
        return parallel.replicate((np.array(seeds, np.uint32), stacked), self._devices)

    def place(self, step: int, seeds: Sequence[int]) -> Batch:
        """Place the batches of one dispatch of all runs on the device."""
        config = self.parts.config
        number = step // config.steps_per_dispatch
        of_each = [self._of_seed(seed).dispatches()[number] for seed in seeds]
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves, BATCH_AXIS), *of_each)
        return parallel.shard(stacked, self._devices)

    def _of_seed(self, seed: int) -> Parts:
        return self.parts._replace(config=dataclasses.replace(self.parts.config, seed=seed))

    def _of_all(self, carried: Any, batches: Batch) -> tuple[Any, finite.Outcome]:
        seeds, states = carried

        def of_one(
            seed: Seed, state: TrainState, batches: Batch
        ) -> tuple[TrainState, finite.Outcome]:
            return self.parts.train_step(seed, parallel.DEVICES)(state, batches)

        states, outcome = jax.vmap(of_one, in_axes=(0, 0, BATCH_AXIS))(seeds, states, batches)
        return (seeds, states), outcome


def _require_start(parts: Parts, start: object) -> None:
    prior, config = parts.config.prior, parts.config
    for name, root in (
        ("init_from", config.init_from),
        ("prior.pre", prior.pre),
        ("prior.par", prior.par),
    ):
        shown = root if root is None else str(root)
        expected = "None here, or start=cgan.training.start.begin be given"
        require(start is not None or root is None, name, shown, expected)


def _require_ascending(nimgs: Sequence[int], final_nimg: int) -> None:
    ascending = all(before < after for before, after in pairwise((0, *nimgs)))
    fits = ascending and (not nimgs or nimgs[-1] <= final_nimg)
    require(fits, "nimgs", tuple(nimgs), f"ascending numbers from 1 to {final_nimg}")


def _unstacked(tree: Any, runs: int) -> list[Any]:
    return [jax.tree.map(lambda leaf, run=run: leaf[run], tree) for run in range(runs)]


def _failed(step: int, outcome: Any, seeds: Sequence[int]) -> dict[int, str]:
    """Failures in a dispatch by seed: runs with a number that is not finite."""
    failures = {}
    for seed, own in zip(seeds, _unstacked(parallel.fetch(outcome), len(seeds)), strict=True):
        failure = finite.first_failure(own, STAGES)
        if failure is not None:
            failures[seed] = f"step {step + failure[0]}: {failure[1]}"
    return failures


def _not_finite(state: TrainState, step: int) -> str | None:
    """The part of a state after so many steps that is not finite: a bad last update shows there."""
    for name, tree in zip(state._fields, state, strict=True):
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree)):
            return f"{name} is not finite after {step} steps"
    return None
