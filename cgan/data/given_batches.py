"""Batches of two data sets: what is learnt, and beside it pictures that are given to be translated.

Each is read in epochs of its own, so that nothing pairs a picture of the one with one of the other.
"""

from dataclasses import dataclass

import numpy as np

from cgan.data.pipeline import Dispatches, load_batches
from cgan.data.source import Source
from cgan.types import GivenBatch

OTHER_SEEDS = 2**32
"""What is added to a seed for the epochs of the given: seeds are below it."""


@dataclass(frozen=True)
class GivenDispatches(Dispatches):
    """Batches of each dispatch, by its number, with pictures to be translated."""

    given: Source | None = None
    """The pictures to be translated."""

    def __getitem__(self, number: int) -> GivenBatch:  # type: ignore[override]
        """The batches of this dispatch, as `[steps, rows, ...]`."""
        assert self.given is not None
        batch = super().__getitem__(number)
        first, seed = number * self.steps, self.seed + OTHER_SEEDS
        rows = np.arange(self.batch_size) if self.rows is None else self.rows
        given = load_batches(
            self.given, self.batch_size, seed, first, self.steps, rows, flip=self.flip
        )
        return GivenBatch(*batch, given.x)
