"""What becomes of rare modes where shares are skewed: `python -m benchmarks.rare_modes`.

The shares of `stacked_digits_imbalanced` are drawn without regard to the digits, so that which
digits go together is a table of 1,000 numbers. A generator may know the shares of each channel's
digits alone, or those of each two channels too, and be perfect in all else: the first table says
what such generators score. Of those that have the same shares of two channels it takes the one of
largest entropy, by iterative proportional fitting (Deming & Stephan 1940).

With `--variants` those of the study `neighbours` are trained, with the trials that it chose, and a
second table says how many samples of common and of rare modes they make, over what there should be,
and what share of such reals they recall and cover.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from rich import box
from rich.console import Console
from rich.table import Table

from cgan.assemble import assemble
from cgan.config import positive, require_known
from cgan.data.shares import power_law
from cgan.multi_seed import SeedTrainer
from cgan.sampling.sampler import Sampler
from cgan.system import cli
from cgan.system.arguments import parse
from cgan.training import start
from eval.dataset.protocol import load_evaluation
from eval.metrics.base import present
from eval.metrics.manifolds import manifolds
from eval.metrics.modes import mode_shares
from eval.metrics.reverse_kl import reverse_kl
from eval.study import results
from eval.study.figures import SEED, Panel
from eval.study.plan import choices
from eval.study.studies.neighbours import STUDY

BENCHMARK = "stacked_digits_imbalanced"
RESULTS = Path("docs/results/neighbours.jsonl")
"""File of the study's results, from which the trials are chosen."""
DIGITS, CHANNELS = 10, 3
ROUNDS = 3_000
"""Rounds of fitting, after which shares of two channels are right to eight digits."""
RANKS = ((0, 100), (100, 300), (300, 500), (500, 1_000))
"""Groups of modes by rank, from the commonest on."""
SAMPLES = 10**9
"""Samples as which shares are counted: so many that their own noise does not show."""

Shares = Float[np.ndarray, "digits digits digits"]


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that asks what becomes of rare modes."""

    variants: tuple[str, ...] = ()
    """Variants of the study `neighbours` to train."""
    seeds: int = 5
    """Seeds of each, from 0 on."""

    def __post_init__(self) -> None:
        positive(self, "", "seeds")
        require_known("variants", self.variants, STUDY.variants_of(BENCHMARK))


def fitted(true: Shares, together: int) -> Shares:
    """The shares of largest entropy with the true ones of each so many channels, 1 to 3."""
    found = np.full_like(true, 1 / true.size)
    for _ in range(ROUNDS if together == 2 else 1):
        for kept in itertools.combinations(range(CHANNELS), together):
            others = tuple(set(range(CHANNELS)) - set(kept))
            found *= true.sum(others, keepdims=True) / found.sum(others, keepdims=True)
    return found


def by_rank(shares: Shares, true: Shares) -> list[float]:
    """Shares over true ones of each group of `RANKS`."""
    order = np.argsort(-true.ravel())
    return [
        float(shares.ravel()[order[low:high]].sum() / true.ravel()[order[low:high]].sum())
        for low, high in RANKS
    ]


class Found(NamedTuple):
    """What one trained generator makes of each group of `RANKS`."""

    made: list[float]
    recall: list[float]
    coverage: list[float]


def of_runs(variant: str, trial: str | None, seeds: int) -> Iterator[Found]:
    """Train a variant of the study by each seed, and compare its samples with the train split."""
    config = STUDY.experiment(BENCHMARK, variant, trial)
    evaluation, parts = load_evaluation(config.data), assemble(config)
    trainer, sampler = SeedTrainer(parts, jax.local_devices()[0], start.begin), Sampler(parts)
    panel = Panel(evaluation, STUDY.figures(BENCHMARK, config.total_nimg))
    n = evaluation.protocol.n
    true = mode_shares(evaluation.splits.train)
    rank = np.argsort(np.argsort(-true))
    groups = [(rank >= low) & (rank < high) for low, high in RANKS]
    for seed in range(seeds):
        for (run,) in trainer.course((seed,), (config.total_nimg,)):
            samples = sampler.stream(run.state.generator_ema, panel.n, SEED, "latents/samples")
            inputs = panel.read(samples)[n]
            of_reals = manifolds(inputs.samples, inputs.reference, SEED)
            labels = present(inputs.reference.labels)[: len(of_reals.recalled)]
            counts = present(inputs.samples.counts)[:-1]
            reals = [(labels >= 0) & group[labels] for group in groups]
            yield Found(
                [float(counts[group].sum() / (n * true[group].sum())) for group in groups],
                [float(of_reals.recalled[those, 0].mean()) for those in reals],
                [float(of_reals.covered[those, 0].mean()) for those in reals],
            )


def table_of(first: str) -> Table:
    """A table with a column for each group of `RANKS` beside these."""
    table = Table(box=box.MARKDOWN)
    for heading in (*first.split("; "), *(f"{low + 1} to {high}" for low, high in RANKS)):
        table.add_column(heading)
    return table


def of_what_is_known() -> Table:
    """The reverse Kullback-Leibler divergence of each generator, and what it makes too much of."""
    true = power_law(DIGITS**CHANNELS, 1.0).reshape((DIGITS,) * CHANNELS)
    table = table_of("the generator knows; reverse KL")
    known = {
        "no shares": np.full_like(true, 1 / true.size),
        "those of each channel": fitted(true, 1),
        "those of each two channels": fitted(true, 2),
        "all": true,
    }
    for name, shares in known.items():
        counts = np.rint(shares.ravel() * SAMPLES).astype(np.int64)
        ratios = (f"{ratio:.2f}" for ratio in by_rank(shares, true))
        table.add_row(name, f"{reverse_kl(counts, true.ravel()):.3f}", *ratios)
    return table


def main() -> None:
    """Print both tables, the second one if there are variants to train."""
    arguments = parse(Arguments, prog="python -m benchmarks.rare_modes", description=__doc__)
    console = Console(width=200)
    console.print(of_what_is_known())
    if not arguments.variants:
        return
    chosen = choices(STUDY, results.read(RESULTS))
    table = table_of("variant; modes by rank")
    for variant in arguments.variants:
        choice = chosen.get((BENCHMARK, variant))
        runs = list(of_runs(variant, choice and choice.trial, arguments.seeds))
        for name in Found._fields:
            values = np.array([getattr(run, name) for run in runs])
            spreads = values.std(axis=0, ddof=1) if len(runs) > 1 else np.full(len(RANKS), np.nan)
            told = zip(values.mean(axis=0), spreads, strict=True)
            table.add_row(variant, name, *(f"{mean:.3f} ± {sd:.3f}" for mean, sd in told))
    console.print(table)


if __name__ == "__main__":
    cli.run(main)
