"""The results of a study: a file of JSON lines that only grows, one line a run.

A line is written in one piece as soon as its run has ended, so a study that is killed loses the
runs in flight and nothing else. What a kill cut off is removed when the next line is written.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cgan.config import ConfigError, require
from eval.files import json_lines
from eval.files.json_lines import JsonLines

Row = dict[str, Any]
"""A row of results: a run's by the fields of `Task`, with its figures or with `failed`.

Or a baseline's figures.
"""

REAL, PERFECT, NOISE = "real data", "perfect sampler", "uniform noise"
BASELINES = (REAL, PERFECT, NOISE)
"""Names of the baselines, whose rows stand beside those of the variants."""


class Task(NamedTuple):
    """One run of a study as it is after so many images, by what names it in the results."""

    benchmark: str
    variant: str
    trial: str | None
    """Name of one of the variant's trials; None where it is not tuned."""
    seed: int
    nimg: int
    """Images seen, out of all that the run may see."""


def task_of(row: Row) -> Task:
    """The run, and where on its way, that a row of results is of."""
    return Task(*(row[name] for name in Task._fields))


def is_run(row: Row) -> bool:
    """Whether a row of results is a run's and not a baseline's."""
    return row["variant"] not in BASELINES


def read(path: Path) -> list[Row]:
    """The rows of a file; none where it is not there yet. A last line that is torn is left out.

    Raises:
        ConfigError: a line that no study wrote.
    """
    if not path.exists():
        return []
    rows = []
    for number, line in enumerate(json_lines.whole_lines(path), 1):
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

    def __init__(self, file: JsonLines, rows: list[Row]) -> None:
        self._file = file
        self.rows = rows

    def append(self, row: Row) -> None:
        """Keep a row, handed to the system before this returns.

        Raises:
            DiskError: the file can't be written.
        """
        self._file.append([json.dumps(row) + "\n"])
        self.rows.append(row)


@contextmanager
def opened(path: Path) -> Iterator[Results]:
    """Open the results in this file, to be added to by this process alone.

    Raises:
        ConfigError: another process adds to the file, or it holds something else.
    """
    with ExitStack() as held:
        try:
            file = held.enter_context(json_lines.opened(path, wait=False))
        except json_lines.InUse:
            require(False, "out", path, "another file: a study that runs now writes to this one")
        yield Results(file, read(path))
