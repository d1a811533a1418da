"""Error bars: how far a value would move if the samples were drawn again.

Half-sampling: the spread of a metric over random halves of the samples estimates its standard error
on all of them, because a half, drawn without replacement, varies around the whole as the whole
varies around the truth (the delete-d jackknife with d = n / 2; Shao & Wu 1989). Rows are never
repeated: a bootstrap's duplicates would collapse the radii of nearest-neighbour metrics.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int, Shaped

from eval.metrics.base import StandardError, UndefinedError

HALVES = 8


def half_samples(
    measure: Callable[[Int[np.ndarray, " half"]], float | None],
    n: int,
    seed: int,
    halves: int = HALVES,
) -> StandardError | None:
    """The standard error of a metric from random halves of its n samples.

    Args:
        measure: the metric on the samples with these (sorted) indices; None, or an
            `UndefinedError`, where it is undefined.
        n: number of samples.
        seed: what draws the halves.
        halves: how many are drawn; the error's own relative error is 1 / sqrt(2 (halves - 1)).

    Returns:
        The error; None for fewer than 4 samples, or where a half leaves the metric undefined.
    """
    if n < 4:
        return None
    rng = np.random.default_rng([seed, n])
    drawn = [np.sort(rng.permutation(n)[: n // 2]) for _ in range(halves)]
    try:
        values = np.array([measure(rows) for rows in drawn], np.float64)
    except UndefinedError:
        return None
    if np.isnan(values).any():
        return None
    return StandardError(float(values.std(ddof=1)), f"half_samples_{halves}")


def of_mean(values: Shaped[np.ndarray, " n"]) -> StandardError | None:
    """The standard error of the mean of independent values; None for fewer than 2."""
    if len(values) < 2:
        return None
    error = float(values.astype(np.float64).std(ddof=1) / np.sqrt(len(values)))
    return StandardError(error, "standard_error_of_mean")
