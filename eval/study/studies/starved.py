"""Mode collapse where the discriminator has a quarter of the generator's units.

Weights of penalties are tried over a wider range than elsewhere: trials pointed either way. 175
runs of 4,000 steps, 105 of them for tuning. One takes 18 s of an idle core of an AMD EPYC, and 60
to 70 s of a busy one: half an hour on 2 idle cores.
"""

from eval.study.declare import Benchmark, Study, penalties
from eval.study.studies.contenders import NONSATURATING, STACKED_TWICE, contenders

STUDY = Study(
    summary="1,000 modes against a small discriminator, 10 seeds",
    variants=contenders(penalties(0.04, 0.2, 1.0, 5.0, 25.0, 125.0, 625.0)),
    benchmarks={"stacked_digits_starved": Benchmark(total_nimg=256_000, figures=STACKED_TWICE)},
    baseline=NONSATURATING,
    seeds=10,
)
