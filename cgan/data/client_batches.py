"""Batches of clients: each client's rows of a global batch, read from its shard in its own epochs.

Rows of a client stand together, those of the first client first. A process that asks for rows of
some clients reads no sample of any other.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Int

from cgan.data.clients import Numbers
from cgan.data.pipeline import Dispatches, batch_positions, read_batches
from cgan.types import Batch

STREAM = 0xBA7C
"""What tells the epochs of clients from others of the same seed."""


@lru_cache(maxsize=256)
def _permutation(size: int, seed: int, client: int, epoch: int) -> Int[np.ndarray, " size"]:
    dtype = np.int32 if size < 2**31 else np.int64
    return np.random.default_rng([seed, STREAM, client, epoch]).permutation(size).astype(dtype)


def client_indices(
    shards: tuple[Numbers, ...],
    batch_size: int,
    seed: int,
    step: int,
    num_steps: int,
    rows: Int[np.ndarray, " rows"],
) -> Int[np.ndarray, "num_steps rows"]:
    """Numbers, in the whole split, of the samples in these rows of the batches of these steps.

    Args:
        shards: numbers of each client's samples.
        batch_size: rows of the global batch, which the clients divide.
        seed: the experiment's seed.
        step: the first step.
        num_steps: how many steps in a row.
        rows: which rows of each global batch.
    """
    each = batch_size // len(shards)
    indices = np.empty((num_steps, len(rows)), np.int64)
    for client in np.unique(rows // each):
        mine, shard = rows // each == client, shards[client]
        positions = batch_positions(each, step, num_steps)[:, rows[mine] % each]
        epochs, offsets = np.divmod(positions, len(shard))
        found = np.empty_like(positions)
        for epoch in np.unique(epochs):
            inside = epochs == epoch
            order = _permutation(len(shard), seed, int(client), int(epoch))
            found[inside] = shard[order[offsets[inside]]]
        indices[:, mine] = found
    return indices


@dataclass(frozen=True)
class ClientDispatches(Dispatches):
    """Batches of each dispatch, by its number, of clients with shards of their own."""

    shards: tuple[Numbers, ...] = ()
    """Numbers of each client's samples in the source."""

    def __getitem__(self, number: int) -> Batch:
        """The batches of this dispatch, as `[steps, rows, ...]`."""
        rows = np.arange(self.batch_size) if self.rows is None else self.rows
        first = number * self.steps
        indices = client_indices(self.shards, self.batch_size, self.seed, first, self.steps, rows)
        positions = batch_positions(self.batch_size, first, self.steps)[:, rows]
        return read_batches(self.source, indices, positions, self.seed, self.flip)
