"""What few samples cost, and what a pretraining, a prior, views and the neighbour game give back.

Digits, 50 to 1,000 of them, and MNIST's by perceptrons, 100 and 1,000. All arms see as many images:
of one that starts from a pretraining a sixth are that one's, which learns the same few reals.
Figures are of held-out samples; authenticity tells copies of those that were learnt.

Each arm has three trials. They are chosen on other seeds, on another choice of 100 digits, and
against the train split: no held-out sample and no reported run takes part. `mu` is in samples, so
that one has to do for any number of reals.
"""

import dataclasses

from cgan.config import Augment, Experiment
from eval.study.declare import (
    Benchmark,
    Change,
    Curves,
    Figure,
    Point,
    Study,
    Tuning,
    Variant,
    as_it_is,
    change,
    penalties,
)
from eval.study.donor import Donor, pretraining, start_from, start_near
from eval.study.studies.contenders import MODES

SCRATCH, DIFFAUGMENT = "scratch", "DiffAugment"
CONTRASTIVE, JIGSAW, MASKED = "contrastive pretext", "jigsaw pretext", "masked pretext"
PRIOR, GAME = "contrastive pretext + prior", "neighbour game"
BOTH, WITH_DIFFAUGMENT = "contrastive pretext + neighbour game", "neighbour game + DiffAugment"
MASKED_DIFFAUGMENT = "masked pretext + DiffAugment"
SHARE = 1 / 6
"""Share of all images that a pretraining sees: 6,400, after which each task is learnt."""

FRECHET = Figure("frechet_distance", "Frechet distance", "{:.1f}", n=1_000)
FIGURES = (
    FRECHET,
    Figure("coverage_k5_strict", "coverage", n=1_000, more_is_better=True),
    Figure("recall_k3_inclusive", "recall", n=1_000, more_is_better=True),
    Figure("precision_k3_inclusive", "precision", n=1_000, more_is_better=True),
    Figure("authenticity", "authenticity", n=1_000, more_is_better=True, at_the_end=True),
    dataclasses.replace(MODES, n=1_000),
)
"""Figures of 1,000 samples, as many as digits have train ones to stand beside them."""
OF_PAIRS = (FRECHET.key, "coverage_k5_strict@1000", "recall_k3_inclusive@1000")
TUNING = Tuning(seeds=(100, 101), trials=3)


def diffaugment(probability: float) -> Change:
    """DiffAugment (Zhao et al. 2020), each transformation with this probability."""
    views = Augment(policy="diffaugment", probability=probability)
    return lambda config: dataclasses.replace(config, augment=views)


OF_WEIGHTS = penalties(0.2, 1.0, 5.0)
OF_CHANCES = {f"p {chance:g}": diffaugment(chance) for chance in (0.1, 0.3, 0.6)}
VIEWS_AND_GAME = change(augment={"strength": 0.5}, embedding={"weight": 0.1})
OF_GAMES = {
    f"weight {weight:g}": change(embedding={"weight": weight}) for weight in (0.03, 0.1, 0.3)
}
CONTRAST = pretraining(task="contrastive")

VARIANTS = {
    SCRATCH: Variant(as_it_is, OF_WEIGHTS),
    DIFFAUGMENT: Variant(diffaugment(0.3), OF_CHANCES),
    **{
        name: Variant(
            as_it_is, OF_WEIGHTS, donor=Donor(pretraining(task=task), SHARE, start_from())
        )
        for name, task in ((CONTRASTIVE, "contrastive"), (JIGSAW, "jigsaw"), (MASKED, "masked"))
    },
    PRIOR: Variant(
        as_it_is,
        {f"mu {mu:g}": change(prior={"mu": mu}) for mu in (0.1, 1.0, 10.0)},
        donor=Donor(CONTRAST, SHARE, start_near(1.0)),
    ),
    GAME: Variant(VIEWS_AND_GAME, OF_GAMES),
    BOTH: Variant(VIEWS_AND_GAME, OF_GAMES, donor=Donor(CONTRAST, SHARE, start_from())),
    MASKED_DIFFAUGMENT: Variant(
        diffaugment(0.3), OF_CHANCES, donor=Donor(pretraining(task="masked"), SHARE, start_from())
    ),
    WITH_DIFFAUGMENT: Variant(change(diffaugment(0.3), embedding={"weight": 0.1}), OF_GAMES),
}
"""Arms by name."""


def few(n: int, seed: int = 0) -> Change:
    """So many of the digits, chosen by this seed."""
    return change(objective={"loss": "pairwise"}, data={"limit": n, "limit_seed": seed})


def perceptrons(config: Experiment) -> Experiment:
    """MNIST's digits and the smaller pair of `stacked_mnist_mlp`, at its rate and penalties."""
    small = {"architecture": "mlp", "width": 128, "depth": 2, "hidden_units": 0, "patch_size": 1}
    config = change(
        data={"source": "mnist_5k", "name": None},
        generator=small,
        discriminator=small,
        penalty={"r1": 2.5, "r2": 2.5},
        optim={"lr": 1e-3, "ema_halflife_nimg": 8_000},
    )(config)
    return dataclasses.replace(config, batch_size=64, steps_per_dispatch=10)


def as_measured(config: Experiment) -> Experiment:
    """The latents, views and intervals that `mnist` had when its rows were measured."""
    return dataclasses.replace(
        change(generator={"latent_dim": 128}, augment={"strength": 0.0})(config),
        log_nimg=25_600,
        snapshot_nimg=256_000,
        checkpoint_nimg=512_000,
        probe_nimg=25_600,
    )


OF_DIGITS = {f"digits_{n}": n for n in (50, 100, 200, 1_000)}
OF_MNIST = {f"mnist_{n}": n for n in (100, 1_000)}
DIGITS = Benchmark(
    total_nimg=38_400,
    figures=FIGURES,
    experiment="digits",
    held_out=True,
    tuned_on="digits_tuning",
    without=(MASKED_DIFFAUGMENT,),
)
MNIST = Benchmark(
    total_nimg=38_400,
    figures=FIGURES,
    experiment="mnist",
    held_out=True,
    tuned_on="digits_tuning",
    seeds=3,
    without=(JIGSAW, GAME, MASKED_DIFFAUGMENT),
)


def choosing(reported: Benchmark, change: Change) -> Benchmark:
    """A benchmark that only chooses trials, as long as those that are reported."""
    return Benchmark(
        total_nimg=reported.total_nimg,
        figures=(FRECHET,),
        experiment=reported.experiment,
        change=change,
        seeds=0,
    )


def points(benchmark: str, variant: str) -> tuple[Point, ...]:
    """Place of an arm in the picture: its set of digits, and the number of reals."""
    name, _, n = benchmark.partition("_")
    return (Point(f"{name}: number of reals", variant, float(n)),) if n.isdigit() else ()


STUDY = Study(
    summary="50 to 1,000 reals: pretexts, a prior, DiffAugment, the neighbour game",
    variants=VARIANTS,
    benchmarks={
        "digits_tuning": choosing(DIGITS, few(100, seed=1)),
        **{name: dataclasses.replace(DIGITS, change=few(n)) for name, n in OF_DIGITS.items()},
        "digits_100": dataclasses.replace(DIGITS, change=few(100), without=()),
        **{
            name: dataclasses.replace(MNIST, change=change(perceptrons, as_measured, few(n)))
            for name, n in OF_MNIST.items()
        },
    },
    baseline=SCRATCH,
    decides_by=FRECHET.key,
    tuning=TUNING,
    pairs=(
        *((name, SCRATCH) for name in VARIANTS if name != SCRATCH),
        (PRIOR, CONTRASTIVE),
        (BOTH, CONTRASTIVE),
        (BOTH, GAME),
        (WITH_DIFFAUGMENT, GAME),
        (WITH_DIFFAUGMENT, DIFFAUGMENT),
        (MASKED_DIFFAUGMENT, DIFFAUGMENT),
    ),
    pairs_by=OF_PAIRS,
    curves=Curves((*OF_PAIRS, "authenticity@1000"), points),
)
