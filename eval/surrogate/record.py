"""One method's error at one number of points with all that is needed to repeat it: a JSON line."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from eval.files.json_lines import append_lines, read_rows

RECORDS = "surrogate.jsonl"

Method = Literal[
    "source",
    "scratch",
    "weight_decay",
    "fine_tuning",
    "prior",
    "gaussian_process",
    "ridge_on_residuals",
    "gaussian_process_on_residuals",
]


@dataclass(frozen=True)
class Error:
    """Root mean squared error of one method, over draws of the points."""

    method: Method
    points: int
    rmse: float
    """Mean over draws, in the output's unit."""
    standard_error: float | None
    """Standard error of that mean; None for one draw."""
    over_scratch: float
    """Mean error over that of a network from scratch."""
    rmses: tuple[float, ...]
    """The error of each draw; those of one number are of the same points for all methods."""
    strengths: tuple[float, ...] | None
    """Strength of the pull that cross-validation chose in each draw, in samples: `mu`."""
    rmse_by_strength: tuple[tuple[float, float], ...] | None
    """Each strength of the grid, and the mean error with it: known in hindsight alone."""
    output: str
    inputs: tuple[str, ...]
    source: str
    source_n: int
    target: str
    judged_on: str
    seed: int

    def to_json(self) -> str:
        """The record as one line of strict JSON."""
        return json.dumps(asdict(self), allow_nan=False) + "\n"


def append_records(path: Path, records: Iterable[Error]) -> None:
    """Append each record as a line: all of them or, with a `DiskError`, none."""
    append_lines(path, [record.to_json() for record in records])


def read_records(path: Path) -> list[Error]:
    """The records in a file, oldest first; lines of other versions or torn ones are left out."""
    names = {field.name for field in fields(Error)}
    return [_read(row) for row in read_rows(path) if set(row) == names]


def _read(row: dict) -> Error:
    pairs = row["rmse_by_strength"]
    tuples = {name: tuple(row[name]) for name in ("rmses", "inputs")}
    tuples["strengths"] = row["strengths"] and tuple(row["strengths"])
    tuples["rmse_by_strength"] = pairs and tuple(map(tuple, pairs))
    return Error(**row | tuples)
