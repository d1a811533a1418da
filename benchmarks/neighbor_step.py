"""What the neighbour game costs beside relativistic pairing: `python -m benchmarks.neighbor_step`.

A training step's time, the memory that the compiled step takes beside its arguments, and its
products and convolutions, each as a ratio to pairing (`objective.fakes_per_real = 1`) with exact R1
and R2. The game stands beside the score's softmax over the batch, since densities need the batch,
or alone: without a score, and so without a penalty. All columns of a pair take turns in one run.
"""

import dataclasses
from dataclasses import dataclass

import jax
from rich.table import Table

from benchmarks.flops import step_flops
from benchmarks.harness import (
    Prepared,
    add_rows,
    compile_parts,
    print_tables,
    processor_clock,
    quartiles,
    ratios,
)
from benchmarks.noise import Noise
from cgan.assemble import assemble_on
from cgan.config import (
    Augment,
    Data,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
    Objective,
    Penalty,
    positive,
    require_known,
)
from cgan.system import cli
from cgan.system.arguments import parse
from configs.images import images_experiment

SHAPE = (32, 32, 3)
PLAYERS: dict[str, tuple[Generator, Discriminator]] = {
    "mlp": (Generator("mlp", width=128), Discriminator("mlp", width=128)),
    "conv": (Generator("conv", width=8), Discriminator("conv", width=8)),
    "sngan": (
        Generator("sngan", width=8, max_width=32, group_size=8),
        Discriminator("sngan", width=8, max_width=32),
    ),
    "r3gan": (
        Generator("r3gan", width=8, max_width=32, depth=1, group_size=8),
        Discriminator("r3gan", width=8, max_width=32, depth=1, group_size=8),
    ),
}
"""Narrow pairs of networks for images of `SHAPE`."""
PAIRING = "pairing"
GAME = Embedding(weight=0.1, dimensions=64, graded=True)


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that compares steps of the neighbour game with those of pairing."""

    pairs: tuple[str, ...] = tuple(PLAYERS)
    """Pairs of networks."""
    strength: float = 0.3
    """Strength of the views."""
    batch: int = 32
    """Images in the batch."""
    rounds: int = 15
    """Rounds in which each step takes its turn once."""

    def __post_init__(self) -> None:
        positive(self, "", "strength", "batch", "rounds")
        require_known("pairs", self.pairs, PLAYERS)


def columns(base: Experiment, strength: float) -> dict[str, Experiment]:
    """Pairing, and the game in several forms, on one experiment's networks and batch."""
    seen = dataclasses.replace(base, augment=Augment(strength))
    pairing = Objective(fakes_per_real=1)
    ungraded = dataclasses.replace(GAME, graded=False)
    return {
        PAIRING: dataclasses.replace(base, objective=pairing),
        "pairing, views": dataclasses.replace(seen, objective=pairing),
        "game": dataclasses.replace(seen, embedding=GAME),
        "game, not graded": dataclasses.replace(seen, embedding=ungraded),
        "game, no views": dataclasses.replace(base, embedding=GAME),
        "game alone": dataclasses.replace(
            seen, embedding=GAME, objective=Objective(weight=0.0), penalty=Penalty(r1=0.0, r2=0.0)
        ),
    }


def experiment(pair: str, batch: int) -> Experiment:
    """An experiment with a pair of these networks, without views and without an embedding."""
    generator, discriminator = PLAYERS[pair]
    return dataclasses.replace(
        images_experiment("neighbor_step", Data(), SHAPE[0]),
        generator=generator,
        discriminator=discriminator,
        batch_size=batch,
        steps_per_dispatch=1,
    )


def memory(compiled: Prepared) -> int:
    """Bytes of activations and of results that the compiled step allots, as XLA plans them."""
    analysis = compiled.dispatch.memory_analysis()
    return int(analysis.temp_size_in_bytes + analysis.output_size_in_bytes)


def main() -> None:
    """Compile every column of each pair, time them in turns, print a table of each ratio."""
    arguments = parse(Arguments, prog="python -m benchmarks.neighbor_step", description=__doc__)
    tables: dict[str, Table] = {}
    for pair in arguments.pairs:
        configs = columns(experiment(pair, arguments.batch), arguments.strength)
        source = Noise(SHAPE)
        steps = {
            name: compile_parts(assemble_on(config, source)) for name, config in configs.items()
        }
        times = ratios(steps, PAIRING, arguments.rounds, processor_clock())
        counts = {name: (memory(step), step_flops(step)) for name, step in steps.items()}
        cells = {
            "step time": {name: quartiles(values) for name, values in times.items()},
            "memory": {name: f"{of / counts[PAIRING][0]:.3f}" for name, (of, _) in counts.items()},
            "products": {
                name: f"{of / counts[PAIRING][1]:.3f}" for name, (_, of) in counts.items()
            },
        }
        add_rows(tables, pair, cells)
        jax.clear_caches()
    print_tables(
        f"{jax.devices()[0].device_kind}, jax {jax.__version__}, batch {arguments.batch}: ratios "
        f"to {PAIRING} with R1 and R2",
        tables,
    )


if __name__ == "__main__":
    cli.run(main)
