"""Metrics out: `metrics.jsonl` for scripts, TensorBoard event files for the eye."""

import json
from pathlib import Path

from tensorboardX import SummaryWriter

from cgan import files
from cgan.workdir import Workdir


class MetricsWriter:
    """Appends rows; a resumed run first drops the rows that its checkpoint has not seen."""

    def __init__(self, workdir: Workdir, resume_nimg: int) -> None:
        _drop_rows_after(workdir.metrics, resume_nimg)
        self._rows = workdir.metrics.open("a")
        self._events = SummaryWriter(str(workdir.tensorboard), purge_step=resume_nimg + 1)

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self._rows.close()
        self._events.close()

    def write(self, nimg: int, row: dict[str, float]) -> None:
        """Write one row of named numbers at a point of the clock."""
        self._rows.write(json.dumps({"nimg": nimg} | row) + "\n")
        self._rows.flush()
        for name, value in row.items():
            self._events.add_scalar(name, value, global_step=nimg)


def _drop_rows_after(path: Path, nimg: int) -> None:
    """Keep the complete rows up to `nimg`; what follows is written again by the resumed run."""
    if not path.exists():
        return
    kept = [line for line in path.read_text(errors="replace").splitlines() if _is_seen(line, nimg)]
    files.replace(path, "".join(line + "\n" for line in kept).encode())


def _is_seen(line: str, nimg: int) -> bool:
    """Whether a row is complete and of the images that the checkpoint has seen."""
    try:
        return json.loads(line)["nimg"] <= nimg
    except json.JSONDecodeError:
        return False
