"""Whether several seeds in one dispatch are faster than one by one: `python -m benchmarks.seeds`.

Time of a step and seed as a ratio to the plain step's, all taking turns. The answer differs by
backend and network: `AT_ONCE` of `eval/study/runs.py` holds what was found.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Timed, compile_step, quartiles, ratios
from cgan.assemble import assemble
from cgan.config import require_known
from cgan.multi_seed import SeedTrainer
from cgan.system import cli
from cgan.system.arguments import parse
from configs import CONFIGS

BASELINE = "one by one"


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that times several seeds in one dispatch."""

    sources: tuple[str, ...] = ("grid25", "stacked_digits")
    """Experiments whose networks and batches are used."""
    seeds: tuple[int, ...] = (1, 2, 5)
    """Numbers of seeds that are trained at once."""
    rounds: int = 20
    """Rounds in which each number of seeds is timed once."""
    steps: int = 20
    """Steps in one timing."""

    def __post_init__(self) -> None:
        require_known("sources", self.sources, CONFIGS)


class Several(NamedTuple):
    """A compiled dispatch that trains several seeds at once."""

    trainer: SeedTrainer
    seeds: range
    batches: Any

    @property
    def dispatch(self) -> Any:
        """Run one dispatch of all the seeds."""
        return self.trainer.dispatch

    def start(self) -> Any:
        """States of all the seeds before their first step."""
        return self.trainer.begin(self.seeds)


def several(trainer: SeedTrainer, count: int) -> Several:
    """The trainer's step of so many seeds at once, with the batches of its first dispatch."""
    return Several(trainer, range(count), trainer.place(0, range(count)))


def main() -> None:
    """Compile for each number of seeds, time in turns, print."""
    arguments = parse(Arguments, prog="python -m benchmarks.seeds", description=__doc__)
    table = Table("seeds at once", *arguments.sources, box=box.MARKDOWN)
    columns = []
    for source in arguments.sources:
        config = replace(CONFIGS[source], steps_per_dispatch=arguments.steps)
        trainer = SeedTrainer(assemble(config), jax.local_devices()[0])
        timed: dict[str, Timed] = {BASELINE: compile_step(config)}
        timed |= {str(count): several(trainer, count) for count in arguments.seeds}
        found = ratios(timed, BASELINE, arguments.rounds)
        columns.append({count: [r / count for r in found[str(count)]] for count in arguments.seeds})
    for count in arguments.seeds:
        table.add_row(str(count), *(quartiles(column[count]) for column in columns))
    title = f"time of a step and seed as a ratio to {BASELINE}: median (quartiles)"
    console = Console(width=120)
    console.print(title, highlight=False)
    console.print(table)


if __name__ == "__main__":
    cli.run(main)
