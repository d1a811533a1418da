"""Estimators of squared gradient norms against the exact value: `python -m benchmarks.penalties`.

For a discriminator before training and after some of it, on the same samples: each estimator's
relative bias (the mean over samples and draws against the exact mean, with its standard error) and
the relative standard deviation of one draw for one sample. The step's time is a ratio to that
without penalties, all taking turns. What an estimator does to mode coverage is measured by the
group `penalties` of the study `ablation`.
"""

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from jaxtyping import Array, Float
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Prepared, compile_step, quartiles, ratios
from cgan.config import Experiment, Penalty, require_known
from cgan.objectives import penalties
from cgan.rng import row_keys, stream_key
from cgan.state import TrainState
from cgan.system import cli
from cgan.types import DiscriminatorOutput, Factors, Samples, present
from configs import CONFIGS
from eval.study.studies.ablation import STUDY

VARIANTS = {
    "none": Penalty(r1=0.0, r2=0.0),
    "exact": Penalty(),
    "hutchinson": Penalty(estimator="hutchinson"),
    **{
        f"finite differences, {step:g}": Penalty(
            estimator="finite_differences", finite_difference=step
        )
        for step in (1e-2, 1e-3, 1e-4)
    },
}


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that compares the estimators of gradient penalties."""

    sources: tuple[str, ...] = tuple(STUDY.benchmarks)
    """Experiments whose discriminators are used."""
    train_steps: int = 1000
    """Steps before the second look, on the same 20 batches over and over."""
    draws: int = 200
    """Random directions for each sample."""
    rounds: int = 20
    """Rounds in which each step is timed once."""

    def __post_init__(self) -> None:
        require_known("sources", self.sources, CONFIGS)


class Quality(NamedTuple):
    """Errors of an estimator: relative bias with its standard error, and spread of one draw."""

    bias: float
    bias_error: float
    spread: float

    def __str__(self) -> str:
        return f"{self.bias:+.4f} +- {self.bias_error:.4f}, {self.spread:.2f}"


def estimates(
    compiled: Prepared, state: TrainState, penalty: Penalty, draws: int
) -> Float[Array, "draws n"]:
    """Squared gradient norms of the score at a batch of reals, draw by draw."""
    parts, estimator = compiled.parts, penalties.build(penalty)
    reals = parts.source.encode(compiled.batches.x[0, 0])

    def discriminate(samples: Samples, factors: Factors | None = None) -> DiscriminatorOutput:
        players = state.discriminator, state.discriminator_stats
        return parts.networks.discriminate(*players, samples, factors=factors)

    def draw(number: Array) -> Array:
        keys = row_keys(stream_key(0, "benchmark", number), jnp.arange(len(reals)))
        return present(estimator(discriminate, reals, keys, ("score",))[1].score)

    return jax.jit(lambda: jax.lax.map(draw, jnp.arange(draws)))()


def quality(found: Float[np.ndarray, "draws n"], exact: Float[np.ndarray, " n"]) -> Quality:
    """Errors of the estimates `[draws, n]`, relative to the exact values `[n]`."""
    means = found.mean(axis=1) / exact.mean()
    spread = np.sqrt(np.mean((found - found.mean(axis=0)) ** 2, axis=0)) / exact
    error = means.std(ddof=1) / np.sqrt(len(means))
    return Quality(float(means.mean() - 1), float(error), float(np.median(spread)))


def weighted(config: Experiment, penalty: Penalty) -> Experiment:
    """The experiment with another estimator at the weights that it has, or without penalties."""
    r1, r2 = config.penalty.r1, config.penalty.r2
    if penalty.r1:
        penalty = dataclasses.replace(penalty, r1=r1, r2=r2)
    return dataclasses.replace(config, penalty=penalty)


def main() -> None:
    """Train a little, estimate the penalties, time all variants in turns, print."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.penalties", description=__doc__)
    console = Console(width=160)
    for source in arguments.sources:
        config = dataclasses.replace(CONFIGS[source], steps_per_dispatch=20)
        steps = {
            name: compile_step(weighted(config, penalty)) for name, penalty in VARIANTS.items()
        }
        compiled = steps["exact"]
        start, trained = compiled.start(), compiled.start()
        for _ in range(arguments.train_steps // config.steps_per_dispatch):
            trained, _ = compiled.dispatch(trained, compiled.batches)
        times = ratios(steps, "none", arguments.rounds)
        table = Table(
            "estimator",
            "step time",
            "before training: bias, spread of a draw",
            f"after {arguments.train_steps} steps on a few batches",
            box=box.MARKDOWN,
        )
        table.add_row("none", quartiles(times["none"]))
        exact = [
            np.asarray(estimates(compiled, state, VARIANTS["exact"], 1))[0]
            for state in (start, trained)
        ]
        for name in [name for name in VARIANTS if name != "none"]:
            cells = [
                str(quality(np.asarray(found), truth))
                for found, truth in zip(
                    (
                        estimates(compiled, state, VARIANTS[name], arguments.draws)
                        for state in (start, trained)
                    ),
                    exact,
                    strict=True,
                )
            ]
            table.add_row(name, quartiles(times[name]), *cells)
        console.print(f"{source}, {config.batch_size} real samples", highlight=False)
        console.print(table)


if __name__ == "__main__":
    cli.run(main)
