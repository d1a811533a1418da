"""Studies small enough to reckon with by hand, or to run in a second; and rows of results."""

import dataclasses

from eval.study.declare import Benchmark, Figure, Study, Tuning, Variant, change, penalties
from eval.study.results import NOISE, PERFECT, REAL

KL = Figure("reverse_kl_nats", "reverse KL", "{:.2f}")
MODES = Figure("modes_captured_at_1", "modes", "{:.1f}", more_is_better=True)
TOY = Study(
    summary="two variants, one tuned",
    variants={
        "plain": Variant(change(objective={"loss": "nonsaturating"})),
        "tuned": Variant(change(objective={"loss": "pairwise"}), penalties(0.5, 2.0)),
    },
    benchmarks={"ring8": Benchmark(total_nimg=64, figures=(MODES, KL))},
    baseline="plain",
    seeds=3,
    tuning=Tuning(seeds=(100, 101)),
)

TINY = change(
    generator={"width": 8, "depth": 1, "fourier_features": 0},
    discriminator={"width": 8, "depth": 1, "fourier_features": 0},
)


def small(config):
    """A tenth of a second of training."""
    return dataclasses.replace(TINY(config), batch_size=8, steps_per_dispatch=8)


PLAIN = {"objective": {"loss": "nonsaturating"}, "penalty": {"r1": 0.0, "r2": 0.0}}
"""The loss that compiles fastest."""

STUDY = dataclasses.replace(
    TOY,
    variants={
        "plain": Variant(change(small, **PLAIN)),
        "other": Variant(change(small, objective={"loss": "pairwise"})),
    },
    seeds=2,
)


def at_budgets(study, **benchmark):
    """The study measured at 32 and 64 images, in dispatches of 16; and other fields."""

    def short(config):
        return dataclasses.replace(config, batch_size=8, steps_per_dispatch=2)

    declared = study.benchmarks["ring8"]
    declared = dataclasses.replace(declared, change=short, budgets=(32,), **benchmark)
    return dataclasses.replace(study, benchmarks={"ring8": declared})


def find_study():
    """The study, for processes that run its jobs."""
    return STUDY


def row(variant, seed, kl=None, modes=8.0, trial=None, nimg=64, **more):
    """A run's row; one without a KL has failed."""
    task = {"benchmark": "ring8", "variant": variant, "trial": trial, "seed": seed, "nimg": nimg}
    task |= {"total_nimg": 64}
    if kl is None:
        return task | {"failed": "step 3: a number is not finite"}
    return task | {"modes_captured_at_1": modes, "reverse_kl_nats": kl} | more


def tuning(half=(0.3, 0.1), twice=(0.5, 0.4)):
    """The rows that choose the penalty: by default half of it, at the lower edge."""
    return [
        *(row("tuned", seed, kl, trial="0.5") for seed, kl in zip((100, 101), half, strict=True)),
        *(row("tuned", seed, kl, trial="2") for seed, kl in zip((100, 101), twice, strict=True)),
    ]


def bare():
    """The rows of the baselines."""
    named = {"benchmark": "ring8", "trial": None, "seed": None, "nimg": None}
    both = {"modes_captured_at_1": 8.0, "reverse_kl_nats": 0.0013}
    spread = {"spread": {"modes_captured_at_1": 0.0, "reverse_kl_nats": 0.011}}
    return [
        named | {"variant": REAL, "source": "ring8", "labeller_accuracy": None} | both,
        named | {"variant": PERFECT} | spread | both,
        named | {"variant": NOISE, "modes_captured_at_1": 7.0, "reverse_kl_nats": 4.4},
    ]


def whole():
    """All rows of the toy study: differences of -0.1, -0.2 and -0.3 in the KL."""
    plain = [row("plain", seed, 0.4) for seed in range(3)]
    tuned = [row("tuned", seed, 0.3 - 0.1 * seed, trial="0.5") for seed in range(3)]
    return [*bare(), *tuning(), *plain, *tuned]
