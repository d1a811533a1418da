"""Train every variant of `benchmarks/variants.py` over seeds: `make ablation`.

Each run appends one line to the results, and a run that is there already is not repeated, so the
command can be stopped and started. Runs are spread over processes of one core each. The table is
made from the results by `benchmarks/ablation_table.py`.
"""

import dataclasses
import json
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import tyro

from benchmarks.variants import DEFAULT, GROUPS, SOURCES, base, quick_metrics, require_known
from cgan import cli, files
from cgan.config import require
from cgan.endings import NonFiniteError

RESULTS = Path(__file__).parent / "results" / "ablation.jsonl"


@dataclass(frozen=True)
class Arguments:
    """Compare losses and their settings on two data sets."""

    groups: tuple[str, ...] = tuple(GROUPS)
    """Which groups of variants to run."""
    sources: tuple[str, ...] = tuple(SOURCES)
    """Which data sets."""
    seeds: int = 5
    """Seeds 0 to this, each run."""
    jobs: int = 2
    """Processes, of one core each."""
    out: Path = RESULTS
    """File of results, appended to."""

    def __post_init__(self) -> None:
        require_known("groups", self.groups, GROUPS)
        require_known("sources", self.sources, SOURCES)
        for name in ("seeds", "jobs"):
            require(getattr(self, name) > 0, name, getattr(self, name), "more than 0")


class Task(NamedTuple):
    """One run, by what names it in the results."""

    source: str
    group: str
    variant: str
    seed: int


def tasks(arguments: Arguments) -> list[Task]:
    """All runs, those of one seed before those of the next."""
    return [
        Task(source, group, variant, seed)
        for seed in range(arguments.seeds)
        for group in arguments.groups
        for variant in GROUPS[group]
        for source in arguments.sources
        if variant == DEFAULT or GROUPS[group][variant](base(source)) != base(source)
    ]


def finished(path: Path) -> set[Task]:
    """The runs that the results hold. A line that a kill cut off is taken out of the file."""
    if not path.exists():
        return set()
    whole, newline, torn = path.read_text().rpartition("\n")
    if torn:
        files.replace(path, (whole + newline).encode())
    rows = [json.loads(line) for line in whole.splitlines()]
    return {Task(*(row[name] for name in Task._fields)) for row in rows}


def one_core(cores: Any) -> None:
    """Bind this process to a core of its own, before JAX starts its threads; keep it quiet."""
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    os.sched_setaffinity(0, {cores.get()})
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"


@cache
def evaluation_of(source: str) -> Any:
    """The data set and its extractor, loaded once a process."""
    from eval.protocol import load_evaluation

    return load_evaluation(base(source).data)


def measure(task: Task) -> dict[str, Any]:
    """Train one variant with one seed and evaluate its samples."""
    import jax

    from cgan import loop, sampling
    from eval.measure import figures
    from eval.protocol import LITERATURE

    total = SOURCES[task.source]
    with tempfile.TemporaryDirectory() as folder:
        config = dataclasses.replace(
            GROUPS[task.group][task.variant](base(task.source)),
            workdir=Path(folder) / "run",
            seed=task.seed,
            total_nimg=total,
            snapshot_nimg=total,
            checkpoint_nimg=total,
        )
        start = time.monotonic()
        try:
            loop.train(config, jax.local_devices()[:1])
        except NonFiniteError as error:
            return task._asdict() | {"failed": str(error)}
        seconds = time.monotonic() - start
        run = sampling.load_run(config.workdir)
        samples = sampling.draw_samples(run, LITERATURE[task.source].n, seed=0)
        evaluation = evaluation_of(task.source)
        found = figures(evaluation, samples, quick_metrics(evaluation.metrics))
    jax.clear_caches()  # compiled programs of finished runs
    return task._asdict() | {"nimg": total, "seconds": round(seconds, 1)} | found


def main() -> None:
    """Run what is missing from the results."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.ablation", description=__doc__)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    known = finished(arguments.out)
    todo = [task for task in tasks(arguments) if task not in known]
    print(f"{len(todo)} runs to do, {len(known)} known: {arguments.out}")
    context = multiprocessing.get_context("spawn")
    cores = context.Manager().Queue()
    available = sorted(os.sched_getaffinity(0))
    for index in range(arguments.jobs):
        cores.put(available[index % len(available)])
    pool = ProcessPoolExecutor(arguments.jobs, context, initializer=one_core, initargs=(cores,))
    with pool, arguments.out.open("a") as results:
        for number, done in enumerate(as_completed([pool.submit(measure, t) for t in todo]), 1):
            row = done.result()
            results.write(json.dumps(row) + "\n")
            results.flush()
            print(f"{number}/{len(todo)}", json.dumps(row), flush=True)


if __name__ == "__main__":
    cli.run(main)
