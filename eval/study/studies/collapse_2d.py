"""Mode collapse on points: rings and grids, with equal and unequal modes."""

from eval.study.declare import Benchmark, Study
from eval.study.studies.contenders import CONTENDERS, NONSATURATING, POINTS

STUDY = Study(
    summary="mode collapse on points, modes alike and not",
    variants=CONTENDERS,
    benchmarks={
        name: Benchmark(total_nimg=512_000, figures=POINTS)
        for name in ("grid25", "grid25_imbalanced", "ring8")
    },
    baseline=NONSATURATING,
)
