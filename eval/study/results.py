"""The results of a study: a file of JSON lines that only grows, one line a run.

A line is written in one piece as soon as its run has ended, so a study that is killed loses the
runs in flight and nothing else. What a kill cut off is removed when the file is opened again.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from cgan.config import ConfigError, require

Row = dict[str, Any]
"""A row of results: a run by the fields of `Task`, with its figures or with `failed`.

Or a baseline's figures.
"""

REAL, PERFECT, NOISE = "real data", "perfect sampler", "uniform noise"
BASELINES = (REAL, PERFECT, NOISE)
"""Names of the baselines, whose rows stand beside those of the variants."""


class Task(NamedTuple):
    """One run of a study, by what names it in the results."""

    benchmark: str
    variant: str
    factor: float | None
    """Factor of the penalty's weight; None where that is not tuned."""
    seed: int


def task_of(row: Row) -> Task:
    """The run that a row of results is of."""
    return Task(*(row[name] for name in Task._fields))


def is_run(row: Row) -> bool:
    """Whether a row of results is a run's and not a baseline's."""
    return row["variant"] not in BASELINES


def read(path: Path) -> list[Row]:
    """Read the rows of a file of results; none where it is not there yet.

    A last line without an end is left out.

    Raises:
        ConfigError: a line that no study wrote.
    """
    if not path.exists():
        return []
    rows = []
    whole, _, _ = path.read_text(errors="replace").rpartition("\n")
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            row = json.loads(line)
            task_of(row)
        except (ValueError, KeyError, TypeError):
            raise ConfigError(
                f"out = {str(path)!r}: line {number} is no result of a study; must be a file that "
                "python -m eval.study wrote, or none yet"
            ) from None
        rows.append(row)
    return rows


class Results:
    """All rows of results so far, and the file that takes more."""

    def __init__(self, file: BinaryIO, rows: list[Row]) -> None:
        self._file = file
        self.rows = rows

    def append(self, row: Row) -> None:
        """Keep a row of results, on disk before this returns."""
        self._file.write(json.dumps(row).encode() + b"\n")
        self._file.flush()
        self.rows.append(row)


@contextmanager
def opened(path: Path) -> Iterator[Results]:
    """Open the results in this file, to be added to by this process alone.

    Raises:
        ConfigError: another process adds to the file, or it holds something else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            require(False, "out", path, "another file: a study that runs now writes to this one")
        rows = read(path)
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        yield Results(file, rows)
