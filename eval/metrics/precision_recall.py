"""Precision and recall of manifolds (Kynkaanniemi et al. 2019, equations 1 and 2).

Precision is the share of fakes that lie on the manifold of the reals: quality. Recall is the share
of reals that lie on the manifold of the fakes: variety. Recall rises when modes are only
imbalanced, and one far sample makes a large ball, so coverage stands beside it.
"""

from typing import NamedTuple

from eval.metrics.balls import Ties
from eval.metrics.base import Inputs, Metric, Value
from eval.metrics.distances import Rows
from eval.metrics.errors import of_mean
from eval.metrics.manifolds import (
    DENSITY_K,
    PRECISION_K,
    ROWS_AT_MOST,
    Manifolds,
    inside_of,
    manifolds,
    share_error,
)


class PrecisionRecall(NamedTuple):
    """Precision and recall, both in 0..1, higher is better."""

    precision: float
    recall: float


def precision_recall(
    real: Rows, fake: Rows, k: int = PRECISION_K, ties: Ties = "inclusive"
) -> PrecisionRecall:
    """Precision and recall of features.

    Args:
        real: features, `[n, d]`.
        fake: features, `[m, d]`.
        k: a ball reaches to the k-th nearest neighbour.
        ties: whether the very radius is inside: inclusive in the paper, strict in `prdc`.

    Raises:
        FeatureError: k or fewer rows, a row that is not finite, dimensions that differ.

    >>> import numpy as np
    >>> real = np.arange(8.0)[:, None]
    >>> precision_recall(real, real[:4], k=1)
    PrecisionRecall(precision=1.0, recall=0.625)
    """
    of_fake, _, of_real = inside_of(real, fake, k, ties)
    return PrecisionRecall(float((of_fake > 0).mean()), float(of_real.mean()))


def _shared(inputs: Inputs, seed: int) -> tuple[Manifolds, int, int]:
    n, reference_n = (min(of.n, ROWS_AT_MOST) for of in (inputs.samples, inputs.reference))
    return manifolds(inputs.samples, inputs.reference, seed), n, reference_n


def _precision(inputs: Inputs, seed: int) -> Value:
    found, n, reference_n = _shared(inputs, seed)
    error = of_mean(found.precise)
    return Value(float(found.precise.mean()), error, n=n, reference_n=reference_n)


def _recall(inputs: Inputs, seed: int) -> Value:
    found, n, reference_n = _shared(inputs, seed)
    value = float(found.recalled[:, 0].mean())
    return Value(value, share_error(found.recalled), n=n, reference_n=reference_n)


PRECISION = Metric(
    name="precision_k3_inclusive",
    label="precision (k = 3)",
    needs=frozenset({"features"}),
    at_least=DENSITY_K + 1,
    measure=_precision,
    text="{:.3f}".format,
)
RECALL = Metric(
    name="recall_k3_inclusive",
    label="recall (k = 3)",
    needs=frozenset({"features"}),
    at_least=DENSITY_K + 1,
    measure=_recall,
    text="{:.3f}".format,
)
