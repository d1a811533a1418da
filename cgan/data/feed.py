"""Dispatches read and placed ahead by grain, while the devices work; and what waiting costs."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import grain
import jax
from absl import flags

from cgan.config import ConfigError
from cgan.data.pipeline import Dispatches
from cgan.system.errors import DataError, LostProcessError
from cgan.system.signals import ENDING
from cgan.types import Batch

AHEAD = 1
"""Number of dispatches that wait to be asked for; one more is being read or placed."""

THROUGH_PIPES = grain.experimental.DatasetOptions(min_shm_size=sys.maxsize)
"""Options by which workers send batches through pipes, not through shared memory.

Containers often have 64 MB of it, and who finds it full dies of a bus error.
"""

T = TypeVar("T")


class Feed(Generic[T]):
    """An iterator over placed dispatches. While entered, it runs a thread and worker processes."""

    def __init__(
        self, dispatches: Dispatches, first: int, place: Callable[[Batch], T], workers: int = 0
    ) -> None:
        """Make a pipeline whose whole state is the number of the next dispatch.

        Args:
            dispatches: what to read.
            first: the number of the first of them.
            place: puts a dispatch's batches on this process's devices.
            workers: processes that read, each every so many dispatches; with 0 the thread reads.
        """
        self._dispatches = grain.MapDataset.source(dispatches)[first:]
        self._place, self._workers = place, workers
        self._waited_sec = 0.0
        self._asked = time.monotonic()

    def __enter__(self) -> "Feed[T]":
        if self._workers and not flags.FLAGS.is_parsed():
            flags.FLAGS.mark_as_parsed()  # grain asks them whether to profile its workers
        one_by_one = grain.ReadOptions(num_threads=0, prefetch_buffer_size=0)
        read = grain.experimental.WithOptionsIterDataset(
            self._dispatches.to_iter_dataset(one_by_one), THROUGH_PIPES
        )
        processes = grain.MultiprocessingOptions(num_workers=self._workers)
        placed = iter(read.mp_prefetch(processes, _begin_worker).map(self._place))
        ahead = grain.experimental.ThreadPrefetchDatasetIterator
        self._iterator: Any = ahead(placed, prefetch_buffer_size=AHEAD)
        placed.start_prefetch()  # all workers at once; the thread would start one after the other
        self._iterator.start_prefetch()
        return self

    def __exit__(self, *exception: object) -> None:
        self._iterator.close()
        del self._iterator  # or grain would close it again, perhaps after its own modules are gone

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        """Wait for the next dispatch.

        Raises:
            DataError: a sample can't be read.
            LostProcessError: a worker died.
        """
        start = time.monotonic()
        try:
            return next(self._iterator)
        except ConfigError as error:
            raise DataError(
                f"{error}; then the same command goes on from the newest checkpoint"
            ) from None
        except RuntimeError as error:
            what, _, _ = str(error).partition(". ")
            if not what.startswith("Worker process was terminated"):
                raise
            raise LostProcessError(
                f"{what}, perhaps because the memory was full; the same command goes on from the "
                "newest checkpoint, also with fewer workers (0: in threads)"
            ) from None
        finally:
            self._waited_sec += time.monotonic() - start

    def stall_share(self) -> float:
        """Share of the time since the last call that was spent waiting for a dispatch."""
        now = time.monotonic()
        share = self._waited_sec / max(now - self._asked, 1e-9)
        self._waited_sec, self._asked = 0.0, now
        return min(share, 1.0)


def _begin_worker(index: int, count: int) -> None:
    """Begin a worker process: leave accelerators and signals to the parent, and end with it."""
    jax.config.update("jax_platforms", "cpu")
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent ends, however that does.

    One that is killed tells nobody, and grain's workers would stay.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
