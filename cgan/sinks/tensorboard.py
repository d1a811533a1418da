"""TensorBoard's event files, for the eye."""

import io
import os
import time
from collections.abc import Mapping
from typing import Any

from PIL import Image
from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

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
        """An event with the picture in it."""
        width, height = Image.open(io.BytesIO(png)).size
        shown = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
        with writing(self._folder):
            self._write(nimg, summary=Summary(value=[Summary.Value(tag=name, image=shown)]))

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
