"""What a memory bank costs beside the same step without one: `python -m benchmarks.bank`.

A training step's time, the memory that the compiled step takes beside its arguments, the bytes of
the bank itself, and the step's products and convolutions. The step is that of the neighbour game
beside the score's softmax, with exact R1 and R2 and views; the bank holds embeddings, or fakes of
which a batch is scored anew. All columns of a pair of networks take turns in one run.
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
from benchmarks.neighbor_step import GAME, PLAYERS, SHAPE, experiment, memory
from benchmarks.noise import Noise
from cgan.assemble import assemble_on
from cgan.config import Augment, Bank, BankOf, Experiment, positive, require_known
from cgan.system import cli
from cgan.system.arguments import parse

NONE = "no bank"
KINDS: tuple[BankOf, ...] = ("embeddings", "samples")


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that compares steps with a memory bank with those without one."""

    pairs: tuple[str, ...] = tuple(PLAYERS)
    """Pairs of networks."""
    batches: int = 16
    """Batches that the bank holds."""
    batch: int = 32
    """Images in a batch."""
    strength: float = 0.3
    """Strength of the views."""
    rounds: int = 15
    """Rounds in which each step takes its turn once."""

    def __post_init__(self) -> None:
        positive(self, "", "batches", "batch", "strength", "rounds")
        require_known("pairs", self.pairs, PLAYERS)


def columns(base: Experiment, slots: int) -> dict[str, Experiment]:
    """The step without a bank, once more as a measure of the noise, and with either kind."""
    return {
        NONE: base,
        "no bank, again": base,
        **{kind: dataclasses.replace(base, bank=Bank(slots, kind)) for kind in KINDS},
    }


def bank_bytes(compiled: Prepared) -> int:
    """Bytes of the bank in the training state, on each device."""
    bank = compiled.parts.abstract_state().bank
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(bank))


def main() -> None:
    """Compile every column of each pair, time them in turns, print a table of each ratio."""
    arguments = parse(Arguments, prog="python -m benchmarks.bank", description=__doc__)
    slots = arguments.batches * arguments.batch
    source = Noise(SHAPE)
    tables: dict[str, Table] = {}
    for pair in arguments.pairs:
        base = dataclasses.replace(
            experiment(pair, arguments.batch), augment=Augment(arguments.strength), embedding=GAME
        )
        configs = columns(base, slots)
        steps = {n: compile_parts(assemble_on(config, source)) for n, config in configs.items()}
        times = ratios(steps, NONE, arguments.rounds, processor_clock())
        planned, products = memory(steps[NONE]), step_flops(steps[NONE])
        cells = {
            "step time": {name: quartiles(values) for name, values in times.items()},
            "memory": {n: f"{memory(step) / planned:.3f}" for n, step in steps.items()},
            "products": {n: f"{step_flops(step) / products:.3f}" for n, step in steps.items()},
            "KiB of the bank": {n: f"{bank_bytes(step) / 1024:,.0f}" for n, step in steps.items()},
        }
        add_rows(tables, pair, cells)
        jax.clear_caches()
    print_tables(
        f"{jax.devices()[0].device_kind}, jax {jax.__version__}, batch {arguments.batch}, a bank "
        f"of {arguments.batches} batches: ratios to {NONE}",
        tables,
    )


if __name__ == "__main__":
    cli.run(main)
