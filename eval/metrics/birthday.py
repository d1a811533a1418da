"""The birthday paradox: how many different samples a generator makes.

Of N equally likely samples two are the same with probability 1 / N, and a batch of about
sqrt(2 ln 2 N) holds such a pair with probability one half (Arora, Risteski & Zhang 2018, Do GANs
learn the distribution? Some theory and empirics, section 3). So the support's size is estimated by
1 / P(two samples are alike). Where samples are not equally likely that is their effective number,
the inverse of Simpson's index.

The paper has people judge the likeliest pairs of a batch. Here two samples are alike if they are as
close, in the space of features, as real ones nearly never are: closer than all but a millionth of
the pairs of different train samples, or than all but 16 pairs where that is more. So real data
score a large number, not infinity, against which the others are to be read. And all pairs of the
samples are counted, not those of one batch.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from eval.metrics.base import (
    Floor,
    Gathered,
    Inputs,
    Metric,
    StandardError,
    Value,
    check_features,
    present,
)
from eval.metrics.collisions import Collisions, collisions, count_alike
from eval.metrics.distances import Rows
from eval.metrics.manifolds import (
    DENSITY_K,
    PRECISION_K,
    ROWS_AT_MOST,
    own_of_reference,
    own_of_samples,
)
from eval.metrics.neighbors import Neighbors, nearest

REAL_RATE, REAL_PAIRS = 1e-6, 16
"""Share of the train pairs that are alike; it is more where that is fewer pairs than 16."""
BELOW_REAL, BELOW_TRAIN = 100, 10
"""A support is small where it is so many times smaller than real data's, and than the train set."""


class Criterion(NamedTuple):
    """A distance within which samples are alike: one that real samples nearly never keep within."""

    squared_distance: float
    real: Collisions
    """Pairs of the train samples that are alike by this criterion."""

    @property
    def real_support(self) -> float:
        """Estimated support of the train samples, by this criterion."""
        return 1 / self.real.share


def calibrate(train: Rows, near: Neighbors | None = None) -> Criterion:
    """The criterion for two samples to be alike, set from real ones `[n, d]`.

    Args:
        train: the real ones.
        near: the nearest others of each, where they are known.

    Raises:
        FeatureError: fewer than 2 rows, or one that is not finite.
    """
    check_features(train)
    wanted = max(REAL_PAIRS, round(REAL_RATE * len(train) * (len(train) - 1) / 2))
    if near is not None and _all_different(near):
        square = _of_nearest_pairs(near, wanted)
    else:
        different = np.unique(train, axis=0)
        several = len(different) > 1
        square = (
            _of_nearest_pairs(nearest(different, different, 1, within=True), wanted)
            if several
            else 0.0
        )
    return Criterion(square, collisions(count_alike(train, square, near)))


def _all_different(near: Neighbors) -> bool:
    """Whether no row has a copy, nor two others that are equally near to it."""
    first, second = near.squares[:, :2].T
    return bool((first > 0).all() and (first < second).all())


def _of_nearest_pairs(near: Neighbors, wanted: int) -> float:
    """The squared distance within which so many pairs lie, or a few more.

    Counted are the pairs of a row and its nearest other row.
    """
    nearest_row = near.indices[:, 0]
    pairs = np.sort(np.stack([np.arange(len(nearest_row)), nearest_row], axis=1), axis=1)
    _, first = np.unique(pairs, axis=0, return_index=True)
    squares = np.sort(near.squares[first, 0])
    return float(squares[min(wanted, len(squares)) - 1])


@lru_cache(maxsize=2)
def criterion_of(reference: Gathered) -> Criterion:
    """The criterion for two samples to be alike, of a reference's first rows, worked out once."""
    rows = present(reference.features)[:ROWS_AT_MOST]
    many = len(rows) > DENSITY_K
    return calibrate(rows, own_of_reference(reference) if many else None)


def small_support(criterion: Criterion, train_n: int) -> float:
    """The support below which a generator's is small.

    A hundredth of real data's, and a tenth of the train set. The latter, because a generator that
    knows the whole train set by heart is no small one: authenticity tells of that.
    """
    return min(criterion.real_support / BELOW_REAL, train_n / BELOW_TRAIN)


def even_batch(share: float) -> int:
    """The smallest batch that holds two samples alike with probability 1/2 or more.

    Of s equally likely samples none are alike with probability prod_{i < s} (1 - i share).

    >>> even_batch(1 / 365)
    23
    """
    more_than_enough = np.ceil(2 + np.sqrt(2 / share))
    apart = np.cumprod(1 - np.minimum(np.arange(more_than_enough) * share, 1))
    return int(np.argmax(apart <= 0.5)) + 1


def _measure(inputs: Inputs, seed: int) -> Value:
    samples = present(inputs.samples.features)[:ROWS_AT_MOST]
    check_features(samples, present(inputs.reference.features))
    criterion = criterion_of(inputs.reference)
    near = own_of_samples(inputs.samples) if len(samples) > PRECISION_K else None
    alike = count_alike(samples, criterion.squared_distance, near)
    found, small = collisions(alike), small_support(criterion, inputs.reference.n)
    often = max(1.0, (found.n - 1) / small)
    details: dict[str, Any] = {
        "pairs_alike": found.pairs,
        "interval_95": [1 / found.high, 1 / found.low if found.low else None],
        "small_below": small,
        "repeated_share": float((alike >= often).mean()),
        "distance": float(np.sqrt(criterion.squared_distance)),
        "train_pairs_alike": criterion.real.pairs,
        "train_interval_95": [1 / criterion.real.high, 1 / criterion.real.low],
    }
    n, reference_n = found.n, criterion.real.n
    if not found.pairs:
        return Value(None, None, details | {"at_least": 1 / found.high}, n, reference_n)
    error = StandardError(found.standard_error / found.share**2, "u_statistic_variance")
    return Value(
        1 / found.share, error, details | {"even_batch": even_batch(found.share)}, n, reference_n
    )


def _floor(inputs: Inputs, n: int, seed: int) -> Floor:
    """The train samples' own support, which the criterion was set to, as the floor."""
    real, support = criterion_of(inputs.reference).real, criterion_of(inputs.reference).real_support
    return Floor(support, real.standard_error * support**2)


BIRTHDAY = Metric(
    name="birthday_support",
    label="different samples (birthday)",
    needs=frozenset({"features"}),
    measure=_measure,
    floor=_floor,
    text="{:,.0f}".format,
)
