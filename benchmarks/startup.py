"""How long a run takes to its first dispatch, for the first time and again: `python -m
benchmarks.startup`.

`train.py` is started twice for each experiment, with one cache folder that is empty at first, and
ends after one dispatch: imports, data, compilation, the dispatch, a picture and a checkpoint.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from cgan import cli
from cgan.compiled import FOLDER, LIMITS
from cgan.config import require
from configs import CONFIGS

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Arguments:
    """Start runs twice."""

    experiments: tuple[str, ...] = ("digits", "stacked_digits", "ring8")
    """Of `configs/`."""

    def __post_init__(self) -> None:
        for name in self.experiments:
            require(name in CONFIGS, "experiments", name, f"one of {', '.join(CONFIGS)}")


def start(name: str, workdir: Path, cache: Path) -> float:
    """Seconds that the command takes."""
    kept = {key: value for key, value in os.environ.items() if key not in (FOLDER, *LIMITS)}
    command = [sys.executable, "train.py", name, "--workdir", str(workdir)]
    command += ["--total-nimg", "1"]
    began = time.perf_counter()
    subprocess.run(
        command, cwd=ROOT, env=kept | {"CGAN_CACHE": str(cache)}, check=True, capture_output=True
    )
    return time.perf_counter() - began


def main() -> None:
    """Start each twice, print."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.startup", description=__doc__)
    table = Table("experiment", "first, s", "again, s", "ratio", "cache, MB", box=box.MARKDOWN)
    for name in arguments.experiments:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            cache = root / "cache"
            first, again = (start(name, root / f"run{number}", cache) for number in (1, 2))
            size = sum(path.stat().st_size for path in (cache / "compiled").rglob("*-cache"))
        table.add_row(
            name, f"{first:.1f}", f"{again:.1f}", f"{again / first:.2f}", f"{size / 1e6:.1f}"
        )
    Console(width=100).print(table)


if __name__ == "__main__":
    cli.run(main)
