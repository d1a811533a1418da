"""Outputs of a run on disk as it goes: rows of metrics, pictures and checkpoints.

Only the first of many processes writes; the others have `NoOutputs`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from cgan import parallel
from cgan.assemble import Parts
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.metrics import MetricsWriter
from cgan.run_folder.workdir import Workdir
from cgan.sampling.sampler import Sampler
from cgan.state import TrainState
from cgan.system.errors import SAME_COMMAND, DiskError, writing


@runtime_checkable
class Outputs(Protocol):
    """Protocol of a run's outputs, whose `DiskError` says what is safe and what to do."""

    def row(self, nimg: int, row: dict[str, float]) -> None:
        """Write one row of metrics."""

    def snapshot(self, state: TrainState, nimg: int) -> Path | None:
        """Draw the fixed latents through the averaged generator; returns the picture's path."""

    def checkpoint(self, state: TrainState, nimg: int, pending: dict[str, Any]) -> None:
        """Save the whole state, and the metrics that no row holds yet."""

    def newest_checkpoint(self) -> int | None:
        """Images seen by the newest complete checkpoint, as far as this process knows."""

    def newest(self) -> str:
        """Words for where the newest checkpoint is, for a message."""


class DiskOutputs:
    """Outputs into the run's folder."""

    def __init__(
        self, parts: Parts, workdir: Workdir, writer: MetricsWriter, checkpoints: Checkpoints
    ) -> None:
        self._workdir, self._writer, self._checkpoints = workdir, writer, checkpoints
        self._sampler = Sampler(parts)

    def row(self, nimg: int, row: dict[str, float]) -> None:
        with self._naming_the_way_out():
            self._writer.write(nimg, row)

    def snapshot(self, state: TrainState, nimg: int) -> Path | None:
        path = self._workdir.samples / f"{nimg:010d}.png"
        params = parallel.fetch(state.generator_ema)
        with self._naming_the_way_out(), writing(path):
            self._sampler.snapshot(params, path, f"{nimg:,} images seen")
        return path

    def checkpoint(self, state: TrainState, nimg: int, pending: dict[str, Any]) -> None:
        with self._naming_the_way_out():
            self._writer.flush()
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

    def snapshot(self, state: TrainState, nimg: int) -> Path | None:
        """Draw no picture."""
        return None

    def checkpoint(self, state: TrainState, nimg: int, pending: dict[str, Any]) -> None:
        """Save no checkpoint."""

    def newest_checkpoint(self) -> int | None:
        """Images seen by the newest checkpoint, which is not known here."""
        return None

    def newest(self) -> str:
        """Words that refer to the first process for the newest checkpoint."""
        return "process 0 says where the newest checkpoint is"
