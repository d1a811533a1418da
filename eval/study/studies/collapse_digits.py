"""Mode collapse on three stacked digits of 8x8 pixels: 1,000 modes, alike and not.

190 runs of 4,000 steps, 120 of them for tuning. One takes 20 to 30 s of an idle core of an AMD
EPYC, and two to three times that of a busy one: 40 minutes on 2 idle cores.
"""

from eval.study.declare import Benchmark, Study, Tuning
from eval.study.studies.contenders import CONTENDERS, NONSATURATING, STACKED_TWICE

STUDY = Study(
    summary="mode collapse on 1,000 modes of 8x8 pixels, alike and not",
    variants=CONTENDERS,
    benchmarks={
        name: Benchmark(total_nimg=256_000, figures=STACKED_TWICE)
        for name in ("stacked_digits", "stacked_digits_imbalanced")
    },
    baseline=NONSATURATING,
    tuning=Tuning(factors=(0.2, 1.0, 5.0, 25.0)),
)
