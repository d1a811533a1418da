"""What a run leaves on disk as it goes: rows of metrics, pictures and checkpoints.

Only the first of many processes writes; the others have `NoOutputs`.
"""

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from cgan import parallel
from cgan.assemble import Parts
from cgan.checkpoint import Checkpoints
from cgan.endings import writing
from cgan.sampling import Sampler
from cgan.state import TrainState
from cgan.workdir import Workdir
from cgan.writer import MetricsWriter


@runtime_checkable
class Outputs(Protocol):
    """Each method raises a `DiskError` where the file can't be written."""

    def row(self, nimg: int, row: dict[str, float]) -> None:
        """One row of metrics."""

    def snapshot(self, state: TrainState, nimg: int) -> Path | None:
        """A picture of the fixed latents through the averaged generator; returns its path."""

    def checkpoint(self, state: TrainState, nimg: int, pending: dict[str, Any]) -> None:
        """The whole state, and the metrics that no row holds yet."""

    def newest_checkpoint(self) -> int | None:
        """Images seen by the newest complete checkpoint, as far as this process knows."""


class DiskOutputs:
    """Writes into the run's folder."""

    def __init__(
        self, parts: Parts, workdir: Workdir, writer: MetricsWriter, checkpoints: Checkpoints
    ) -> None:
        self._workdir, self._writer, self._checkpoints = workdir, writer, checkpoints
        self._sampler = Sampler(parts)

    def row(self, nimg: int, row: dict[str, float]) -> None:
        self._writer.write(nimg, row)

    def snapshot(self, state: TrainState, nimg: int) -> Path | None:
        path = self._workdir.samples / f"{nimg:010d}.png"
        params = parallel.fetch(state.generator_ema)
        with writing(path):
            self._sampler.snapshot(params, path, f"{nimg:,} images seen")
        return path

    def checkpoint(self, state: TrainState, nimg: int, pending: dict[str, Any]) -> None:
        self._writer.flush()
        self._checkpoints.save(nimg, parallel.fetch(state), pending)

    def newest_checkpoint(self) -> int | None:
        return self._checkpoints.latest()


class NoOutputs:
    """Leaves everything to the first process."""

    def row(self, nimg: int, row: dict[str, float]) -> None:
        """Nothing."""

    def snapshot(self, state: TrainState, nimg: int) -> Path | None:
        """Nothing."""
        return None

    def checkpoint(self, state: TrainState, nimg: int, pending: dict[str, Any]) -> None:
        """Nothing."""

    def newest_checkpoint(self) -> int | None:
        """Not known here."""
        return None
