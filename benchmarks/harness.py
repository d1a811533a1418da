"""Tools that the benchmarks share: compiled steps, and timings of several of them side by side."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from cgan import parallel
from cgan.assemble import Parts, assemble
from cgan.config import Experiment
from cgan.state import TrainState


class Timed(Protocol):
    """What can be timed in turns: a compiled dispatch, its batches, and a state to start from."""

    @property
    def dispatch(self) -> Any:
        """The compiled function from state and batches to the next state and metrics."""

    @property
    def batches(self) -> Any:
        """Batches of one dispatch, on the devices."""

    def start(self) -> Any:
        """Make a fresh state; the dispatch donates what it is given."""


class Prepared(NamedTuple):
    """One experiment's step, compiled for some devices, with a batch to feed it."""

    parts: Parts
    dispatch: Any
    batches: Any
    devices: Sequence[jax.Device]

    def start(self) -> TrainState:
        """Make a fresh state; the step donates what it is given."""
        return parallel.replicate(self.parts.init_state(), self.devices)


class Form(NamedTuple):
    """One compiled form of a computation, timed in turns without a state of its own."""

    dispatch: Any
    batches: Any
    start_from: Any
    """First argument of each dispatch, which does not donate it."""

    def start(self) -> Any:
        """The first argument of each dispatch, the same always."""
        return self.start_from


def compile_step(config: Experiment) -> Prepared:
    """Compile `steps_per_dispatch` steps of an experiment ahead of time, for one device."""
    return compile_parts(assemble(config))


def compile_parts(parts: Parts, devices: Sequence[jax.Device] | None = None) -> Prepared:
    """Compile the step of these assembled parts, for one device or for these devices."""
    devices = devices or jax.local_devices()[:1]
    host = parts.dispatches()[0]
    batches = parallel.shard(host, devices)
    step = parallel.replicated_step(parts.train_step(axis=parallel.DEVICES), devices)
    state = parallel.replicate(parts.init_state(), devices)
    return Prepared(parts, step.compile(state, batches), batches, devices)


def seconds_in_turns(
    steps: Mapping[str, Timed], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of one dispatch of each, round by round.

    Machines are shared and their speed drifts: in each round all take their turn, in a random
    order. A first round, which warms caches, is not kept.

    Args:
        steps: what is timed, by name.
        rounds: rounds whose seconds are kept.
        clock: seconds; `time.process_time` for the processor's, where other work shares a CPU.
    """
    states = {name: compiled.start() for name, compiled in steps.items()}
    found: dict[str, list[float]] = {name: [] for name in steps}
    order = list(steps)
    shuffle = random.Random(0).shuffle
    for number in range(rounds + 1):
        shuffle(order)
        for name in order:
            start = clock()
            states[name], metrics = steps[name].dispatch(states[name], steps[name].batches)
            jax.block_until_ready(metrics)
            if number:
                found[name].append(clock() - start)
    return found


def ratios(
    steps: Mapping[str, Timed],
    baseline: str,
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Times of one dispatch as ratios to the baseline's within each round of `seconds_in_turns`."""
    return ratios_of(seconds_in_turns(steps, rounds, clock), baseline)


def ratios_of(seconds: Mapping[str, Sequence[float]], baseline: str) -> dict[str, list[float]]:
    """Seconds of each round as ratios to the baseline's in that round."""
    return {
        name: [own / of for own, of in zip(values, seconds[baseline], strict=True)]
        for name, values in seconds.items()
    }


def planned_bytes(compiled: Prepared) -> int:
    """Bytes that the compiled step allots, as XLA plans them: batch and state included."""
    analysis = compiled.dispatch.memory_analysis()
    return int(analysis.temp_size_in_bytes + analysis.argument_size_in_bytes)


def quartiles(values: list[float]) -> str:
    """The median in words, with the quartiles beside it."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def add_rows(tables: dict[str, Table], name: str, cells: Mapping[str, Mapping[str, str]]) -> None:
    """Add a row of this name to the table of each kind of cell, which are made as they come.

    Args:
        tables: by kind.
        name: of the row.
        cells: by kind and column; the first column, to which ratios are taken, is left out.
    """
    for kind, row in cells.items():
        table = tables.setdefault(kind, Table(kind, *list(row)[1:], box=box.MARKDOWN))
        table.add_row(name, *list(row.values())[1:])


def print_tables(told: str, tables: Mapping[str, Table]) -> None:
    """Print tables under a line that says what they are of."""
    console = Console(width=200)
    console.print(told, highlight=False)
    for table in tables.values():
        console.print(table)


def processor_clock() -> Callable[[], float]:
    """Processor time, which other work on a shared machine changes less; devices have none."""
    return time.process_time if jax.default_backend() == "cpu" else time.perf_counter
