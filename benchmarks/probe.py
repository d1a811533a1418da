"""What a probe for mode collapse costs, as a share of training: `python -m benchmarks.probe`.

A dispatch and a look at its state are timed in turns, and only ratios within a round are kept.
"""

import dataclasses
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Prepared, compile_parts, compile_step, quartiles
from benchmarks.input import SIDE, archive
from cgan.assemble import assemble_on
from cgan.config import Data, Experiment, positive, require_known
from cgan.data import load_source
from cgan.probe import Probe, Splits, fixed_splits
from cgan.probe.reals import fixed_reals
from cgan.system import cli
from configs import CONFIGS
from configs.images import images_experiment

IMAGES = 2_000
"""Number of random images that the convolutional pair is timed on."""
STEPS_AT_MOST = 10
"""Most steps in a dispatch, which is timed against one look of the probe."""
CONVOLUTIONAL = f"conv {SIDE}x{SIDE}"


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that times the probe beside the step that it follows."""

    sources: tuple[str, ...] = ("digits", "stacked_digits", "grid25", "ring8", CONVOLUTIONAL)
    """Experiments, or the small convolutional pair on random images."""
    rounds: int = 20
    """Rounds in which a dispatch and a look are timed once."""

    def __post_init__(self) -> None:
        require_known("sources", self.sources, (*CONFIGS, CONVOLUTIONAL))
        positive(self, "", "rounds")


class Timing(NamedTuple):
    """Seconds that the parts of one round take."""

    dispatch: float
    """Seconds of a dispatch without a look."""
    look: float
    """Seconds of a look alone, until its figures are there."""
    handed: float
    """Seconds until the look is handed to the device: all that an asynchronous device waits for."""


def convolutional(folder: Path) -> tuple[Prepared, Splits]:
    """The step of the presets' convolutional pair, and random reals to probe it with."""
    os.environ["CGAN_CACHE"] = str(folder)
    source = load_source(Data("folder", path=archive(folder / "images.zip", IMAGES)), "train")
    config = images_experiment("probe", Data("digits"), SIDE)
    config = dataclasses.replace(config, batch_size=64, steps_per_dispatch=1)
    step = compile_parts(assemble_on(config, source))
    reals = fixed_reals(source, config)
    return step, Splits(reals, reals)


def experiment(source: str, folder: Path) -> tuple[Prepared, Splits]:
    """The step of an experiment of `configs/`, and the reals to probe it with."""
    if source == CONVOLUTIONAL:
        return convolutional(folder)
    config = CONFIGS[source]
    steps = min(config.steps_per_dispatch, STEPS_AT_MOST)
    step = compile_step(dataclasses.replace(config, steps_per_dispatch=steps))
    reals = fixed_splits(step.parts)
    assert reals is not None
    return step, reals


def timings(step: Prepared, reals: Splits, rounds: int) -> tuple[list[Timing], float]:
    """Timings of each round, and the seconds until the probe's second look, with compilation."""
    state, _ = jax.block_until_ready(step.dispatch(step.start(), step.batches))
    start = time.perf_counter()
    probe = Probe(step.parts, reals, jax.local_devices()[:1])
    jax.block_until_ready(probe.look(state))
    starting = time.perf_counter() - start
    found = []
    for _ in range(rounds):
        times = [time.perf_counter()]
        state, _ = jax.block_until_ready(step.dispatch(state, step.batches))
        times.append(time.perf_counter())
        look = probe.look(state)
        times.append(time.perf_counter())
        probe.figures(jax.device_get(look))
        times.append(time.perf_counter())
        found.append(Timing(times[1] - times[0], times[3] - times[1], times[2] - times[1]))
    return found, starting


def shares(found: list[Timing], config: Experiment) -> list[float]:
    """A look's time in percent of the training between two looks, for one interval."""
    dispatches = config.probe_nimg / config.nimg_per_dispatch
    return [100 * t.look / (dispatches * t.dispatch) for t in found]


def main() -> None:
    """Time the probe of each source, and print a table."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.probe", description=__doc__)
    names = ("images/s", "look, ms", "of it handing over, ms", "look, in images trained")
    more = ("probe_nimg", "share of training, %", "start, s")
    table = Table("experiment", *names, *more, box=box.MARKDOWN)
    for source in arguments.sources:
        with tempfile.TemporaryDirectory() as folder:
            step, reals = experiment(source, Path(folder))
            found, start = timings(step, reals, arguments.rounds)
        config = step.parts.config
        rate = np.median([config.nimg_per_dispatch / t.dispatch for t in found])
        images = [config.nimg_per_dispatch * t.look / t.dispatch for t in found]
        table.add_row(
            source,
            f"{rate:,.0f}",
            f"{1e3 * np.median([t.look for t in found]):.1f}",
            f"{1e3 * np.median([t.handed for t in found]):.1f}",
            f"{np.median(images):.0f}",
            f"{config.probe_nimg:,}",
            quartiles(shares(found, config)),
            f"{start:.1f}",
        )
        jax.clear_caches()
    console = Console(width=160)
    console.print("medians; of the share, quartiles beside it", highlight=False)
    console.print(table)


if __name__ == "__main__":
    cli.run(main)
