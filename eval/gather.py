"""One pass over samples that stream by: read each chunk, keep what the metrics need.

Several processes each read their share of the chunks, and all keep the same.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from eval.extractors.base import Features
from eval.extractors.reader import Reader
from eval.metrics.base import IMAGES_KEPT, Gathered, Need, check_finite
from eval.metrics.moments import Moments, merge, moments
from eval.together import read_together

Advance = Callable[[int], None]
"""A callback that is given the number of samples of each chunk that was read."""


def silent(count: int) -> None:
    """Report no progress."""


GROUPS = 8
"""Groups of rows whose moments are kept apart, for error bars."""


class Wanted(NamedTuple):
    """A request for one result of a pass: the number of first samples, and what to keep of them."""

    n: int | None
    """Number of first samples to keep; None for all."""
    needs: frozenset[Need]


class _Gathering:
    """All that is kept so far of one set of samples."""

    def __init__(self, wanted: Wanted, classes: int) -> None:
        self.n = 0
        self._needs = wanted.needs
        self._classes = classes
        self._at_most = sys.maxsize if wanted.n is None else wanted.n
        self._counts: Int[np.ndarray, " bins"] = np.zeros(classes + 1, np.int64)
        self._groups: list[Moments | None] = [None] * GROUPS
        self._kept: dict[Need, list[np.ndarray]] = {}

    def add(self, stored: Shaped[np.ndarray, "n *sample"], read: Features) -> None:
        """Take in a chunk, or as much of it as there is room for."""
        rows = slice(0, min(len(stored), self._at_most - self.n))
        if rows.stop == 0:
            return
        features, labels = read.features[rows], None if read.labels is None else read.labels[rows]
        if labels is not None:
            bins = np.where(labels < 0, self._classes, labels)
            self._counts += np.bincount(bins, minlength=self._classes + 1)
        if "moments" in self._needs:
            self._add_moments(features)
        self._keep("features", features)
        self._keep("labels", labels)
        self._keep("logits", None if read.logits is None else read.logits[rows])
        if self.n < IMAGES_KEPT:
            self._keep("images", stored[rows][: IMAGES_KEPT - self.n])
        self.n += rows.stop

    def _keep(self, need: Need, rows: np.ndarray | None) -> None:
        if need in self._needs and rows is not None:
            self._kept.setdefault(need, []).append(rows)

    def _add_moments(self, features: Float[np.ndarray, "n d"]) -> None:
        groups = (np.arange(len(features)) + self.n) % GROUPS
        for index in np.unique(groups):
            known, new = self._groups[index], moments(features[groups == index])
            self._groups[index] = new if known is None else merge([known, new])

    def finish(self) -> Gathered:
        kept = {need: np.concatenate(chunks) for need, chunks in self._kept.items()}
        return Gathered(
            n=self.n,
            counts=self._counts if "counts" in self._needs and self._classes else None,
            moments=tuple(group for group in self._groups if group is not None),
            features=kept.get("features"),
            labels=kept.get("labels"),
            logits=kept.get("logits"),
            images=kept.get("images"),
        )


def gather(
    chunks: Iterable[Shaped[np.ndarray, "_ ..."]],
    reader: Reader,
    wanted: Sequence[Wanted],
    advance: Advance = silent,
    name: str = "samples",
) -> list[Gathered]:
    """Read samples once, and keep what is needed of all of them and of their first few.

    Args:
        chunks: samples in the stored form.
        reader: what reads them.
        wanted: what to keep for each result.
        advance: told the number of samples of each chunk that was read.
        name: what an error calls the samples.

    Returns:
        What was kept, for each of `wanted`.

    Raises:
        FeatureError: features that are not finite.
    """
    gatherings = [_Gathering(each, reader.classes) for each in wanted]
    start = 0
    for stored, read in read_together(chunks, reader):
        check_finite(name, read.features, start)
        start += len(stored)
        for gathering in gatherings:
            gathering.add(stored, read)
        advance(len(stored))
    return [gathering.finish() for gathering in gatherings]
