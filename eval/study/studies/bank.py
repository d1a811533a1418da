"""Whether a memory bank helps a small batch, at equal steps.

`stacked_digits_starved` with a batch of 16 in place of 64, the neighbour game beside pairwise with
its defaults (`docs/neighbours.md`), and a bank of 8 batches: of embeddings, as further negatives of
the instance contrast, or of fakes, of which each step scores 16 anew. The losses on the score alone
are there too, with and without a replay. Nothing is tuned. 50 runs of 8,000 steps.
"""

import dataclasses

from cgan.config import Bank, BankOf, Experiment
from eval.study.declare import Benchmark, Change, Study, Variant, change
from eval.study.studies.contenders import STACKED
from eval.study.studies.neighbours import GAME, views

BATCH, BATCHES = 16, 8
NO_BANK = "neighbour game"


def small_batch(config: Experiment) -> Experiment:
    """The experiment with a batch of 16."""
    return dataclasses.replace(config, batch_size=BATCH)


def bank_of(kind: BankOf) -> Change:
    """A bank of 8 batches."""
    return lambda config: dataclasses.replace(config, bank=Bank(BATCHES * BATCH, kind))


score = change(views, objective={"loss": "pairwise"})
game = change(score, embedding=GAME)

STUDY = Study(
    summary="a memory bank of 8 batches of 16, of embeddings or of fakes, against none",
    variants={
        NO_BANK: Variant(game),
        "neighbour game, embeddings": Variant(change(game, bank_of("embeddings"))),
        "neighbour game, samples": Variant(change(game, bank_of("samples"))),
        "pairwise": Variant(score),
        "pairwise, samples": Variant(change(score, bank_of("samples"))),
    },
    benchmarks={
        "stacked_digits_starved": Benchmark(total_nimg=128_000, change=small_batch, figures=STACKED)
    },
    baseline=NO_BANK,
    seeds=10,
)
