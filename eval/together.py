"""Samples read by several processes that evaluate as one: chunks are dealt round, and told to all.

Each process draws and reads every so many-th chunk. Then all have all that was read, in the order
in which one process alone would have read it: the figures are the same, to the bit where a process
has the devices that one alone would have.
"""

import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol, TypeVar, runtime_checkable

import jax
import numpy as np
from jaxtyping import Shaped

from cgan.system import hosts
from eval.extractors.base import Features
from eval.extractors.reader import Reader

T = TypeVar("T")
Chunk = Shaped[np.ndarray, "_ ..."]


@runtime_checkable
class Dealt(Protocol):
    """Chunks of which every so many-th can be had without the others."""

    def every(self, first: int, step: int) -> Iterator[Chunk]:
        """Every so many-th chunk from this one on."""


def read_together(chunks: Iterable[Chunk], reader: Reader) -> Iterator[tuple[Chunk, Features]]:
    """Each chunk with what was read of it, in order, whoever read it.

    Args:
        chunks: samples in the stored form, the same for all processes.
        reader: what reads them.
    """
    count = jax.process_count()
    if count == 1:
        for stored in chunks:
            yield stored, reader(stored)
        return
    own = of_share(chunks, jax.process_index(), count)
    while True:
        mine: Chunk | None = next(own, None)
        message = b"" if mine is None else _written(mine, reader(mine))
        told = hosts.told_by_all(message)
        yield from (_read(each) for each in told if each)
        if not all(told):
            return


def of_share(chunks: Iterable[Chunk], own: int, count: int) -> Iterator[Chunk]:
    """The chunks of one process among so many."""
    if isinstance(chunks, Dealt):
        return chunks.every(own, count)
    return islice(iter(chunks), own, None, count)


def known_to_all(found: T | None) -> T | None:
    """What this process found, where every process found something; None where one did not."""
    return found if all(hosts.told_by_all(b"" if found is None else b"found")) else None


def _written(stored: Chunk, read: Features) -> bytes:
    """A chunk and its features as bytes, without what was not read."""
    file = io.BytesIO()
    found = {name: array for name, array in read._asdict().items() if array is not None}
    np.savez(file, stored=stored, **found)
    return file.getvalue()


def _read(message: bytes) -> tuple[Chunk, Features]:
    with np.load(io.BytesIO(message), allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    return found.pop("stored"), Features(**found)
