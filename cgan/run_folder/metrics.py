"""Metrics of a run on disk: `metrics.jsonl` for scripts, TensorBoard event files for the eye."""

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog

from cgan.run_folder.workdir import Workdir
from cgan.system import files
from cgan.system.errors import DiskError, writing


class RowMeans:
    """Means of metrics over the steps since the last row; what is pending goes into checkpoints.

    So a resumed run writes the very rows that it would have written.
    """

    def __init__(self, pending: dict[str, Any]) -> None:
        self._sums: dict[str, float] = dict(pending.get("sums", {}))
        self._steps: int = pending.get("steps", 0)

    @property
    def pending(self) -> dict[str, Any]:
        """All sums that are needed to go on, in JSON's types (exact for float64)."""
        return {"sums": dict(self._sums), "steps": self._steps}

    def add(self, metrics: dict[str, np.ndarray]) -> None:
        """Add the metrics of one dispatch, `[steps]` each."""
        for name, values in metrics.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(values.astype(np.float64).sum())
        self._steps += len(next(iter(metrics.values())))

    def take(self) -> dict[str, float]:
        """Take the means since the last row, and begin anew."""
        means = {name: total / self._steps for name, total in self._sums.items()}
        self._sums, self._steps = {}, 0
        return means


class MetricsWriter:
    """A writer of rows; for a resumed run it first drops what its checkpoint has not seen.

    Each method raises a `DiskError` where they can't be written.
    """

    def __init__(self, workdir: Workdir, resume_nimg: int) -> None:
        self._path = workdir.metrics
        with writing(self._path):
            self.kept = _drop_rows_after(workdir.metrics, resume_nimg)
            """Rows that the checkpoint has seen."""
            self._rows = workdir.metrics.open("a")
            workdir.tensorboard.mkdir(exist_ok=True)
            # Not tensorboardX's SummaryWriter: its thread dies of a full disk, and then it blocks.
            prefix, suffix = str(workdir.tensorboard.absolute() / "events"), f".{os.getpid()}"
            self._events = EventsWriter(prefix, suffix)
            self._purge_from(resume_nimg + 1)

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            with writing(self._path):
                self._rows.close()
                self._events.close()
        except DiskError:
            if exception[0] is None:
                raise

    def write(self, nimg: int, row: dict[str, float]) -> None:
        """Write one row of named numbers at a point of the clock."""
        with writing(self._path):
            self._rows.write(json.dumps({"nimg": nimg} | row) + "\n")
            self._rows.flush()
            for name, value in row.items():
                scalar = summary.scalar(name, value)
                self._events.write_event(Event(wall_time=time.time(), step=nimg, summary=scalar))

    def flush(self) -> None:
        """Write all rows to the disk, before a checkpoint that has seen them."""
        with writing(self._path):
            os.fsync(self._rows.fileno())
            self._events.flush()

    def _purge_from(self, nimg: int) -> None:
        """Tell TensorBoard that what an earlier process wrote from here on does not count."""
        start = SessionLog(status=SessionLog.START)
        self._events.write_event(Event(wall_time=time.time(), step=nimg, session_log=start))


def _drop_rows_after(path: Path, nimg: int) -> list[dict[str, Any]]:
    """Keep the complete rows up to `nimg`; what follows is written again by the resumed run."""
    if not path.exists():
        return []
    lines = path.read_text(errors="replace").splitlines()
    kept = [(line, row) for line in lines if (row := _seen(line, nimg)) is not None]
    files.replace(path, "".join(line + "\n" for line, _ in kept).encode())
    return [row for _, row in kept]


def _seen(line: str, nimg: int) -> dict[str, Any] | None:
    """A row, if it is complete and of images that the checkpoint has seen; None for others."""
    try:
        row = json.loads(line)
        return row if row["nimg"] <= nimg else None
    except (json.JSONDecodeError, KeyError, TypeError):
        return None
