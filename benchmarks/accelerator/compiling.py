"""Programs compiled side by side, each once, and how long each took."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import jax

T = TypeVar("T")

SAVED = "/jax/compilation_cache/compile_time_saved_sec"
"""JAX's event for a program that was found compiled, with the seconds that this saved."""
_own = threading.local()


def _count(event: str, duration_secs: float, **kwargs: str | int) -> None:
    if event == SAVED:
        _own.saved = getattr(_own, "saved", 0.0) + max(0.0, duration_secs)


jax.monitoring.register_event_duration_secs_listener(_count)


def timed(compile_: Callable[[], T]) -> tuple[T, float]:
    """A compiled program and its seconds, those that JAX's cache saved counted too."""
    _own.saved, start = 0.0, time.perf_counter()
    program = compile_()
    return program, time.perf_counter() - start + _own.saved


def side_by_side(makes: Mapping[str, Callable[[], T]]) -> dict[str, Future[T]]:
    """Make all of these at once, a thread for each as far as there are cores; waits for all.

    XLA compiles outside of Python's lock, and tries algorithms on a device for one program at a
    time. What fails does so where its result is asked for.
    """
    cores = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(max(1, min(len(makes), cores))) as pool:
        return {name: pool.submit(make) for name, make in makes.items()}
