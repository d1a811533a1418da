"""One distance on one group of pairs with all that is needed to repeat it: a line of JSON."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from eval.files.json_lines import append_lines, read_rows
from eval.graded.measure import Pairs

RECORDS = "graded.jsonl"
"""Name of the file of a run's records, in its folder or in another one."""


@dataclass(frozen=True)
class Agreement:
    """How well one distance is the known one on one group of pairs."""

    run: str
    distance: str
    """Name of the distance: of the run's embedding, trained or not, or of k-mers."""
    pairs: Pairs
    spearman: float
    relative_rmse: float
    """Root mean squared error over the standard deviation of the known distances."""
    n_pairs: int
    held_out_classes: int
    checkpoint_nimg: int
    seed: int
    source: str

    def to_json(self) -> str:
        """The record as one line of strict JSON."""
        return json.dumps(asdict(self), allow_nan=False) + "\n"


def append_records(path: Path, records: Iterable[Agreement]) -> None:
    """Append each record as a line: all of them or, with a `DiskError`, none."""
    append_lines(path, [record.to_json() for record in records])


def read_records(path: Path) -> list[Agreement]:
    """The records in a file, oldest first; lines of other versions or torn ones are left out."""
    names = {field.name for field in fields(Agreement)}
    return [Agreement(**row) for row in read_rows(path) if set(row) == names]
