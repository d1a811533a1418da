"""Several processes, on one machine or many, that work as one (`jax.distributed`).

Each feeds its own devices; the first alone writes. All run the same program, so a value that one
of them has read (where to go on, the state of a checkpoint) is told to the others before they
need it.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from cgan.config import ConfigError, Processes
from cgan.system.errors import AgreedError, EndedError, LostProcessError, reason

T = TypeVar("T")
LAST_WORDS_SEC = 3


def join(launch: Processes) -> None:
    """Meet the other processes of the run; with no coordinator there are none.

    Raises:
        ConfigError: the cluster's environment does not say who they are.
        LostProcessError: they did not all come within `wait_sec`.
    """
    if launch.coordinator is None:
        return
    given = launch.num_processes is not None
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM for itself
    try:
        jax.distributed.initialize(
            coordinator_address=launch.coordinator if given else None,
            num_processes=launch.num_processes,
            process_id=launch.process_id,
            initialization_timeout=launch.wait_sec,
            heartbeat_timeout_seconds=launch.heartbeat_sec,
        )
    except ValueError:
        raise ConfigError(
            "coordinator = 'auto': this environment does not say who trains together; "
            "must be HOST:PORT with num_processes and process_id"
        ) from None
    except RuntimeError as error:
        raise LostProcessError(
            f"not all processes met within wait_sec = {launch.wait_sec} ({reason(error)})"
        ) from None


def is_first() -> bool:
    """Whether this process is the first, which is the one that writes."""
    return jax.process_index() == 0


def from_first(find: Callable[[], T], like: T) -> T:
    """A value that the first process finds, told to all.

    Args:
        find: called by the first process only, for a tree of NumPy arrays.
        like: a tree of arrays of the same shapes and dtypes.

    Raises:
        ConfigError: the first process refused to go on.
    """
    if jax.process_count() == 1:
        return find()
    refusal: ConfigError | None = None
    found = like
    if is_first():
        try:
            found = find()
        except ConfigError as error:
            refusal = error
    refused = multihost_utils.broadcast_one_to_all(np.int32(refusal is not None))
    if refusal is not None:
        raise refusal
    if refused:
        raise ConfigError("process 0 refused to start; it says why")
    told = jax.tree.map(np.asarray, multihost_utils.broadcast_one_to_all(found))
    return jax.tree.unflatten(jax.tree.structure(like), jax.tree.leaves(told))


def number_from_first(find: Callable[[], int]) -> int:
    """A whole number that the first process finds, told to all; of at most 8 bytes.

    Raises:
        ConfigError: the first process refused to go on.
    """
    told = from_first(
        lambda: np.frombuffer(find().to_bytes(8, "big"), np.uint8), np.zeros(8, np.uint8)
    )
    return int.from_bytes(told.tobytes(), "big")


def agree(number: int) -> bool:
    """Whether all processes came here with the same whole number, of at most 8 bytes."""
    if jax.process_count() == 1:
        return True
    own = np.frombuffer(number.to_bytes(8, "big"), np.uint8)
    return bool((np.asarray(multihost_utils.process_allgather(own)) == own).all())


def told_by_all(own: bytes) -> list[bytes]:
    """What each process has to tell, in their order, told to all; of any length, also none."""
    if jax.process_count() == 1:
        return [own]
    lengths = np.asarray(multihost_utils.process_allgather(np.int32(len(own))))
    padded = np.zeros(max(1, lengths.max()), np.uint8)
    padded[: len(own)] = np.frombuffer(own, np.uint8)
    told = np.asarray(multihost_utils.process_allgather(padded))
    return [row[:length].tobytes() for row, length in zip(told, lengths, strict=True)]


def meet() -> None:
    """Wait until all processes have come here."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("meet")


SIGNS_OF_LOSS = ("gloo", "nccl", "closed by peer", "coordination", "heartbeat", "unavailable")


@contextmanager
def noticing_losses(
    again: str = "start all processes again: they go on from the newest checkpoint",
) -> Iterator[None]:
    """Say in plain words that another process was lost, where the devices' error shows it.

    Args:
        again: what to do then.

    Raises:
        LostProcessError: the error came from talking to another process.
    """
    try:
        yield
    except (ValueError, RuntimeError) as error:
        said = str(error).lower()
        if jax.process_count() > 1 and any(sign in said for sign in SIGNS_OF_LOSS):
            raise LostProcessError(
                f"another process of this run died or can't be reached ({reason(error)}); {again}"
            ) from None
        raise


@contextmanager
def joined(launch: Processes) -> Iterator[None]:
    """Work with the other processes, and leave them alone as soon as this one fails.

    A normal exit waits until all have come to their ends, which they can't without this one. The
    first process is the one that all others listen to: it gives them a moment for words of their
    own. A run whose end all agreed on has met the others, and exits normally.

    Raises:
        ConfigError: the cluster's environment does not say who they are.
        LostProcessError: they did not all come within `wait_sec`.
    """
    join(launch)
    try:
        yield
    except AgreedError:
        raise
    except Exception as error:
        if jax.process_count() == 1:
            raise
        _say(error)
        if is_first():
            time.sleep(LAST_WORDS_SEC)
        os._exit(getattr(error, "exit_code", 1))


def _say(error: Exception) -> None:
    if isinstance(error, ConfigError | EndedError):
        print(f"error: {error}", file=sys.stderr)
    else:
        traceback.print_exception(error)
    sys.stdout.flush()
    sys.stderr.flush()
