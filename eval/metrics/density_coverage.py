"""Density and coverage (Naeem et al. 2020, equations 3 and 4).

Density counts in how many real neighbourhoods a fake lies, over what is expected of a real: it is
not bounded by 1. Coverage is the share of reals whose neighbourhood holds a fake at all: only balls
around reals count, so a far fake can't claim any.
"""

from typing import NamedTuple

from eval.metrics.balls import Ties
from eval.metrics.base import Inputs, Metric, Value
from eval.metrics.distances import Rows
from eval.metrics.errors import of_mean
from eval.metrics.manifolds import DENSITY_K, ROWS_AT_MOST, inside_of, manifolds, share_error


class DensityCoverage(NamedTuple):
    """Density from 0 up, coverage in 0..1; real data scores about 1 in both."""

    density: float
    coverage: float


def density_coverage(
    real: Rows, fake: Rows, k: int = DENSITY_K, ties: Ties = "strict"
) -> DensityCoverage:
    """Density and coverage of features.

    Args:
        real: features, `[n, d]`.
        fake: features, `[m, d]`.
        k: a neighbourhood reaches to the k-th nearest neighbour.
        ties: whether the very radius is inside: strict in `prdc`, the authors' code.

    Raises:
        FeatureError: k or fewer rows, a row that is not finite, dimensions that differ.

    >>> import numpy as np
    >>> real = np.arange(8.0)[:, None]
    >>> density_coverage(real, real[:4] + 0.1, k=1)
    DensityCoverage(density=2.0, coverage=0.625)
    """
    of_fake, in_ball, _ = inside_of(real, fake, k, ties)
    return DensityCoverage(float(of_fake.mean() / k), float(in_ball.mean()))


def _density(inputs: Inputs, seed: int) -> Value:
    n, reference_n = (min(of.n, ROWS_AT_MOST) for of in (inputs.samples, inputs.reference))
    each = manifolds(inputs.samples, inputs.reference, seed).balls / DENSITY_K
    return Value(float(each.mean()), of_mean(each), n=n, reference_n=reference_n)


def _coverage(inputs: Inputs, seed: int) -> Value:
    n, reference_n = (min(of.n, ROWS_AT_MOST) for of in (inputs.samples, inputs.reference))
    covered = manifolds(inputs.samples, inputs.reference, seed).covered
    value = float(covered[:, 0].mean())
    return Value(value, share_error(covered), n=n, reference_n=reference_n)


DENSITY = Metric(
    name="density_k5_strict",
    label="density (k = 5)",
    needs=frozenset({"features"}),
    at_least=DENSITY_K + 1,
    measure=_density,
    text="{:.3f}".format,
)
COVERAGE = Metric(
    name="coverage_k5_strict",
    label="coverage (k = 5)",
    needs=frozenset({"features"}),
    at_least=DENSITY_K + 1,
    measure=_coverage,
    text="{:.3f}".format,
)
