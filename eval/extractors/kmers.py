"""DNA by the shares of canonical 4-mers, and the genome that they are usual in; proteins by 2-mers.

Composition tells genomes apart (Karlin & Burge 1995, "Dinucleotide relative abundance extremes: a
genomic signature"), and canonical k-mers are the same on either strand.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Shaped
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from cgan.data import Source
from cgan.kinds import PROTEIN
from eval.extractors.base import Features
from eval.extractors.kmer_counts import OF_PROTEINS, canonical_frequencies, counts
from eval.files.fingerprint import fingerprint

K, K_OF_PROTEINS = 4, 2
SCALE = 100.0
"""Frequencies are in percent, so that distances between features are of the order of 1."""
LEARNT_AT_MOST, JUDGED_AT_MOST = 8_192, 8_192
"""Fragments that the labeller learns from, and by which it is judged."""


def percent(stored: Shaped[np.ndarray, "n length letters"]) -> Float[np.ndarray, "n d"]:
    """Shares of canonical 4-mers of DNA, or of 2-mers of proteins, in percent."""
    if stored.shape[-1] == OF_PROTEINS:
        found = counts(stored, K_OF_PROTEINS)
        shares = found / np.maximum(found.sum(axis=1, keepdims=True), 1)
        return (shares * SCALE).astype(np.float32)
    return canonical_frequencies(stored, K) * np.float32(SCALE)


@dataclass(frozen=True)
class Kmers:
    """Shares of canonical 4-mers, and classes by a logistic regression on them."""

    labeller: Pipeline | None
    """What tells genomes apart; None where there is one alone."""
    accuracy: float | None
    name: str = "kmers"

    @cached_property
    def fingerprint(self) -> str:
        """A fingerprint of the labeller's weights."""
        if self.labeller is None:
            return "kmers-1"
        last = self.labeller[-1]
        return fingerprint(np.asarray(last.coef_), np.asarray(last.intercept_), "kmers-1")

    def __call__(self, stored: Shaped[np.ndarray, "n length letters"]) -> Features:
        features = percent(stored)
        if self.labeller is None:
            return Features(features)
        return Features(features, self.labeller.predict(features).astype(np.int32))


def load(train: Source, held_out: Source) -> Kmers:
    """Train the labeller on fragments of the train split, and judge it on held-out ones."""
    if len(train.class_names) < 2 or train.kind == PROTEIN:
        return Kmers(None, None)
    learnt, judged = _some(train, LEARNT_AT_MOST), _some(held_out, JUDGED_AT_MOST)
    labeller = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1_000))
    labeller.fit(*learnt)
    return Kmers(labeller, float(labeller.score(*judged)))


def _some(source: Source, at_most: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.random.default_rng(0).permutation(len(source))[:at_most]
    batch = source[rows]
    return percent(np.asarray(batch.x)), np.asarray(batch.label)
