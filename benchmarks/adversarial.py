"""What attacks within a step cost beside R1 and R2: `python -m benchmarks.adversarial`.

Processor time of a training step as a ratio to that without penalties or attacks, all taking turns
in every round; medians and quartiles. A step of attack is a forward and a backward pass of the
discriminator on reals and fakes; exact R1 and R2 are another backward pass, and one through it.
"""

import dataclasses
import time
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import compile_step, quartiles, ratios
from cgan.config import Augment, Experiment, Penalty, positive, require_known
from cgan.system import cli
from cgan.system.arguments import parse
from configs import CONFIGS

NOTHING = "nothing"


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that times attacks within a training step."""

    sources: tuple[str, ...] = ("grid25", "digits", "stacked_digits_starved")
    """Experiments whose networks and batch are used."""
    radius: float = 0.1
    """Radius of the attacks, which does not matter to their time."""
    rounds: int = 25
    """Rounds in which each step takes its turn once."""
    steps: int = 10
    """Training steps in one timing."""

    def __post_init__(self) -> None:
        positive(self, "", "radius", "rounds", "steps")
        require_known("sources", self.sources, CONFIGS)


def variants(base: Experiment, radius: float) -> dict[str, Experiment]:
    """The experiment without what holds its discriminator down, and with each of that."""
    bare = dataclasses.replace(base, penalty=Penalty(r1=0.0, r2=0.0))

    def attacked(config: Experiment, steps: int) -> Experiment:
        augment = Augment(adversarial_radius=radius, adversarial_steps=steps)
        return dataclasses.replace(config, augment=augment)

    return {
        NOTHING: bare,
        "R1 and R2": base,
        **{f"attacks, steps: {steps}": attacked(bare, steps) for steps in (1, 2, 3)},
        "both, steps: 1": attacked(base, 1),
    }


def main() -> None:
    """Compile every variant, time all in turns, print."""
    arguments = parse(Arguments, prog="python -m benchmarks.adversarial", description=__doc__)
    table = Table("variant", *arguments.sources, box=box.MARKDOWN)
    columns = []
    for source in arguments.sources:
        base = dataclasses.replace(CONFIGS[source], steps_per_dispatch=arguments.steps)
        compiled = {
            name: compile_step(config) for name, config in variants(base, arguments.radius).items()
        }
        columns.append(ratios(compiled, NOTHING, arguments.rounds, time.process_time))
    for name in columns[0]:
        table.add_row(name, *(quartiles(column[name]) for column in columns))
    console = Console(width=160)
    console.print(f"step time as a ratio to {NOTHING}: median (quartiles)", highlight=False)
    console.print(table)


if __name__ == "__main__":
    cli.run(main)
