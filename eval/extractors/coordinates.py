"""Samples as they are stored: their numbers are their features, no weights and no training."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, Shaped

from cgan.data import Source
from cgan.data.abilities import Classifying, Featured, classifying, featured
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
    """Classes by the rule that the source itself knows, and its features, or coordinates."""

    source: Classifying
    held_out: Shaped[np.ndarray, "n *sample"]
    """Held-out samples, by whose classes and features the rule is known."""
    read: Int[np.ndarray, " n"]
    """Classes of these by the rule."""
    accuracy: float
    comparing: Featured | None = None
    """The source as what has features of its own."""
    name: str = "own"

    @cached_property
    def fingerprint(self) -> str:
        """A fingerprint of what is read: a rule has no weights to be known by."""
        read = np.asarray(self.read, np.int32)
        if self.comparing is None:
            return fingerprint(read, "own-1")
        features = self._features(self.held_out).astype(np.float64)
        moments = [*features.mean(axis=0), *features.std(axis=0)]
        told = " ".join(f"{moment:.3g}" for moment in moments)  # whatever a machine's rounding
        return fingerprint(read, f"own-1 {told}")

    def __call__(self, stored: Shaped[np.ndarray, "n *sample"]) -> Features:
        return Features(self._features(stored), np.asarray(self.source.classify(stored)))

    def _features(self, stored: Shaped[np.ndarray, "n *sample"]) -> Float[np.ndarray, "n d"]:
        if self.comparing is None:
            return vectors(stored)
        return np.asarray(self.comparing.features(stored), np.float32)


def load_own(train: Source, held_out: Source) -> OwnRule:
    """The rule of a source, judged on samples that are held out.

    Raises:
        TypeError: it knows none.
    """
    rule = classifying(train)
    if rule is None:
        raise TypeError(f"{train.name} has no classify")
    batch = held_out[np.arange(min(len(held_out), ROWS_AT_MOST))]
    stored = np.asarray(batch.x)
    read = np.asarray(rule.classify(stored))
    accuracy = float(np.mean(read == np.asarray(batch.label)))
    return OwnRule(rule, stored, read, accuracy, featured(train))
