"""Stacked MNIST at 28x28 where there is no GPU: multilayer perceptrons in place of convolutions.

72 runs of 3,000 steps. A step takes 36 ms of an idle core of an AMD EPYC (20 starved), so count on
one hour on 2 idle cores and on two or three on busy ones; the classifier is trained first, once.
Less is done than elsewhere: one seed for tuning, and 26,000 samples alone.
"""

from dataclasses import replace

from cgan.config import Discriminator, Experiment, Generator, Optim
from eval.study.declare import Benchmark, Study, Tuning
from eval.study.studies.contenders import CONTENDERS, NONSATURATING, STACKED


def perceptrons(config: Experiment) -> Experiment:
    """The networks and settings of `stacked_digits` on the larger images; starved stays starved."""
    width = 256 * config.discriminator.width // config.generator.width
    return replace(
        config,
        generator=Generator(width=256),
        discriminator=Discriminator(width=width),
        optim=Optim(lr=1e-3, ema_halflife_nimg=44_000),
        batch_size=64,
        steps_per_dispatch=20,
    )


STUDY = Study(
    summary="Stacked MNIST at 28x28 by multilayer perceptrons, whole and starved, 3 seeds",
    variants=CONTENDERS,
    benchmarks={
        name: Benchmark(total_nimg=192_000, figures=STACKED, change=perceptrons)
        for name in ("stacked_mnist_starved", "stacked_mnist")
    },
    baseline=NONSATURATING,
    seeds=3,
    tuning=Tuning(factors=(0.2, 5.0, 125.0), seeds=(100,)),
)
