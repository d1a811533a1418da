"""Mode collapse on three stacked digits of 8x8 pixels: 1,000 modes, alike and not."""

from eval.study.declare import Benchmark, Study
from eval.study.studies.contenders import CONTENDERS, NONSATURATING, STACKED

STUDY = Study(
    summary="mode collapse on 1,000 modes of 8x8 pixels, alike and not",
    variants=CONTENDERS,
    benchmarks={
        name: Benchmark(total_nimg=256_000, figures=STACKED)
        for name in ("stacked_digits", "stacked_digits_imbalanced")
    },
    baseline=NONSATURATING,
)
