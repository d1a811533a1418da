"""Runs that are missing, and trials that are chosen: functions of a study and its rows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from eval.study.declare import Study
from eval.study.results import BASELINES, Row, Task, is_run, task_of


class Job(NamedTuple):
    """One job of a study: runs that differ in their seed alone, so that one compilation serves."""

    benchmark: str
    variant: str | None
    """Name of the variant; None for the baselines, which train nothing."""
    trial: str | None
    nimgs: tuple[int, ...]
    """Images, ascending, at which each run is measured; it ends with the last."""
    seeds: tuple[int, ...]


class Choice(NamedTuple):
    """A chosen trial, and the figures that chose it."""

    trial: str
    means: dict[str, float]
    """Mean figure of each trial, in the order of their declaration; infinite where a run failed."""
    ordered: bool

    @property
    def is_at_the_edge(self) -> bool:
        """Whether a trial beyond those of an ordered row might do better."""
        names = list(self.means)
        return self.ordered and len(names) > 1 and self.trial in (names[0], names[-1])


Choices = dict[tuple[str, str], Choice]
"""Choices by benchmark and variant."""


def choices(study: Study, rows: Sequence[Row]) -> Choices:
    """Choose the trials from the tuning runs, where all of these are there."""
    found: Choices = {}
    deciding: dict[Task, float] = {
        task_of(row): np.inf if "failed" in row else row[study.decides_by]
        for row in rows
        if is_run(row) and row["trial"] is not None
    }
    for benchmark, declared in study.benchmarks.items():
        for name, variant in study.variants_of(benchmark).items():
            tasks = {
                trial: _tasks(
                    study, declared.tuned_on or benchmark, name, trial, study.tuning.seeds
                )
                for trial in variant.trials
            }
            if tasks and all(task in deciding for of in tasks.values() for task in of):
                means = {
                    trial: float(np.mean([deciding[task] for task in of]))
                    for trial, of in tasks.items()
                }
                best = min(means, key=lambda trial: means[trial])
                found[benchmark, name] = Choice(best, means, variant.ordered)
    return found


def reported(study: Study, chosen: Choices) -> list[Task]:
    """The runs that tables report, as far as it is known which they are."""
    found = []
    for benchmark in study.benchmarks:
        for name, variant in study.variants_of(benchmark).items():
            choice = chosen.get((benchmark, name))
            if choice is not None or not variant.trials:
                trial = None if choice is None else choice.trial
                seeds = range(study.seeds_of(benchmark))
                found += _tasks(study, benchmark, name, trial, seeds)
    return found


def _tasks(
    study: Study, benchmark: str, variant: str, trial: str | None, seeds: Iterable[int]
) -> list[Task]:
    return [
        Task(benchmark, variant, trial, seed, nimg)
        for seed in seeds
        for nimg in study.nimgs(benchmark, variant, seed)
    ]


def missing(study: Study, rows: Sequence[Row]) -> list[Job]:
    """The jobs that can be run now and were not, in the order of the benchmarks.

    Runs whose trial is not chosen yet come up when it is: ask again until nothing is missing.
    """
    chosen = choices(study, rows)
    tuning = [
        task
        for benchmark in study.benchmarks
        for name in study.variants_of(benchmark)
        for trial in study.trials_of(benchmark, name)
        for task in _tasks(study, benchmark, name, trial, study.tuning.seeds)
    ]
    known = {task_of(row) for row in rows if is_run(row)}
    nimgs: dict[tuple[str, str, str | None, int], list[int]] = defaultdict(list)
    for task in [*tuning, *reported(study, chosen)]:
        if task not in known:
            nimgs[task.benchmark, task.variant, task.trial, task.seed].append(task.nimg)
    seeds: dict[Job, list[int]] = defaultdict(list)
    for (benchmark, name, of_trial, seed), lacks in nimgs.items():
        seeds[Job(benchmark, name, of_trial, tuple(lacks), ())].append(seed)
    jobs = [job._replace(seeds=tuple(of_job)) for job, of_job in seeds.items()]
    measured = {(row["benchmark"], row["variant"]) for row in rows}
    bare = [
        Job(benchmark, None, None, (), ())
        for benchmark in study.benchmarks
        if study.seeds_of(benchmark)
        and not all((benchmark, name) in measured for name in BASELINES)
    ]
    order = list(study.benchmarks)
    return sorted(bare + jobs, key=lambda job: order.index(job.benchmark))
