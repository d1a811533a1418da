"""Stacked MNIST at 28x28 by multilayer perceptrons, in place of convolutions.

62 runs of 2,000 steps. Training takes 36 ms a step of an idle core of an AMD EPYC (20 starved), and
reading 26,000 samples 50 s, so count on one hour on 2 idle cores; the classifier is trained first.
Less is done than elsewhere: two weights and one seed for tuning, and 26,000 samples alone.
"""

from dataclasses import replace

from cgan.config import Experiment, Penalty
from configs import stacked_mnist_mlp
from eval.study.declare import Benchmark, Study, Tuning, penalties
from eval.study.studies.contenders import NONSATURATING, SCORE_ALONE, STACKED, contenders


def perceptrons(config: Experiment) -> Experiment:
    """The experiment with the networks of `stacked_mnist_mlp`; starved stays starved.

    Penalties and intervals are those that the experiments had when rows were measured.
    The learning rate did best of 1e-3, 3e-4 and 1e-4: reverse KL 1.05, 0.74 and 3.6 on
    `stacked_mnist` with softmax and R1 = R2 = 2.5, after 192,000 images, seed 0.
    """
    whole = stacked_mnist_mlp.CONFIG
    width = whole.discriminator.width * config.discriminator.width // config.generator.width
    return replace(
        SCORE_ALONE(config),
        generator=whole.generator,
        discriminator=replace(whole.discriminator, width=width),
        penalty=Penalty(r1=0.5, r2=0.5),
        optim=replace(whole.optim, ema_halflife_nimg=44_000),
        batch_size=whole.batch_size,
        steps_per_dispatch=whole.steps_per_dispatch,
        log_nimg=25_600,
        snapshot_nimg=256_000,
        checkpoint_nimg=512_000,
    )


STUDY = Study(
    summary="Stacked MNIST at 28x28 by multilayer perceptrons, whole and starved, 3 seeds",
    variants=contenders(penalties(2.0, 20.0)),
    benchmarks={
        name: Benchmark(total_nimg=128_000, figures=STACKED, change=perceptrons)
        for name in ("stacked_mnist", "stacked_mnist_starved")
    },
    baseline=NONSATURATING,
    seeds=3,
    tuning=Tuning(seeds=(100,)),
)
