"""Mode collapse on Stacked MNIST at 28x28, with a whole and a starved discriminator: for a GPU.

132 runs with the convolutional networks of `configs/`. Not tried on a GPU yet. On a core of an AMD
EPYC that others shared, a step of the starved pair took 6 s: hours a run, so not on two cores.
"""

from eval.study.declare import Benchmark, Study, penalties
from eval.study.studies.contenders import NONSATURATING, STACKED_TWICE, contenders

STUDY = Study(
    summary="Stacked MNIST at 28x28, whole and starved, 3 seeds: for a GPU",
    variants=contenders(penalties(0.2, 1.0, 5.0)),
    benchmarks={
        name: Benchmark(total_nimg=640_000, figures=STACKED_TWICE)
        for name in ("stacked_mnist_starved", "stacked_mnist")
    },
    baseline=NONSATURATING,
    seeds=3,
)
