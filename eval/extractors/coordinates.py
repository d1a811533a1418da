"""Samples as they are stored: their numbers are their features, no weights and no training."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, Shaped

from cgan.data import Source
from cgan.data.abilities import Classifying, classifying
from eval.extractors.base import Features
from eval.files.fingerprint import fingerprint

ROWS_AT_MOST = 100_000
"""Held-out samples by which a source's own rule is judged."""


def vectors(stored: Shaped[np.ndarray, "n *sample"]) -> Float[np.ndarray, "n d"]:
    """A row of numbers for each sample."""
    return stored.reshape(len(stored), -1).astype(np.float32)


@dataclass(frozen=True)
class Coordinates:
    """Points, or sequences with a coordinate for each letter of each place."""

    name: str = "coordinates"
    fingerprint: str = "coordinates-1"
    accuracy: float | None = None

    def __call__(self, stored: Shaped[np.ndarray, "n *sample"]) -> Features:
        return Features(vectors(stored))


@dataclass(frozen=True)
class OwnRule:
    """Coordinates, and classes by the rule that the source itself knows."""

    source: Classifying
    read: Int[np.ndarray, " n"]
    """Classes of held-out samples by the rule."""
    accuracy: float
    name: str = "own"

    @cached_property
    def fingerprint(self) -> str:
        """A fingerprint of the classes read: a rule has no weights to be known by."""
        return fingerprint(np.asarray(self.read, np.int32), "own-1")

    def __call__(self, stored: Shaped[np.ndarray, "n *sample"]) -> Features:
        return Features(vectors(stored), np.asarray(self.source.classify(stored)))


def load_own(train: Source, held_out: Source) -> OwnRule:
    """The rule of a source, judged on samples that are held out.

    Raises:
        TypeError: it knows none.
    """
    rule = classifying(train)
    if rule is None:
        raise TypeError(f"{train.name} has no classify")
    batch = held_out[np.arange(min(len(held_out), ROWS_AT_MOST))]
    read = np.asarray(rule.classify(np.asarray(batch.x)))
    return OwnRule(rule, read, float(np.mean(read == np.asarray(batch.label))))
