"""Runs that are missing, and penalties that are chosen: functions of a study and its rows."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eval.study.declare import Study
from eval.study.results import BASELINES, Row, Task, is_run, task_of


class Job(NamedTuple):
    """One job of a study: runs that differ in their seed alone, so that one compilation serves."""

    benchmark: str
    variant: str | None
    """Name of the variant; None for the baselines, which train nothing."""
    factor: float | None
    seeds: tuple[int, ...]


class Choice(NamedTuple):
    """A chosen factor of the penalty's weight, and the figures that chose it."""

    factor: float
    means: dict[float, float]
    """Mean figure of each factor; infinite where a run failed."""

    @property
    def is_at_the_edge(self) -> bool:
        """Whether a factor beyond those tried might do better."""
        return len(self.means) > 1 and self.factor in (min(self.means), max(self.means))


Choices = dict[tuple[str, str], Choice]
"""Choices by benchmark and variant."""


def choices(study: Study, rows: Sequence[Row]) -> Choices:
    """Choose the penalties from the tuning runs, where all of these are there."""
    found: Choices = {}
    judged: dict[Task, float] = {
        task_of(row): np.inf if "failed" in row else row[study.judge]
        for row in rows
        if is_run(row) and row["factor"] is not None
    }
    for benchmark in study.benchmarks:
        for name, variant in study.variants.items():
            if not variant.tuned:
                continue
            means = {}
            for factor in study.tuning.factors:
                tasks = [Task(benchmark, name, factor, seed) for seed in study.tuning.seeds]
                if all(task in judged for task in tasks):
                    means[factor] = float(np.mean([judged[task] for task in tasks]))
            if len(means) == len(study.tuning.factors):
                found[benchmark, name] = Choice(min(means, key=lambda f: means[f]), means)
    return found


def reported(study: Study, chosen: Choices, seeds: int) -> list[Task]:
    """The runs that tables report, as far as it is known which they are."""
    return [
        Task(benchmark, name, chosen[benchmark, name].factor if variant.tuned else None, seed)
        for benchmark in study.benchmarks
        for name, variant in study.variants.items()
        if not variant.tuned or (benchmark, name) in chosen
        for seed in range(seeds)
    ]


def missing(study: Study, rows: Sequence[Row], seeds: int) -> list[Job]:
    """The jobs that can be run now and were not, in the order of the benchmarks.

    Runs whose penalty is not chosen yet come up when it is: ask again until nothing is missing.
    """
    chosen = choices(study, rows)
    tuning = [
        Task(benchmark, name, factor, seed)
        for benchmark in study.benchmarks
        for name, variant in study.variants.items()
        if variant.tuned
        for factor in study.tuning.factors
        for seed in study.tuning.seeds
    ]
    known = {task_of(row) for row in rows if is_run(row)}
    todo: dict[tuple[str, str, float | None], list[int]] = defaultdict(list)
    for task in [*tuning, *reported(study, chosen, seeds)]:
        if task not in known:
            todo[task.benchmark, task.variant, task.factor].append(task.seed)
    jobs = [Job(*of, tuple(of_job)) for of, of_job in todo.items()]
    measured = {(row["benchmark"], row["variant"]) for row in rows}
    bare = [
        Job(benchmark, None, None, ())
        for benchmark in study.benchmarks
        if not all((benchmark, name) in measured for name in BASELINES)
    ]
    order = list(study.benchmarks)
    return sorted(bare + jobs, key=lambda job: order.index(job.benchmark))
