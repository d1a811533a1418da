"""Mode collapse on Stacked MNIST at 28x28, with a whole and with a starved discriminator."""

from eval.study.declare import Benchmark, Study
from eval.study.studies.contenders import CONTENDERS, NONSATURATING, STACKED

STUDY = Study(
    summary="Stacked MNIST at 28x28, whole and starved, 3 seeds",
    variants=CONTENDERS,
    benchmarks={
        name: Benchmark(total_nimg=640_000, figures=STACKED)
        for name in ("stacked_mnist_starved", "stacked_mnist")
    },
    baseline=NONSATURATING,
    seeds=3,
)
