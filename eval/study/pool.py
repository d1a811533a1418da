"""Jobs spread over processes, each with its place on the machine; rows come as they end."""

import functools
import multiprocessing
import os
import queue
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

from eval.study.executor import Executor, FindStudy
from eval.study.places import Place
from eval.study.plan import Job
from eval.study.results import Row

POLL_SEC = 0.5
_rows: Any = None
"""Queue that a worker puts its rows into."""
_enough: Any = None
"""In a worker: set where no more runs are to be begun."""


def processes(find: FindStudy, places: Sequence[Place], seeds_at_once: int | None) -> Executor:
    """An executor of a study's jobs: a process at each of these places.

    It raises `BrokenProcessPool` where a worker was killed, after the rows that it sent before.
    """
    return functools.partial(_run, find, places, seeds_at_once)


def _run(
    find: FindStudy,
    places: Sequence[Place],
    seeds_at_once: int | None,
    jobs: Sequence[Job],
    enough: threading.Event,
) -> Generator[Row, None, None]:
    context = multiprocessing.get_context("spawn")
    rows, free, stop, last = context.Queue(), context.Queue(), context.Event(), context.Event()
    for place in places:
        free.put(place)
    starting = (rows, free, stop, last)
    pool = ProcessPoolExecutor(len(places), context, initializer=_start, initargs=starting)
    running = [pool.submit(_work, find, job, seeds_at_once) for job in jobs]
    try:
        for row in _until_done(rows, running):
            yield row
            if enough.is_set():
                last.set()
                for future in running:
                    future.cancel()
    finally:
        if not all(future.done() for future in running):
            stop.set()
        pool.shutdown(cancel_futures=True)


def _until_done(rows: Any, running: Sequence[Future[None]]) -> Iterator[Row]:
    """The workers' rows as they come; a worker's error is raised after the rows before it."""
    while True:
        over = all(future.done() for future in running) or any(map(_failed, running))
        try:
            while True:
                yield rows.get(timeout=POLL_SEC)
        except queue.Empty:
            if over:
                break
    for future in filter(_failed, running):
        future.result()


def _failed(future: Future[None]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is not None


def _start(rows: Any, free: Any, stop: Any, last: Any) -> None:
    """Take this worker's place, before JAX starts its threads; be quiet; end with the parent."""
    global _rows, _enough
    _rows, _enough = rows, last
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    place: Place = free.get()
    place.take()
    threading.Thread(target=_end_with_parent, args=(stop,), daemon=True).start()


def _end_with_parent(stop: Any) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    while parent.is_alive() and not stop.wait(timeout=1):
        pass
    os._exit(1)


def _work(find: FindStudy, job: Job, seeds_at_once: int | None) -> None:
    # Imported late: JAX reads its environment at its first import.
    from eval.study.runs import rows_of

    for row in rows_of(find(), job, seeds_at_once, _enough.is_set):
        _rows.put(row)
