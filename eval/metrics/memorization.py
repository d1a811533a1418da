"""Memorisation: whether samples are copies of the train set.

Authenticity (Alaa et al. 2022, section 3.3): a sample is authentic if the train row nearest to it
is nearer to another train row than to the sample. The Frechet distance improves when samples are
copied from the train set; this is what warns.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from eval.metrics.base import Inputs, Metric, Value, check_features, present
from eval.metrics.distances import Rows
from eval.metrics.errors import half_samples, of_mean
from eval.metrics.manifolds import DENSITY_K, ROWS_AT_MOST, manifolds, own_of_reference
from eval.metrics.neighbors import nearest


class NearestTrain(NamedTuple):
    """The train row nearest to each sample, and the distance to it."""

    indices: Int[np.ndarray, " n"]
    distances: Float[np.ndarray, " n"]


def nearest_train(samples: Rows, train: Rows) -> NearestTrain:
    """Find the train row nearest to each sample, and the distance to it.

    Raises:
        FeatureError: no rows, a row that is not finite, dimensions that differ.
    """
    check_features(samples, train, at_least=1)
    found = nearest(samples, train, 1)
    return NearestTrain(found.indices[:, 0], np.sqrt(found.squares[:, 0]))


def copy_ratios(samples: Rows, train: Rows) -> Float[np.ndarray, " n"]:
    """Distance of each sample to its nearest train row, over that row's to its own nearest one.

    The row's own nearest neighbour is of the train set too. The ratio is 0 for a copy, and at most
    1 for a sample that is not authentic.

    Args:
        samples: features, `[n, d]`.
        train: features, `[m, d]`, at least two.

    Raises:
        FeatureError: too few rows, a row that is not finite, dimensions that differ.

    >>> train = np.array([[0.0], [1.0], [4.0]])
    >>> print(copy_ratios(np.array([[0.0], [2.0]]), train))
    [0. 1.]
    """
    check_features(train)
    found = nearest_train(samples, train)
    return _ratios(found, train)


def _ratios(
    found: NearestTrain, train: Rows, own: Float[np.ndarray, " m"] | None = None
) -> Float[np.ndarray, " n"]:
    """The `copy_ratios` from the nearest train row of each sample.

    `own` is the squared distance of each train row to the nearest other one, where it is known.
    """
    met, which = np.unique(found.indices, return_inverse=True)
    if own is None:
        others = nearest(train[met], train, 2)
        # The nearest of two that is not the row itself; copies of a row are others.
        own_first = others.indices[:, 0] == met
        squares = np.where(own_first, others.squares[:, 1], others.squares[:, 0])
    else:
        squares = own[met]
    usual = np.sqrt(squares)[which]
    apart = np.where(found.distances > 0, np.inf, 0.0)
    return np.divide(found.distances, usual, out=apart, where=usual > 0)


def authentic(samples: Rows, train: Rows) -> Bool[np.ndarray, " n"]:
    """Whether each sample is authentic; arguments and errors as for `copy_ratios`.

    >>> print(authentic(np.array([[0.0], [2.5]]), np.array([[0.0], [1.0], [4.0]])))
    [False  True]
    """
    return copy_ratios(samples, train) > 1


def _shared_ratios(inputs: Inputs, seed: int) -> Float[np.ndarray, " n"]:
    """The `copy_ratios` from the distances that precision and its kin are counted by.

    They are of the first train rows; further ones are searched besides.
    """
    samples = present(inputs.samples.features)[:ROWS_AT_MOST]
    train = present(inputs.reference.features)
    indices, squares = (
        each[:, 0] for each in manifolds(inputs.samples, inputs.reference, seed).nearest_real
    )
    if len(train) <= ROWS_AT_MOST:
        own = own_of_reference(inputs.reference).squares[:, 0]
        return _ratios(NearestTrain(indices, np.sqrt(squares)), train, own)
    further = nearest(samples, train[ROWS_AT_MOST:], 1)
    nearer = further.squares[:, 0] < squares
    indices = np.where(nearer, further.indices[:, 0] + ROWS_AT_MOST, indices)
    squares = np.where(nearer, further.squares[:, 0], squares)
    return _ratios(NearestTrain(indices, np.sqrt(squares)), train)


def _authenticity(inputs: Inputs, seed: int) -> Value:
    samples = present(inputs.samples.features)[:ROWS_AT_MOST]
    train = present(inputs.reference.features)
    check_features(samples, train, at_least=1)
    few = min(len(samples), len(train)) <= DENSITY_K
    if few or inputs.learnt is not None:
        found = authentic(samples, train)
    else:
        found = _shared_ratios(inputs, seed) > 1
    return Value(float(found.mean()), of_mean(found), n=len(samples), reference_n=len(train))


def _nearest_ratio(inputs: Inputs, seed: int) -> Value:
    """Median distance to the train set over that to held-out rows, from sets of equal size.

    Held-out rows that are measured themselves are compared with the other half of them; so that
    all columns of a table are of one size, other samples are compared with that half too.
    """
    if inputs.held_out is None:
        return Value(None, details={"why": "no held-out samples"})
    samples, held_out = present(inputs.samples.features), present(inputs.held_out.features)
    if inputs.held_out is inputs.samples:
        samples = held_out[0::2]
    held_out = held_out[1::2]
    samples, train = samples[:ROWS_AT_MOST], present(inputs.reference.features)
    size = min(len(held_out), len(train))
    rows = np.sort(np.random.default_rng([seed, 3]).permutation(len(train))[:size])
    to_train = nearest_train(samples, train[rows]).distances
    to_held_out = nearest_train(samples, held_out[:size]).distances

    def ratio(chosen: Int[np.ndarray, " rows"]) -> float | None:
        below = np.median(to_held_out[chosen])
        return float(np.median(to_train[chosen]) / below) if below > 0 else None

    value, error = ratio(np.arange(len(samples))), half_samples(ratio, len(samples), seed)
    why = {} if value is not None else {"why": "half of the samples equal a held-out one"}
    return Value(value, error, why, len(samples), size)


AUTHENTICITY = Metric(
    name="authenticity",
    label="authenticity",
    needs=frozenset({"features"}),
    measure=_authenticity,
    text="{:.3f}".format,
    of_copies=True,
)
NEAREST_TRAIN_RATIO = Metric(
    name="nearest_train_over_held_out",
    label="distance to train / held-out",
    needs=frozenset({"features"}),
    measure=_nearest_ratio,
    text="{:.3f}".format,
    of_copies=True,
)
