"""Mode collapse on Stacked MNIST at 28x28, with a whole and a starved discriminator: for days.

132 runs with the convolutional networks of `configs/`, by losses on the score alone. Not tried on a
GPU yet. A run of the whole pair takes half an hour of a core, all of them about 60 hours.
"""

from eval.study.declare import Benchmark, Study, penalties
from eval.study.studies.contenders import NONSATURATING, SCORE_ALONE, STACKED_TWICE, contenders

STUDY = Study(
    summary="Stacked MNIST at 28x28, whole and starved, 3 seeds",
    variants=contenders(penalties(0.2, 1.0, 5.0)),
    benchmarks={
        name: Benchmark(total_nimg=640_000, figures=STACKED_TWICE, change=SCORE_ALONE)
        for name in ("stacked_mnist_starved", "stacked_mnist")
    },
    baseline=NONSATURATING,
    seeds=3,
)
