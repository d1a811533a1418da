"""Mode collapse on three stacked digits of 8x8 pixels: 1,000 modes, alike and not.

160 runs of 4,000 steps, 90 of them for tuning. One takes 50 s of a core of an AMD EPYC, so count
on an hour and a quarter on 2 cores. Weights above the experiment's own were tried first: 5 and 25
times as large they did worse.
"""

from eval.study.declare import Benchmark, Study, penalties
from eval.study.studies.contenders import NONSATURATING, STACKED_TWICE, contenders

STUDY = Study(
    summary="mode collapse on 1,000 modes of 8x8 pixels, alike and not",
    variants=contenders(penalties(0.04, 0.2, 1.0)),
    benchmarks={
        name: Benchmark(total_nimg=256_000, figures=STACKED_TWICE)
        for name in ("stacked_digits", "stacked_digits_imbalanced")
    },
    baseline=NONSATURATING,
)
