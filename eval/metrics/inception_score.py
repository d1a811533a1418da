"""Inception score (Salimans et al. 2016, section 4): how sure classes are, and how many there are.

    exp(mean_x KL(p(y | x) || p(y)))

The mean over 10 splits of the samples, in their order, as in the published figures.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from eval.metrics.base import (
    Inputs,
    Metric,
    StandardError,
    UndefinedError,
    Value,
    check_features,
    present,
)

SPLITS = 10


class Score(NamedTuple):
    """Mean and standard deviation (ddof = 0) of the inception score over splits."""

    mean: float
    sd: float


def log_softmax(logits: Float[np.ndarray, "n classes"]) -> Float[np.ndarray, "n classes"]:
    """Log-probabilities of classes from logits, in float64."""
    logits = logits.astype(np.float64)
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def inception_score(
    logits: Float[np.ndarray, "n classes"], splits: int = SPLITS, shuffle_seed: int | None = None
) -> Score:
    """Inception score of logits `[n, classes]`: mean and standard deviation over splits.

    Args:
        logits: of a classifier, without bias for Inception.
        splits: contiguous parts, from row `i n // splits` to `(i + 1) n // splits`.
        shuffle_seed: of NumPy's `RandomState`, to shuffle rows first; None keeps their order.

    Raises:
        FeatureError: a row that is not finite.
        UndefinedError: fewer rows than splits.
    """
    check_features(logits, at_least=1)
    n = len(logits)
    if n < splits:
        raise UndefinedError(f"{n} samples; must be at least one for each of {splits} splits")
    if shuffle_seed is not None:
        stream = np.random.RandomState(shuffle_seed)
        logits = logits[stream.permutation(n)]
    scores = []
    for index in range(splits):
        given = log_softmax(logits[index * n // splits : (index + 1) * n // splits])
        probabilities = np.exp(given)
        marginal = probabilities.mean(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(probabilities > 0, probabilities * (given - np.log(marginal)), 0)
        scores.append(np.exp(terms.sum(axis=1).mean()))
    return Score(float(np.mean(scores)), float(np.std(scores)))


def _measure(inputs: Inputs, seed: int) -> Value:
    score = inception_score(present(inputs.samples.logits))
    error = StandardError(score.sd / np.sqrt(SPLITS - 1), f"splits_{SPLITS}")
    return Value(score.mean, error, {"splits_sd": score.sd})


INCEPTION_SCORE = Metric(
    name="inception_score_10_splits",
    label="inception score, 10 splits",
    needs=frozenset({"logits"}),
    at_least=SPLITS,
    measure=_measure,
    text="{:.2f}".format,
)
