"""Mode collapse on three stacked digits of 8x8 pixels: 1,000 modes, alike and not.

160 runs of 4,000 steps, 90 of them for tuning. One took 60 to 75 s of a core of an AMD EPYC that
others shared, a quarter of it to read 100,000 samples, and 25 to 30 s of an idle one: 40 minutes on
2 idle cores, an hour and a half on busy ones.
"""

from eval.study.declare import Benchmark, Study
from eval.study.studies.contenders import CONTENDERS, NONSATURATING, STACKED_TWICE

STUDY = Study(
    summary="mode collapse on 1,000 modes of 8x8 pixels, alike and not",
    variants=CONTENDERS,
    benchmarks={
        name: Benchmark(total_nimg=256_000, figures=STACKED_TWICE)
        for name in ("stacked_digits", "stacked_digits_imbalanced")
    },
    baseline=NONSATURATING,
)
