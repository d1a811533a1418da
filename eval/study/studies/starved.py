"""Mode collapse where the discriminator has a quarter of the generator's units.

A small discriminator bears less penalty: the weights tried are lower than elsewhere.
"""

from eval.study.declare import Benchmark, Study, Tuning
from eval.study.studies.contenders import CONTENDERS, NONSATURATING, STACKED

STUDY = Study(
    summary="1,000 modes against a small discriminator, 10 seeds",
    variants=CONTENDERS,
    benchmarks={"stacked_digits_starved": Benchmark(total_nimg=256_000, figures=STACKED)},
    baseline=NONSATURATING,
    seeds=10,
    tuning=Tuning(factors=(0.04, 0.2, 1.0)),
)
