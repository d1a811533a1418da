"""Jobs that submitit starts: processes of this machine, or jobs of a Slurm cluster.

A job is handed what to run and returns its rows; it writes no results itself.
Which jobs run when is the cluster's to say; on one machine each place takes one after another.
"""

import contextlib
import functools
import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cgan.config import ConfigError
from cgan.system.errors import SAME_COMMAND, EndedError, reason
from cgan.system.signals import Listener, end_now
from eval.study.executor import Executor, FindStudy
from eval.study.options import Slurm
from eval.study.places import VISIBLE, Place
from eval.study.plan import Job
from eval.study.results import Row

POLL_SEC = 0.5
NO_LIMIT_MIN = 366 * 24 * 60
"""Minutes after which submitit ends a process of this machine: it has to be told some number."""


class JobError(EndedError):
    """Jobs of a study failed; the rows of the others are kept."""


class Returned(NamedTuple):
    """What a job hands back."""

    rows: list[Row]
    failure: str | None
    """Why it ended before its end; its rows up to there are good."""


def local(
    find: FindStudy, places: Sequence[Place], seeds_at_once: int | None, logs: Path
) -> Executor:
    """An executor that starts a process of this machine for each job, one at each place at a time.

    Args:
        find: finds the study.
        places: where they may run.
        seeds_at_once: how many seeds share a dispatch, and a job; None for all of a job.
        logs: folder of what jobs are handed, of their logs and of what they return.

    Raises:
        ConfigError: submitit is not installed.
    """
    executor = _submitit("local").LocalExecutor(logs)
    executor.update_parameters(timeout_min=NO_LIMIT_MIN)
    return functools.partial(_run, executor, find, list(places), seeds_at_once)


def slurm(
    name: str,
    find: FindStudy,
    at_once: int | None,
    seeds_at_once: int | None,
    logs: Path,
    options: Slurm,
) -> Executor:
    """An executor that hands all jobs to a Slurm cluster, as one array.

    Args:
        name: of the study, for the jobs' name in the queue.
        find: finds the study.
        at_once: how many may run at the same time; None for as many as the cluster allows.
        seeds_at_once: how many seeds share a dispatch, and a job; None for all of a job.
        logs: folder of what jobs are handed, of their logs and of what they return; the cluster's
            machines have to share it.
        options: what each job asks for.

    Raises:
        ConfigError: submitit is not installed, or this machine has no Slurm. Once it runs, a
            cluster that refuses the jobs, for their options.
    """
    library = _submitit("slurm")
    try:
        executor = library.SlurmExecutor(logs)
    except RuntimeError as error:
        where = "run where Slurm's commands are found, or 'local', or 'processes'"
        raise ConfigError(f"executor = 'slurm': must be {where} ({reason(error)})") from None
    executor.update_parameters(job_name=f"cgan-{name}", **options.parameters)

    def run(jobs: Sequence[Job], enough: threading.Event) -> Generator[Row, None, None]:
        split = split_by_seeds(jobs, seeds_at_once)
        executor.update_parameters(array_parallelism=at_once or len(split))
        return _run(executor, find, [None] * len(split), seeds_at_once, split, enough)

    return run


def split_by_seeds(jobs: Sequence[Job], at_most: int | None) -> list[Job]:
    """Jobs of at most so many seeds that hold the same runs; None leaves them as they are."""
    found = []
    for job in jobs:
        step = at_most or len(job.seeds) or 1
        groups = [job.seeds[start : start + step] for start in range(0, len(job.seeds), step)]
        found += [job._replace(seeds=seeds) for seeds in groups or [()]]
    return found


def _submitit(name: str) -> Any:
    try:
        import submitit
    except ImportError as error:
        raise ConfigError(
            f"executor = {name!r}: needs submitit ({error}); must be 'processes', or "
            "pip install submitit first"
        ) from None
    return submitit


class _Program(NamedTuple):
    """The program that waits for the jobs."""

    process: int
    visible: str | None
    """GPUs that it may use: submitit hides them all from processes of this machine."""


class _InFlight(NamedTuple):
    """A job that was handed over."""

    handle: Any
    """What submitit knows the job by."""
    job: Job
    place: Place | None


def _run(
    executor: Any,
    find: FindStudy,
    places: Sequence[Place | None],
    seeds_at_once: int | None,
    jobs: Sequence[Job],
    enough: threading.Event,
) -> Generator[Row, None, None]:
    """The rows of all jobs, one at each place at a time.

    Raises:
        JobError: some of them failed.
    """
    waiting, free = deque(split_by_seeds(jobs, seeds_at_once)), list(places)
    count, failures = len(waiting), []
    in_flight: list[_InFlight] = []
    here = _Program(os.getpid(), os.environ.get(VISIBLE["gpu"]))
    work = functools.partial(_work, find, seeds_at_once, here)
    with _canceled_at_the_end(in_flight):
        while waiting or in_flight:
            if enough.is_set():
                waiting.clear()
                _cancel_those_that_wait(in_flight)
            count_now = min(len(waiting), len(free))
            if begun := [(waiting.popleft(), free.pop()) for _ in range(count_now)]:
                handles = _handed_over(executor, work, begun)
                in_flight += [_InFlight(h, *of) for h, of in zip(handles, begun, strict=True)]
            ended = [each for each in in_flight if each.handle.done()]
            for each in ended:
                in_flight.remove(each)
                free.append(each.place)
                returned = _returned(each.handle)
                yield from returned.rows
                if returned.failure is not None:
                    log = each.handle.paths.stderr
                    failures.append(f"{_named(each.job)}: {returned.failure}; see {log}")
            if in_flight and not ended:
                time.sleep(POLL_SEC)
    if failures:
        told = f"{len(failures)} of {count} jobs failed, such as {failures[0]}"
        raise JobError(f"{told}. The rows of the others are kept; {SAME_COMMAND}")


def _handed_over(
    executor: Any, work: Callable[..., Returned], jobs: Sequence[tuple[Job, Place | None]]
) -> list[Any]:
    """Submitit's handles of jobs that begin, or wait for the cluster to begin them."""
    try:
        return executor.map_array(work, *zip(*jobs, strict=True))
    except RuntimeError as error:  # its own errors are of this kind
        given = f"executor = {executor.name()!r}: did not take the jobs ({reason(error)})"
        raise ConfigError(f"{given}; must be given options that it knows") from None


def _named(job: Job) -> str:
    """A job in a few words."""
    trial = "" if job.trial is None else f", trial {job.trial}"
    return f"{job.benchmark}, {job.variant or 'baselines'}{trial}"


def _returned(handle: Any) -> Returned:
    """What a job that has ended handed back; nothing where it was ended from outside."""
    if (error := handle.exception()) is None:
        return handle.result()
    return Returned([], f"it returned nothing (state {handle.state}, {type(error).__name__})")


def _cancel_those_that_wait(in_flight: list[_InFlight]) -> None:
    """Take jobs that the cluster has not begun out of its queue, and out of the list."""
    for each in [each for each in in_flight if each.handle.state == "PENDING"]:
        each.handle.cancel(check=False)
        in_flight.remove(each)


@contextlib.contextmanager
def _canceled_at_the_end(in_flight: list[_InFlight]) -> Iterator[None]:
    """Leave no job behind that nobody waits for, whether by an error or by a signal."""

    def cancel() -> None:
        for each in list(in_flight):
            each.handle.cancel(check=False)

    def listen(listener: Listener) -> None:
        if (number := listener.next()) is not None:
            cancel()
            end_now(128 + number, f"stopped by {number.name}; its jobs are cancelled")

    heard = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    numbers = [number for number in heard if signal.getsignal(number) is not signal.SIG_IGN]
    with Listener(numbers, listen):
        try:
            yield
        finally:
            cancel()


def _work(
    find: FindStudy, seeds_at_once: int | None, program: _Program, job: Job, place: Place | None
) -> Returned:
    """In a process of its own: the rows of a job."""
    if place is not None:
        _settle(program, place)
    # Imported late: JAX reads its environment at its first import.
    from eval.study.runs import rows_of

    rows = []
    try:
        for row in rows_of(find(), job, seeds_at_once):
            rows.append(row)
    except Exception as error:
        traceback.print_exc()
        return Returned(rows, f"{type(error).__name__}: {reason(error)}")
    return Returned(rows, None)


def _settle(program: _Program, place: Place) -> None:
    """Be a process of this machine, at its place, that ends with the program that waits for it."""
    os.environ.pop(VISIBLE["gpu"], None)
    if program.visible is not None:
        os.environ[VISIBLE["gpu"]] = program.visible
    place.take()
    threading.Thread(target=_end_with, args=(program.process,), daemon=True).start()


def _end_with(process: int) -> None:
    """End this process once another one of this machine is gone, however it ended."""
    while True:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            os._exit(1)
        time.sleep(1)
