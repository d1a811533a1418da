"""The mean of repeated measurements, and how far it may be off."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def mean_and_error(
    values: Sequence[float] | Float[np.ndarray, " n"],
) -> tuple[float, float | None]:
    """The mean, and its standard error where there are two or more."""
    of = np.asarray(values, np.float64)
    if len(of) < 2:
        return float(of.mean()), None
    return float(of.mean()), float(of.std(ddof=1) / len(of) ** 0.5)
