"""Time from a run's start to its first dispatch, cold and again: `python -m benchmarks.startup`.

`train.py` is started twice for each experiment, with one cache folder that is empty at first, and
ends after one dispatch: imports, data, compilation, the dispatch, a picture and a checkpoint.
Processor time stands beside the clock's, which other work on the machine makes longer.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from cgan.config import require_known
from cgan.system import cli
from cgan.system.compilation_cache import FOLDER, LIMITS
from configs import CONFIGS

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that starts runs twice."""

    experiments: tuple[str, ...] = ("digits", "stacked_digits", "ring8")
    """Experiments of `configs/` to start."""

    def __post_init__(self) -> None:
        require_known("experiments", self.experiments, CONFIGS)


class Seconds(NamedTuple):
    """Seconds of one start, by the clock and by processor time."""

    clock: float
    processor: float


def start(name: str, workdir: Path, cache: Path) -> Seconds:
    """Time one start of `train.py`, which ends after its first dispatch."""
    command = [sys.executable, "train.py", name, "--workdir", str(workdir)]
    command += ["--total-nimg", "1"]
    began, before = time.perf_counter(), used()
    subprocess.run(command, cwd=ROOT, env=with_cache(cache), check=True, capture_output=True)
    return Seconds(time.perf_counter() - began, used() - before)


def with_cache(folder: Path) -> dict[str, str]:
    """This environment with another cache folder, and without settings of the compilation cache."""
    kept = {name: value for name, value in os.environ.items() if name not in (FOLDER, *LIMITS)}
    return kept | {"CGAN_CACHE": str(folder)}


def used() -> float:
    """Processor time in seconds of the processes that were started and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Start each experiment twice, and print a table."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.startup", description=__doc__)
    table = Table("experiment", "first, s", "again, s", "ratio", "of processor time", "cache, MB")
    table.box = box.MARKDOWN
    for name in arguments.experiments:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            cache = root / "cache"
            first, again = (start(name, root / f"run{number}", cache) for number in (1, 2))
            size = sum(path.stat().st_size for path in (cache / "compiled").rglob("*-cache"))
        table.add_row(
            name,
            f"{first.clock:.1f}",
            f"{again.clock:.1f}",
            f"{again.clock / first.clock:.2f}",
            f"{again.processor / first.processor:.2f}",
            f"{size / 1e6:.1f}",
        )
    Console(width=100).print(table)


if __name__ == "__main__":
    cli.run(main)
