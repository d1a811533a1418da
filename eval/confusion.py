"""Confusion of a labeller: real samples that it was not trained on, by what it takes them for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from cgan.types import Batch
from eval.extractors.base import Extractor
from eval.metrics.base import present

Square = Float[np.ndarray, "classes classes"]


class Rates(NamedTuple):
    """Rates at which samples of each class are read as each class."""

    means: Square
    variances: Square
    """Variances of the rates, from sampling."""


@dataclass(frozen=True, eq=False)
class Confusion:
    """Counts of samples by true class and by the class that they are read as (last, none)."""

    counts: Int[np.ndarray, "classes bins"]
    places: int = 1
    """Digits of a class's number, each read by itself: counted are then the digits."""

    @property
    def rates(self) -> Rates:
        """Rates at which each class is read as each, with one sample of each class as a prior.

        The prior sample is read right as often as those of all classes are, and otherwise as those
        are that are misread.
        """
        rows, classes = self.counts.sum(axis=1, keepdims=True), len(self.counts)
        means = (self.counts + _prior(self.counts)) / (rows + 1)
        variances = means * (1 - means) / (rows + 2)
        alone = Rates(means[:, :classes], variances[:, :classes])
        whole = alone
        for _ in range(self.places - 1):
            whole = _product(whole, alone)
        return whole


def _product(high: Rates, low: Rates) -> Rates:
    """Rates of numbers whose first and last digits are read at these rates."""
    variances = np.kron(high.variances, low.means**2) + np.kron(high.means**2, low.variances)
    return Rates(np.kron(high.means, low.means), variances)


def _prior(counts: Int[np.ndarray, "classes bins"]) -> Float[np.ndarray, "classes bins"]:
    classes, bins = counts.shape
    right = np.diag(counts)
    accuracy = (right.sum() + 0.5) / (counts.sum() + 1)
    taken = counts.sum(axis=0) - np.append(right, np.zeros(bins - classes))
    others = np.broadcast_to(taken + 1 / bins, counts.shape) * (1 - np.eye(classes, bins))
    prior = (1 - accuracy) * others / others.sum(axis=1, keepdims=True)
    np.fill_diagonal(prior, accuracy)
    return prior


def confusion_of(
    labeller: Extractor, batches: Iterable[Batch], classes: int, places: int = 1
) -> Confusion:
    """Read samples of known classes with a labeller, and count.

    Args:
        labeller: reads the samples.
        batches: samples as they are stored, with their true classes.
        classes: how many there are; with several places, ten to the power of these.
        places: as of `Confusion`.
    """
    base = round(classes ** (1 / places))
    counts = np.zeros((base, base + 1), np.int64)
    for batch in batches:
        true, read = np.asarray(batch.label), present(labeller(np.asarray(batch.x)).labels)
        for place in range(places):
            digit = np.where(read < 0, base, read // base**place % base)
            np.add.at(counts, (true // base**place % base, digit), 1)
    return Confusion(counts, places)
