"""`metrics.jsonl`: a row of named numbers a line, for scripts; a run's own record of itself."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cgan.run_folder.workdir import Workdir
from cgan.system import files
from cgan.system.errors import writing


class JsonLines:
    """Appends rows; a resumed run first drops the rows that its checkpoint has not seen.

    Each method raises a `DiskError` where they can't be written.
    """

    def __init__(self, workdir: Workdir, resume_nimg: int) -> None:
        self._path = workdir.metrics
        with writing(self._path):
            self.kept = _drop_rows_after(self._path, resume_nimg)
            """The rows that the checkpoint has seen."""
            self._rows = self._path.open("a")

    def scalars(self, nimg: int, row: Mapping[str, float]) -> None:
        """Append a line to the file."""
        with writing(self._path):
            self._rows.write(json.dumps({"nimg": nimg} | dict(row)) + "\n")
            self._rows.flush()

    def image(self, nimg: int, name: str, png: bytes) -> None:
        """Leave pictures out: they have files of their own in the run's folder."""

    def flush(self) -> None:
        """Have all rows on the disk, before a checkpoint that has seen them."""
        with writing(self._path):
            os.fsync(self._rows.fileno())

    def close(self) -> None:
        """Close the file."""
        with writing(self._path):
            self._rows.close()


def _drop_rows_after(path: Path, nimg: int) -> list[dict[str, Any]]:
    """Keep the complete rows up to `nimg`; what follows is written again by the resumed run."""
    if not path.exists():
        return []
    lines = path.read_text(errors="replace").splitlines()
    kept = [(line, row) for line in lines if (row := _seen(line, nimg)) is not None]
    files.replace(path, "".join(line + "\n" for line, _ in kept).encode())
    return [row for _, row in kept]


def _seen(line: str, nimg: int) -> dict[str, Any] | None:
    """A row that is complete and of the images that the checkpoint has seen; None for others."""
    try:
        row = json.loads(line)
        return row if row["nimg"] <= nimg else None
    except (json.JSONDecodeError, KeyError, TypeError):
        return None
