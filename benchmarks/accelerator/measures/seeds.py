"""Several seeds in one dispatch beside one by one."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import jax
import numpy as np

from benchmarks.accelerator.compiling import side_by_side
from benchmarks.accelerator.part import Facts, Measure
from benchmarks.harness import Timed, compile_step, ratios_of, seconds_in_turns
from benchmarks.seeds import BASELINE, several
from cgan.assemble import assemble
from cgan.config import Experiment
from cgan.multi_seed import SeedTrainer
from configs import CONFIGS

STEPS, ROUNDS = 20, 10


def prepare(rows: Sequence[str], tiny: bool) -> Measure:
    """A row is an experiment and how many seeds take part; all is compiled side by side."""
    steps, rounds = (1, 1) if tiny else (STEPS, ROUNDS)
    names = dict.fromkeys(row.split(", ")[0] for row in rows)
    configs = {name: _config(name, steps, tiny) for name in names}
    makes: dict[str, Callable[[], Timed]] = {
        name: partial(compile_step, config) for name, config in configs.items()
    }
    makes |= {row: partial(_compiled, configs, row) for row in rows}
    made = side_by_side(makes)

    def measure(row: str) -> Iterator[Facts]:
        name, count = row.split(", ")
        forms: dict[str, Timed] = {BASELINE: made[name].result(), row: made[row].result()}
        seconds = seconds_in_turns(forms, rounds)
        yield {
            "ratio": [ratio / int(count) for ratio in ratios_of(seconds, BASELINE)[row]],
            "alone_ms": 1e3 * float(np.median(seconds[BASELINE])) / steps,
        }

    return measure


def _config(name: str, steps: int, tiny: bool) -> Experiment:
    config = dataclasses.replace(CONFIGS[name], steps_per_dispatch=steps)
    return dataclasses.replace(config, batch_size=8) if tiny else config


def _compiled(configs: dict[str, Experiment], row: str) -> Timed:
    """The form of a row after its first dispatch, by which it is compiled."""
    name, count = row.split(", ")
    form = several(SeedTrainer(assemble(configs[name]), jax.local_devices()[0]), int(count))
    jax.block_until_ready(form.dispatch(form.start(), form.batches))
    return form
