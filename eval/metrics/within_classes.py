"""Precision and recall within classes: samples asked for a class beside real ones of that class.

Over all classes together a sample of the wrong class is as good as one of the right class, and a
class whose samples are all alike hardly shows. Within a class, precision is the share of its
samples that lie on the manifold of the class's reals, and recall the share of the class's reals
that lie on the manifold of its samples: its variety. The value is the mean over classes, each of
equal weight. No labeller has a say: a sample's class is what it was asked for, a real's is true.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

from eval.metrics.base import (
    Gathered,
    Inputs,
    Metric,
    StandardError,
    Value,
    check_features,
    present,
)
from eval.metrics.by_class import by_class
from eval.metrics.manifolds import Manifolds, between, share_error

ROWS_AT_MOST = 1_000
"""Number of the first rows of a class that are looked at, on each side."""
ROWS_AT_LEAST = 20
"""Fewest rows of a class on each side: three neighbours of fewer tell little."""


@lru_cache(maxsize=1)
def within_classes(samples: Gathered, reference: Gathered, seed: int) -> dict[int, Manifolds]:
    """Which rows lie in whose balls within each class that has enough rows on both sides.

    Args:
        samples: with features, and the class that each was asked for.
        reference: with features, and the class that each is of.
        seed: what draws the halves.

    Raises:
        FeatureError: a row that is not finite, other dimensions.
    """
    check_features(present(samples.features), present(reference.features))
    fakes, reals = _rows_by_class(samples), _rows_by_class(reference)
    return {
        label: between(fakes[label], reals[label], seed)
        for label in sorted(fakes.keys() & reals.keys())
    }


def _rows_by_class(of: Gathered) -> dict[int, Float[np.ndarray, "_ d"]]:
    features = present(of.features)
    classes = present(of.asked)[: len(features)]
    labels, counts = np.unique(classes, return_counts=True)
    enough = labels[counts >= ROWS_AT_LEAST]
    return {int(c): features[np.flatnonzero(classes == c)[:ROWS_AT_MOST]] for c in enough}


def _details(inputs: Inputs, found: dict[int, Manifolds], values: list[float]) -> dict[str, Any]:
    names = present(inputs.source).class_names
    counts = np.array([len(each.precise) for each in found.values()])
    told = by_class(names, np.array([*found]), np.array(values), counts)
    return told | {"classes_left_out": len(names) - len(found)}


def _none() -> Value:
    why = f"no class has {ROWS_AT_LEAST} samples and as many train samples"
    return Value(None, details={"why": why, "by_class": {}, "n_by_class": {}})


def _precision(inputs: Inputs, seed: int) -> Value:
    found = within_classes(inputs.samples, inputs.reference, seed)
    if not found:
        return _none()
    precise = [each.precise for each in found.values()]
    values = [float(each.mean()) for each in precise]
    variance = np.mean([each.var(ddof=1) / len(each) for each in precise]) / len(found)
    error = StandardError(float(np.sqrt(variance)), "stratified_standard_error")
    return _value(inputs, found, values, error)


def _recall(inputs: Inputs, seed: int) -> Value:
    found = within_classes(inputs.samples, inputs.reference, seed)
    if not found:
        return _none()
    shares = np.stack([each.recalled.mean(axis=0) for each in found.values()])
    return _value(inputs, found, shares[:, 0].tolist(), share_error(shares))


def _value(
    inputs: Inputs, found: dict[int, Manifolds], values: list[float], error: StandardError | None
) -> Value:
    n = sum(len(each.precise) for each in found.values())
    reference_n = sum(len(each.recalled) for each in found.values())
    details = _details(inputs, found, values)
    return Value(float(np.mean(values)), error, details, n, reference_n)


PRECISION_WITHIN = Metric(
    name="precision_within_classes_k3_inclusive",
    label="precision within classes (k = 3)",
    needs=frozenset({"features"}),
    measure=_precision,
    text="{:.3f}".format,
)
RECALL_WITHIN = Metric(
    name="recall_within_classes_k3_inclusive",
    label="recall within classes (k = 3)",
    needs=frozenset({"features"}),
    measure=_recall,
    text="{:.3f}".format,
)
