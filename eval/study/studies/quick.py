"""A study of a minute or two: two losses on ring8, far too short to conclude anything from."""

from eval.study.declare import Benchmark, Study, Tuning, penalties
from eval.study.studies.contenders import NONSATURATING, POINTS, contenders

STUDY = Study(
    summary="a minute or two, to see how a study works: two losses on ring8",
    variants={
        name: of
        for name, of in contenders(penalties(0.2, 1.0)).items()
        if name in (NONSATURATING, "hinge + spectral norm")
    },
    benchmarks={"ring8": Benchmark(total_nimg=51_200, figures=POINTS)},
    baseline=NONSATURATING,
    seeds=2,
    tuning=Tuning(seeds=(100,)),
)
