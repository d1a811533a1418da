"""Means over seeds, and differences between two variants taken seed by seed.

Runs of one seed share their start, their batches and their latents, so their difference says more
than that of two means. Each difference is tested by Student's paired t-test. The p-values of one
table are adjusted for their number by Holm's step-down method (Holm 1979), which keeps the chance
of any false finding in the table below the level.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

ROUNDING = 1e-9
"""Relative spread of differences below which they count as equal."""


class Spread(NamedTuple):
    """Mean and standard deviation (ddof = 1) over seeds."""

    mean: float
    sd: float | None
    """Standard deviation; None for a single value."""


class Paired(NamedTuple):
    """Mean difference of two variants over the seeds that both ended, with its test."""

    pairs: int
    mean: float
    error: float
    """Standard error of the mean difference."""
    p: float
    """Two-sided p-value; 1 where all differences are 0, and 0 where they are one other number."""


def spread(values: Sequence[float]) -> Spread | None:
    """Mean and standard deviation of values; None without any."""
    if not values:
        return None
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Spread(float(np.mean(values)), sd)


def paired(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Paired | None:
    """Difference of two variants, ours minus theirs, by seed; None for fewer than two seeds.

    Args:
        ours: a figure by seed.
        theirs: the same of the variant that it is compared with.
    """
    seeds = sorted(ours.keys() & theirs.keys())
    if len(seeds) < 2:
        return None
    differences = np.array([ours[seed] - theirs[seed] for seed in seeds])
    mean, error = float(differences.mean()), float(stats.sem(differences))
    if error <= ROUNDING * abs(mean):
        return Paired(len(seeds), mean, error, 1.0 if mean == 0 else 0.0)
    p = float(stats.ttest_1samp(differences, 0).pvalue)
    return Paired(len(seeds), mean, error, p)


def paired_together(
    sides: Mapping[str, tuple[Mapping[int, float], Mapping[int, float]]],
) -> dict[str, Paired]:
    """Differences as `paired` has them, tested together: each p is adjusted for their number.

    Args:
        sides: ours and theirs of each comparison. Those with too few seeds are left out.
    """
    found = {name: paired(*both) for name, both in sides.items()}
    tested = {name: pair for name, pair in found.items() if pair is not None}
    adjusted = holm([pair.p for pair in tested.values()])
    return {
        name: pair._replace(p=p) for (name, pair), p in zip(tested.items(), adjusted, strict=True)
    }


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number (Holm 1979): `max_{j <= i} min(1, (m - j) p_(j))`."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
