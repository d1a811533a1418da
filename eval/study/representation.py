"""What the features of a run's discriminator tell of classes: figures of its networks.

They are read of the trunk, averaged over rectangles to at most 4x4 places as `python -m eval probe`
does, and labels are those of at most 2,000 train samples: what is asked is not how few of them are
enough, but what is there to be read.
"""

import functools
from collections.abc import Callable, Sequence

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Shaped
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from cgan.assemble import Parts
from cgan.data import Source
from cgan.networks import TRUNK
from cgan.state import TrainState
from cgan.types import Params
from eval.extractors import linear
from eval.extractors.maps import as_rows
from eval.splits import Splits
from eval.study.declare import Figure

STEPS_AT_MOST = 300
ROWS_AT_MOST = 2_000
"""Most samples of each split that are read, the first of a random order."""

Rows = Float[np.ndarray, "n d"]
Labels = Int[np.ndarray, " n"]
Labeled = tuple[Rows, Labels]


def linear_probe(train: Labeled, held_out: Labeled) -> float:
    """Accuracy on held-out samples of logistic regression on standardised features."""
    scaler = StandardScaler().fit(train[0])
    model = linear.logistic_regression(STEPS_AT_MOST)
    model = linear.fitted(model, scaler.transform(train[0]), train[1])
    return float(model.score(scaler.transform(held_out[0]), held_out[1]))


def separation(train: Labeled, held_out: Labeled) -> float:
    """Silhouette of the classes of held-out samples, by cosine (Rousseeuw 1987).

    For each sample `(b - a) / max(a, b)`, a the mean distance to its own class, b that to the
    nearest other one, averaged: 1 where classes are points, 0 where they lie in one another.
    """
    return float(silhouette_score(*held_out, metric="cosine"))


MEASURES: dict[str, Callable[[Labeled, Labeled], float]] = {
    "linear_probe_accuracy": linear_probe,
    "silhouette_cosine": separation,
}
"""Figures of networks by name, beside the catalogue's metrics, which are of samples."""


def measure(
    figures: Sequence[Figure], parts: Parts, state: TrainState, splits: Splits
) -> dict[str, float]:
    """Measure those of the figures that are of a run's networks, by their keys.

    Args:
        figures: of a benchmark.
        parts: of the run.
        state: of the run, on the host.
        splits: the whole data set, with classes.
    """
    asked = [figure for figure in figures if figure.metric in MEASURES]
    if not asked:
        return {}
    weights = (state.discriminator, state.discriminator_stats)
    read = jax.jit(functools.partial(trunk, parts))
    train, held_out = (
        (np.asarray(read(weights, x)), labels) for x, labels in map(_labeled, splits)
    )
    return {figure.key: MEASURES[figure.metric](train, held_out) for figure in asked}


def trunk(
    parts: Parts, weights: tuple[Params, Params], stored: Shaped[Array, "n *sample"]
) -> Float[Array, "n d"]:
    """The trunk's maps as rows; the weights are arguments, so that one program serves all runs."""
    return as_rows(parts.networks.features(*weights, parts.source.encode(stored), tap=TRUNK))


def _labeled(source: Source) -> tuple[Shaped[np.ndarray, "n *sample"], Labels]:
    rows = np.random.default_rng(0).permutation(len(source))[:ROWS_AT_MOST]
    batch = source[rows]
    return np.asarray(batch.x), np.asarray(batch.label)
