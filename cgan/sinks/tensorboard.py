"""TensorBoard's event files: curves for the eye."""

import os
import time
from collections.abc import Mapping
from typing import Any

from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog

from cgan.run_folder.workdir import Workdir
from cgan.system.errors import writing


class TensorBoard:
    """Appends events; each process has a file of its own.

    Each method raises a `DiskError` where they can't be written.
    """

    def __init__(self, workdir: Workdir, resume_nimg: int) -> None:
        self._folder = workdir.tensorboard
        with writing(self._folder):
            self._folder.mkdir(exist_ok=True)
            # Not tensorboardX's SummaryWriter: its thread dies of a full disk, and then it blocks.
            prefix, suffix = str(self._folder.absolute() / "events"), f".{os.getpid()}"
            self._events = EventsWriter(prefix, suffix)
            # What an earlier process wrote from here on does not count.
            self._write(resume_nimg + 1, session_log=SessionLog(status=SessionLog.START))

    def scalars(self, nimg: int, row: Mapping[str, float]) -> None:
        """An event for each number."""
        with writing(self._folder):
            for name, value in row.items():
                self._write(nimg, summary=summary.scalar(name, value))

    def image(self, nimg: int, name: str, png: bytes) -> None:
        """Leave pictures out: they have files of their own, and would take their room twice."""

    def flush(self) -> None:
        """Have all events on the disk."""
        with writing(self._folder):
            self._events.flush()

    def close(self) -> None:
        """Close the file."""
        with writing(self._folder):
            self._events.close()

    def _write(self, nimg: int, **content: Any) -> None:
        self._events.write_event(Event(wall_time=time.time(), step=nimg, **content))
