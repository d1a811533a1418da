"""Run a study, or go on with one: train what is missing, choose, measure, compare.

Each run appends a line to the results as it ends; the same command goes on where it stopped. When
nothing is missing it prints the tables, and with --page puts them and the plot on that page.
"""

import functools
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from cgan.config import require, require_known
from cgan.system import cli
from cgan.system.arguments import parse
from eval.study.declare import SEEDS_AT_MOST
from eval.study.options import ExecutorName, Slurm
from eval.study.studies import STUDIES, study_named

if TYPE_CHECKING:
    from eval.study.executor import Executor

RESULTS = Path("docs/results")
PROG = "python -m eval.study"


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that runs a study."""

    study: Annotated[str | None, tyro.conf.Positional] = None
    """Name of the study; --list names all."""
    list: bool = False
    """List the studies with their number of runs, and do nothing else."""
    seeds: int | None = None
    """Number of seeds, from 0 on; the study's own unless given."""
    benchmarks: tuple[str, ...] = ()
    """Names of the only benchmarks to run, with those whose trials they take; all unless given."""
    jobs: int | None = None
    """Number of jobs at once.

    Unless given one on each accelerator of this machine, or 2 that share the cores; on a cluster as
    many as it allows.
    """
    seeds_at_once: int | None = None
    """Seeds trained in one dispatch; what was measured to be fast for the backend unless given.

    With executor local or slurm a job holds no more than these.
    """
    executor: ExecutorName = "processes"
    """What does the jobs: this program's processes, or submitit's, here or on a Slurm cluster."""
    slurm: Slurm = field(default_factory=Slurm)
    """What each job asks of the cluster."""
    logs: Path = Path("runs/study-jobs")
    """Folder of what jobs of executor local or slurm are handed and return, and of their logs."""
    run: bool = True
    """Train what is missing; --no-run makes the tables of what there is."""
    out: Path | None = None
    """File of results: .jsonl; docs/results/STUDY.jsonl unless given."""
    page: Path | None = None
    """Page with the study's markers, whose tables and plot to renew."""
    plot: Path | None = None
    """Picture: .png, .pdf or .svg; beside the page unless given, and none without a page."""

    def __post_init__(self) -> None:
        if self.list:
            return
        expected = f"one of {', '.join(STUDIES)}"
        require(self.study in STUDIES, "study", self.study, expected)
        require_known("benchmarks", self.benchmarks, STUDIES[self.study or ""].benchmarks)
        for name in ("seeds", "jobs", "seeds_at_once"):
            value = getattr(self, name)
            require(value is None or value > 0, name, value, "more than 0")
        limit = f"at most {SEEDS_AT_MOST}: higher ones are for tuning"
        require(self.seeds is None or self.seeds <= SEEDS_AT_MOST, "seeds", self.seeds, limit)
        for option in fields(self.slurm):
            value, usable = getattr(self.slurm, option.name), self.executor == "slurm"
            left_out = f"left out with executor {self.executor!r}"
            require(usable or value == option.default, f"slurm.{option.name}", value, left_out)
        if self.out is not None:
            cli.require_out(self.out, ".jsonl")
        if self.plot is not None:
            cli.require_out(self.plot, ".png", ".pdf", ".svg", name="plot")


def main(argv: Sequence[str] | None = None) -> None:
    """Run what is missing of a study, then print and write what the rows say.

    Raises:
        ConfigError: an argument, a file of results or a page that can't be used.
    """
    argv = sys.argv[1:] if argv is None else argv
    arguments = parse(Arguments, argv, prog=PROG, description=__doc__)
    if arguments.list:
        print_list()
        return
    # Imported late: help and errors should not wait for SciPy and Matplotlib.
    from eval.study import session

    name = arguments.study or ""
    study = session.narrowed(STUDIES[name], arguments.benchmarks, arguments.seeds)
    out = arguments.out or RESULTS / f"{name}.jsonl"
    if arguments.page is not None:
        from eval.study.page import read_page

        read_page(arguments.page, f"study {name}")
    if arguments.run:
        session.run(study, out, executor_of(arguments))
    command = shlex.join(["python", "-m", "eval.study", *argv])
    plot = arguments.plot
    if plot is None and arguments.page is not None:
        plot = arguments.page.parent / "images" / f"study-{name}.png"
    session.publish(name, study, out, command, arguments.page, plot)


def executor_of(arguments: Arguments) -> "Executor":
    """What does the jobs of the study.

    Raises:
        ConfigError: a library or a cluster that is not there, more jobs than accelerators.
    """
    from eval.study import pool, submitted
    from eval.study.places import places

    name, jobs, at_once = arguments.study or "", arguments.jobs, arguments.seeds_at_once
    find = functools.partial(study_named, name)
    if arguments.executor == "processes":
        return pool.processes(find, places(jobs), at_once)
    if arguments.executor == "local":
        return submitted.local(find, places(jobs), at_once, arguments.logs)
    return submitted.slurm(name, find, jobs, at_once, arguments.logs, arguments.slurm)


def print_list() -> None:
    """Print the studies, a few lines each."""
    for name, study in STUDIES.items():
        print(f"{name}: {study.summary}\n    {', '.join(study.benchmarks)}; {study.runs} runs")


if __name__ == "__main__":
    cli.run(main)
