"""Outputs of a run on disk as it goes: rows of metrics, pictures and checkpoints.

Only the first of many processes writes; the others have `NoOutputs`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from cgan import parallel
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.sinks import Sinks
from cgan.system.errors import SAME_COMMAND, DiskError, writing

PICTURE = "samples"
"""The name of a run's pictures in its sinks."""


@runtime_checkable
class Outputs(Protocol):
    """Protocol of a run's outputs, whose `DiskError` says what is safe and what to do."""

    def row(self, nimg: int, row: dict[str, float]) -> None:
        """Write one row of metrics."""

    def snapshot(self, state: Any, nimg: int) -> Path | None:
        """Draw a state on the devices; returns the picture's path, or None without one."""

    def checkpoint(self, state: Any, nimg: int, pending: dict[str, Any]) -> None:
        """Save the whole state, and the metrics that no row holds yet."""

    def newest_checkpoint(self) -> int | None:
        """Images seen by the newest complete checkpoint, as far as this process knows."""

    def newest(self) -> str:
        """Words for where the newest checkpoint is, for a message."""


class DiskOutputs:
    """Outputs into the run's folder and its sinks."""

    def __init__(
        self,
        draw: Callable[[Any, Path, str], bool],
        workdir: Workdir,
        sinks: Sinks,
        checkpoints: Checkpoints,
    ) -> None:
        """Take what the outputs of a run are written with.

        Args:
            draw: draws a state into a PNG file with a title, if there is anything to be seen.
            workdir: the run's folder.
            sinks: where rows and pictures go.
            checkpoints: of the run.
        """
        self._draw, self._workdir, self._sinks = draw, workdir, sinks
        self._checkpoints = checkpoints

    def row(self, nimg: int, row: dict[str, float]) -> None:
        with self._naming_the_way_out():
            self._sinks.scalars(nimg, row)

    def snapshot(self, state: Any, nimg: int) -> Path | None:
        path = self._workdir.samples / f"{nimg:010d}.png"
        with self._naming_the_way_out():
            with writing(path):
                if not self._draw(state, path, f"{nimg:,} images seen"):
                    return None
                png = path.read_bytes()
            self._sinks.image(nimg, PICTURE, png)
        return path

    def checkpoint(self, state: Any, nimg: int, pending: dict[str, Any]) -> None:
        with self._naming_the_way_out():
            self._sinks.flush()
            self._checkpoints.save(nimg, parallel.fetch(state), pending)

    def newest_checkpoint(self) -> int | None:
        return self._checkpoints.latest()

    def newest(self) -> str:
        newest = self.newest_checkpoint()
        if newest is None:
            return "no checkpoint was saved yet"
        return f"the newest checkpoint is at {newest} images"

    @contextmanager
    def _naming_the_way_out(self) -> Iterator[None]:
        try:
            yield
        except DiskError as error:
            raise DiskError(
                f"{error}; {self.newest()}: make room, or make it writable; {SAME_COMMAND}"
            ) from None


class NoOutputs:
    """Outputs of a process that leaves everything to the first one."""

    def row(self, nimg: int, row: dict[str, float]) -> None:
        """Write no row."""

    def snapshot(self, state: Any, nimg: int) -> Path | None:
        """Draw no picture."""
        return None

    def checkpoint(self, state: Any, nimg: int, pending: dict[str, Any]) -> None:
        """Save no checkpoint."""

    def newest_checkpoint(self) -> int | None:
        """Images seen by the newest checkpoint, which is not known here."""
        return None

    def newest(self) -> str:
        """Words that refer to the first process for the newest checkpoint."""
        return "process 0 says where the newest checkpoint is"
