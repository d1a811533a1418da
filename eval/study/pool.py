"""Jobs spread over processes, each with its share of the cores; rows come as they end."""

import multiprocessing
import os
import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

from eval.study.plan import Job
from eval.study.results import Row

POLL_SEC = 0.5
_rows: Any = None
"""Queue that a worker puts its rows into."""


def run(
    study: str, jobs: Sequence[Job], processes: int, seeds_at_once: int | None
) -> Iterator[Row]:
    """Run jobs of a study in processes, and yield their rows in the order in which they end.

    Raises:
        BrokenProcessPool: a worker was killed; the rows that it sent before were yielded.
    """
    context = multiprocessing.get_context("spawn")
    rows, numbers, stop = context.Queue(), context.Queue(), context.Event()
    for number in range(processes):
        numbers.put(number)
    starting = (rows, numbers, processes, stop)
    pool = ProcessPoolExecutor(processes, context, initializer=_start, initargs=starting)
    running = [pool.submit(_work, study, job, seeds_at_once) for job in jobs]
    try:
        yield from _until_done(rows, running)
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
    return future.done() and future.exception() is not None


def _start(rows: Any, numbers: Any, processes: int, stop: Any) -> None:
    """Begin a worker: take its cores before JAX starts threads, be quiet, end with the parent."""
    global _rows
    _rows = rows
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    cores = sorted(os.sched_getaffinity(0))
    own = set(cores[numbers.get() % len(cores) :: processes])
    os.sched_setaffinity(0, own)
    if len(own) == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    threading.Thread(target=_end_with_parent, args=(stop,), daemon=True).start()


def _end_with_parent(stop: Any) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    while parent.is_alive() and not stop.wait(timeout=1):
        pass
    os._exit(1)


def _work(study: str, job: Job, seeds_at_once: int | None) -> None:
    # Imported late: JAX reads its environment at its first import.
    from eval.study.runs import rows_of
    from eval.study.studies import STUDIES

    for row in rows_of(STUDIES[study], job, seeds_at_once):
        _rows.put(row)
