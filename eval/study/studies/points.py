"""The two-dimensional experiments as `configs/` has them, whole, over seeds.

15 runs of 8,000 steps. One took some 140 s of a core of an AMD EPYC: 20 minutes on 2 idle cores.
"""

from eval.study.declare import Benchmark, Study, Variant, as_it_is
from eval.study.studies.contenders import POINTS

AS_IT_IS = "configs/"

STUDY = Study(
    summary="the two-dimensional experiments as configs/ has them, whole, 5 seeds",
    variants={AS_IT_IS: Variant(as_it_is)},
    benchmarks={
        name: Benchmark(total_nimg=2_048_000, figures=POINTS)
        for name in ("ring8", "grid25", "grid100")
    },
    baseline=AS_IT_IS,
)
