"""Mode collapse where the discriminator has a quarter of the generator's units.

A small discriminator bears less penalty: the weights tried are lower than elsewhere. 130 runs of
4,000 steps, 60 of them for tuning. One took 60 to 70 s of a core of an AMD EPYC that others shared,
and takes less than half on an idle one: half an hour on 2 idle cores, 65 minutes on busy ones.
"""

from eval.study.declare import Benchmark, Study, Tuning
from eval.study.studies.contenders import CONTENDERS, NONSATURATING, STACKED_TWICE

STUDY = Study(
    summary="1,000 modes against a small discriminator, 10 seeds",
    variants=CONTENDERS,
    benchmarks={"stacked_digits_starved": Benchmark(total_nimg=256_000, figures=STACKED_TWICE)},
    baseline=NONSATURATING,
    seeds=10,
    tuning=Tuning(factors=(0.04, 0.2, 1.0, 5.0)),
)
