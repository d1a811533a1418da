"""One accuracy at one number of labels with all that is needed to repeat it: a line of JSON."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from eval.few_labels.representations import Origin
from eval.files.json_lines import append_lines, read_rows

Method = Literal["nearest_neighbor", "logistic_regression", "fine_tuning"]


@dataclass(frozen=True)
class Accuracy:
    """Held-out accuracy of one classifier on one representation, over draws of the labels."""

    method: Method
    origin: Origin
    """Whose weights: the run's, those that it started from, or none for pixels."""
    features: str
    """Name of the tap that was read, or pixels, coordinates or PCA."""
    labels_per_class: int
    accuracy: float
    """Mean over draws."""
    standard_error: float | None
    """Standard error of that mean; None for one draw."""
    over_baseline: float | None
    """Mean difference to the same classifier on the samples themselves, on the same draws.

    Of fine-tuning it is the difference to the same network from scratch.
    """
    over_baseline_standard_error: float | None
    accuracies: tuple[float, ...]
    """The accuracy of each draw; those of one number are of the same samples for all."""
    held_out_n: int
    train_n: int
    """Train samples among which labels are drawn, and by which features are standardised."""
    classes: int
    seed: int
    checkpoint_nimg: int
    source: str
    with_labels: bool
    """Whether the run itself learnt with all the labels."""

    def to_json(self) -> str:
        """The record as one line of strict JSON."""
        return json.dumps(asdict(self), allow_nan=False) + "\n"


def append_records(path: Path, records: Iterable[Accuracy]) -> None:
    """Append each record as a line: all of them or, with a `DiskError`, none."""
    append_lines(path, [record.to_json() for record in records])


def read_records(path: Path) -> list[Accuracy]:
    """The records in a file, oldest first; lines of other versions or torn ones are left out."""
    names = {field.name for field in fields(Accuracy)}
    return [
        Accuracy(**row | {"accuracies": tuple(row["accuracies"])})
        for row in read_rows(path)
        if set(row) == names
    ]
