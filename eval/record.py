"""One measured figure with all that is needed to trust or repeat it, as a line of `eval.jsonl`."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

SampleSet = Literal["generated", "real", "noise"]


@dataclass(frozen=True)
class Record:
    """One value of one metric on one set of samples."""

    metric: str
    value: float | None
    """None where the samples leave the metric undefined."""
    samples: SampleSet
    """generated, or a baseline: the held-out split (real), uniform noise (noise)."""
    n: int
    seed: int
    checkpoint_nimg: int
    source: str
    extractor: str
    extractor_fingerprint: str
    extractor_accuracy: float | None
    reference: str
    """Hash of the samples that the metric compares with: the train split, or its first part."""
    reference_n: int
    floor: float | None
    """What a perfect sampler scores with n samples; None where the metric has no floor."""
    floor_sd: float | None
    details: dict[str, Any]

    def to_json(self) -> str:
        """One line of strict JSON."""
        return json.dumps(asdict(self), allow_nan=False) + "\n"


def append_records(path: Path, records: Iterable[Record]) -> None:
    """Append each record with one write, so that two evaluations at once do not tear lines."""
    lines = [record.to_json().encode() for record in records]
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        for line in lines:
            os.write(descriptor, line)
    finally:
        os.close(descriptor)
