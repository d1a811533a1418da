"""What micro-batches save and cost: `python -m benchmarks.memory`.

Temporary memory is what XLA plans for the compiled step beside its arguments and results (its own
memory analysis), nearly all of it activations. The error is of the gradients of both players
against those of the batch in one part, before the optimiser.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
import tyro
from jax.flatten_util import ravel_pytree
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Prepared, compile_parts, compile_step, quartiles, ratios
from cgan.assemble import Parts, assemble
from cgan.config import require, require_known
from cgan.system import cli
from configs import CONFIGS


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that compares the step in one part with that in micro-batches."""

    source: str = "digits"
    """Experiment whose networks are used."""
    batch_size: int = 512
    """Images in a batch, of one step."""
    micro_batches: tuple[int, ...] = (1, 2, 4, 8, 16)
    """Numbers of parts; the first is the baseline of the ratios."""
    rounds: int = 5
    """Rounds in which each is timed once."""

    def __post_init__(self) -> None:
        require_known("source", (self.source,), CONFIGS)
        require(len(self.micro_batches) > 0, "micro_batches", self.micro_batches, "one or more")


def _keep_gradients(parts: Parts) -> Parts:
    """An optimiser that records the gradient and moves nothing."""

    def update(gradients: Any, kept: Any, params: Any) -> tuple[Any, Any]:
        return jax.tree.map(jnp.zeros_like, gradients), gradients

    zeros = optax.GradientTransformation(lambda p: jax.tree.map(jnp.zeros_like, p), update)
    return parts._replace(optimizer=zeros)


def _gradients(compiled: Prepared) -> jax.Array:
    state, _ = compiled.dispatch(compiled.start(), compiled.batches)
    return ravel_pytree((state.discriminator_optim, state.generator_optim))[0]


def main() -> None:
    """Compile each number of parts, read its memory, compare gradients, time all in turns."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.memory", description=__doc__)
    base = dataclasses.replace(
        CONFIGS[arguments.source], batch_size=arguments.batch_size, steps_per_dispatch=1
    )
    steps, errors, first = {}, {}, None
    for parts in arguments.micro_batches:
        config = dataclasses.replace(base, micro_batches=parts)
        gradients = _gradients(compile_parts(_keep_gradients(assemble(config))))
        first = gradients if first is None else first
        errors[str(parts)] = float(jnp.linalg.norm(gradients - first) / jnp.linalg.norm(first))
        steps[str(parts)] = compile_step(config)
    baseline = str(arguments.micro_batches[0])
    times = ratios(steps, baseline, arguments.rounds)
    table = Table(
        "micro-batches", "temporary memory, MiB", "ratio", "step time", "gradient error",
        box=box.MARKDOWN,
    )  # fmt: skip
    memory = {
        name: compiled.dispatch.memory_analysis().temp_size_in_bytes / 2**20
        for name, compiled in steps.items()
    }
    for name in steps:
        share = memory[name] / memory[baseline]
        error = f"{errors[name]:.1e}"
        table.add_row(name, f"{memory[name]:.1f}", f"{share:.3f}", quartiles(times[name]), error)
    console = Console(width=120)
    console.print(f"{arguments.source}, {arguments.batch_size} images a step", highlight=False)
    console.print(table)


if __name__ == "__main__":
    cli.run(main)
