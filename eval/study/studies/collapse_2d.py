"""Mode collapse on points: rings and grids, with equal and unequal modes.

240 runs of 2,000 steps, 135 of them for tuning. One took 55 to 60 s of a core of an AMD EPYC that
others shared, and 25 s of an idle one: 50 minutes on 2 idle cores, two hours on busy ones.
"""

from eval.study.declare import Benchmark, Study, penalties
from eval.study.studies.contenders import NONSATURATING, POINTS, contenders

STUDY = Study(
    summary="mode collapse on points, modes alike and not",
    variants=contenders(penalties(0.2, 1.0, 5.0)),
    benchmarks={
        name: Benchmark(total_nimg=512_000, figures=POINTS)
        for name in ("grid25", "grid25_imbalanced", "ring8")
    },
    baseline=NONSATURATING,
)
