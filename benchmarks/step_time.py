"""What each loss and penalty costs: step time as a ratio to relativistic pairing, paired.

`python -m benchmarks.step_time`. The baseline is pairing written by hand, `softplus(f - r)` on the
pairs of a row, in the same step with the same networks; all variants take turns in every round.
"""

import dataclasses
from dataclasses import dataclass

import jax
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import compile_parts, compile_step, quartiles, ratios
from cgan.assemble import assemble
from cgan.config import require_known
from cgan.objectives.classic import NONSATURATING
from cgan.objectives.outputs import BatchOutputs
from cgan.system import cli
from cgan.types import Params, PerSample, present
from configs import CONFIGS
from eval.study.studies.ablation import GROUPS, STUDY, softmax

BASELINE = "pairing by hand"


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that times a training step of each variant, paired."""

    sources: tuple[str, ...] = (*STUDY.benchmarks, "digits")
    """Experiments whose networks and batch are used."""
    groups: tuple[str, ...] = ("losses",)
    """Groups of variants to time."""
    variants: tuple[str, ...] = ()
    """Variants to time; none given means all."""
    rounds: int = 40
    """Rounds in which each variant is timed once."""
    steps: int = 20
    """Steps in one timing."""

    def __post_init__(self) -> None:
        require_known("sources", self.sources, CONFIGS)
        require_known("groups", self.groups, GROUPS)
        known = [name for group in self.groups for name in GROUPS[group]]
        require_known("variants", self.variants, known)


class Pairing:
    """Relativistic pairing as a loss: the least that a contrastive step can do."""

    init = staticmethod(NONSATURATING.init)
    project = staticmethod(NONSATURATING.project)
    readings = staticmethod(NONSATURATING.readings)

    def discriminator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The discriminator's loss of each pair: `softplus(-(r_i - f_i))`."""
        real, fake = present(batch.local.real.score), present(batch.local.fake.score)
        return {"pair": jax.nn.softplus(fake - real)}

    def generator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The generator's loss of each pair: `softplus(r_i - f_i)`."""
        real, fake = present(batch.local.real.score), present(batch.local.fake.score)
        return {"pair": jax.nn.softplus(real - fake)}


def main() -> None:
    """Compile every variant, time all in turns, print."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.step_time", description=__doc__)
    table = Table("variant", *arguments.sources, box=box.MARKDOWN)
    columns = []
    for source in arguments.sources:
        config = dataclasses.replace(softmax(CONFIGS[source]), steps_per_dispatch=arguments.steps)
        steps = {BASELINE: compile_parts(assemble(config)._replace(game=Pairing()))}
        for group in arguments.groups:
            for name, change in GROUPS[group].items():
                if not arguments.variants or name in arguments.variants:
                    steps[name] = compile_step(change(config))
        columns.append(ratios(steps, BASELINE, arguments.rounds))
    for name in columns[0]:
        table.add_row(name, *(quartiles(column[name]) for column in columns))
    console = Console(width=160)
    console.print(f"step time as a ratio to {BASELINE}: median (quartiles)", highlight=False)
    console.print(table)


if __name__ == "__main__":
    cli.run(main)
