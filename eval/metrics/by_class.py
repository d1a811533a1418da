"""Figures told class by class, as the details of a record."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

NAMED_AT_MOST = 1_000
"""Most classes that a record tells: those with the lowest values."""


def by_class(
    names: Sequence[str],
    classes: Int[np.ndarray, " told"],
    values: Float[np.ndarray, " told"],
    counts: Int[np.ndarray, " told"],
) -> dict[str, Any]:
    """Details of a record: values as `by_class` and samples as `n_by_class`, the worst class first.

    Args:
        names: of all classes.
        classes: those that have a value.
        values: of these classes; higher is better.
        counts: samples of these classes that the values are of.
    """
    worst = np.argsort(values, kind="stable")[:NAMED_AT_MOST]
    return {
        "by_class": {names[classes[at]]: round(float(values[at]), 4) for at in worst},
        "n_by_class": {names[classes[at]]: int(counts[at]) for at in worst},
    }
