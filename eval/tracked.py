"""What is measured of a run, and drawn in its report, sent to the tracker that has its training."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from cgan.config import TrackerName
from cgan.sampling.runs import Run
from cgan.sinks import Sinks, tracking
from cgan.system import files, terminal
from eval.records.record import Record

PREFIX = "eval/"
"""What the names of figures and pictures begin with in a tracker."""


def send(
    tracker: TrackerName | None,
    root: Path,
    run: Run,
    records: Iterable[Record],
    pictures: Mapping[str, bytes] | None = None,
) -> None:
    """Send figures of generated samples, at the images seen by their checkpoints, and pictures.

    Args:
        tracker: which one; None for none.
        root: the run's folder.
        run: the run.
        records: of its checkpoints.
        pictures: PNG files by name, of the checkpoint that the run was loaded at.
    """
    with Sinks(tracking(tracker, files.at_home(root), run.config, terminal.complain)) as sinks:
        for nimg, row in by_checkpoint(records).items():
            sinks.scalars(nimg, row)
        for name, png in (pictures or {}).items():
            sinks.image(run.nimg, f"{PREFIX}{name}", png)


def by_checkpoint(records: Iterable[Record]) -> dict[int, dict[str, float]]:
    """Defined figures of all generated samples by name, for each checkpoint in its order."""
    found: dict[int, dict[str, float]] = {}
    for record in records:
        nimg, value = record.checkpoint_nimg, record.value
        if record.samples == "generated" and nimg is not None and value is not None:
            found.setdefault(nimg, {})[f"{PREFIX}{record.metric}"] = value
    return dict(sorted(found.items()))
