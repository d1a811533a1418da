"""An evaluation's neighbours against the number of samples and of features.

Precision, recall, density, coverage, authenticity and the birthday paradox with their error bars,
as a table has them, of random features; each size in a process of its own, the second call.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.growth.point import Curve, Point
from benchmarks.neighbours import Arguments, time_apart


def measured(size: int, n: int, dimensions: int, rounds: int) -> Point:
    """The median of some second calls, and the memory beyond libraries and features."""
    arguments = Arguments(n=n, dimensions=dimensions)
    found = [time_apart("all of the table", arguments, seed) for seed in range(rounds)]
    mib = max(one["peak"] - one["before"] for one in found)
    return Point(size, float(np.median([one["seconds"][1] for one in found])), mib)


def against_samples(sizes: Sequence[int], rounds: int) -> Iterator[Point]:
    """Points for these numbers of samples, of 64 features."""
    for size in sizes:
        yield measured(size, size, 64, rounds)


def against_features(sizes: Sequence[int], rounds: int) -> Iterator[Point]:
    """Points for these numbers of features, of 5,000 samples."""
    for size in sizes:
        yield measured(size, 5_000, size, rounds)


CURVES = (
    Curve(
        "samples",
        "samples of either set",
        "the figures of neighbours with error bars, 64 features",
        (1_000, 2_000, 5_000, 10_000, 20_000, 50_000),
        against_samples,
    ),
    Curve(
        "features",
        "features of a sample",
        "the same of 5,000 samples",
        (64, 128, 256, 512, 1_024, 2_048),
        against_features,
    ),
)
"""Curves of an evaluation."""
