"""Batches as a function of seed and step: nothing to save, and resume goes on at any number.

The samples are read in epochs, each a fresh permutation of the whole split; batches run on across
the end of an epoch, so every sample is seen equally often.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Int

from cgan.config import RunConfig
from cgan.data.flips import flipped
from cgan.data.source import Source
from cgan.types import Batch


@lru_cache(maxsize=4)  # two neighbouring epochs of each of two data sets
def _permutation(size: int, seed: int, epoch: int) -> Int[np.ndarray, " size"]:
    return np.random.default_rng([seed, epoch]).permutation(size)


def batch_positions(
    batch_size: int, step: int, num_steps: int = 1
) -> Int[np.ndarray, "num_steps batch_size"]:
    """Positions of these steps' samples in the sequence of all that training reads."""
    first = np.arange(step, step + num_steps) * batch_size
    return first[:, None] + np.arange(batch_size)


def batch_indices(
    size: int, batch_size: int, seed: int, step: int, num_steps: int = 1
) -> Int[np.ndarray, "num_steps batch_size"]:
    """Indices of the samples in the global batches of these steps.

    Args:
        size: number of samples in the split.
        batch_size: samples a step.
        seed: the experiment's seed.
        step: the first step.
        num_steps: how many steps in a row.
    """
    positions = batch_positions(batch_size, step, num_steps).ravel()
    epoch, offset = np.divmod(positions, size)
    indices = np.empty_like(positions)
    for number in range(epoch[0], epoch[-1] + 1):
        inside = epoch == number
        indices[inside] = _permutation(size, seed, int(number))[offset[inside]]
    return indices.reshape(num_steps, batch_size)


def load_batches(
    source: Source,
    batch_size: int,
    seed: int,
    step: int,
    num_steps: int,
    rows: Int[np.ndarray, " rows"] | None = None,
    flip: bool = False,
) -> Batch:
    """Load the batches of `num_steps` steps from `step` on, as `[num_steps, rows, ...]`.

    Args:
        source: what to read.
        batch_size: rows of the global batch.
        seed: the experiment's seed.
        step: the first step.
        num_steps: how many steps in a row.
        rows: which rows of each global batch to read; None for all.
        flip: mirror each image with probability 1/2, anew each time that it is read.
    """
    rows = np.arange(batch_size) if rows is None else rows
    indices = batch_indices(len(source), batch_size, seed, step, num_steps)[:, rows]
    positions = batch_positions(batch_size, step, num_steps)[:, rows]
    return read_batches(source, indices, positions, seed, flip)


def read_batches(
    source: Source,
    indices: Int[np.ndarray, "num_steps rows"],
    positions: Int[np.ndarray, "num_steps rows"],
    seed: int,
    flip: bool,
) -> Batch:
    """Read the samples at these indices, as `[num_steps, rows, ...]`.

    Args:
        source: what to read.
        indices: of the samples.
        positions: of the samples in the sequence of all that training reads, which decide flips.
        seed: the experiment's seed.
        flip: mirror each image with probability 1/2, anew each time that it is read.
    """
    flat = source[indices.ravel()]
    if flip:
        flat = flat._replace(x=flipped(np.asarray(flat.x), positions.ravel(), seed))
    return Batch(*(leaf.reshape(*indices.shape, *leaf.shape[1:]) for leaf in flat))


@dataclass(frozen=True)
class Dispatches:
    """Batches of each dispatch, by its number: what grain reads, element by element."""

    source: Source
    batch_size: int
    seed: int
    steps: int
    """Number of steps in a dispatch."""
    count: int
    """Number of dispatches."""
    rows: Int[np.ndarray, " rows"] | None = None
    """Rows of each global batch that are read; None for all."""
    flip: bool = False

    @classmethod
    def of_run(
        cls, config: RunConfig, source: Source, rows: Int[np.ndarray, " rows"] | None = None
    ) -> "Dispatches":
        """The dispatches of a run, from its first step to its last."""
        return cls(
            source,
            config.batch_size,
            config.seed,
            steps=config.steps_per_dispatch,
            count=config.final_nimg // config.nimg_per_dispatch,
            rows=rows,
            flip=config.data.flip,
        )

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> Batch:
        """The batches of this dispatch, as `[steps, rows, ...]`."""
        return load_batches(
            self.source,
            self.batch_size,
            self.seed,
            number * self.steps,
            self.steps,
            rows=self.rows,
            flip=self.flip,
        )
