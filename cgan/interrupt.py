"""SIGTERM and SIGINT: the first asks the run to save and stop, a second ends it at once.

Python runs its own handlers between two lines of the main thread, which may be inside of a
compilation for minutes. So a thread of ours is told: by a byte in a pipe, which the interpreter
writes as soon as the signal arrives (`signal.set_wakeup_fd`).
"""

import multiprocessing
import os
import select
import signal
import sys
import threading
from types import FrameType
from typing import Any

from cgan.endings import StoppedError

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interrupt:
    """Watches for the signals while it is entered; only in the main thread."""

    def __init__(self, grace_sec: int) -> None:
        self.grace_sec = grace_sec
        self.asked_by: str | None = None
        """Name of the signal that asked to stop."""
        self.has_unsaved = False
        """Whether there is anything to save; without it the first signal ends at once too."""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupt":
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._wakeup_before = signal.set_wakeup_fd(self._write)
        for number in SIGNALS:
            self._before[number] = signal.signal(number, _leave_to_the_thread)
        self._watcher = threading.Thread(target=self._watch, name="interrupt", daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._write)  # the watcher reads an end of file, and returns
        self._watcher.join()
        os.close(self._read)

    def _watch(self) -> None:
        first = self._next_signal(timeout=None)
        if first is None:
            return
        self.asked_by = signal.Signals(first).name
        if not self.has_unsaved:
            _end_now(StoppedError.exit_code, f"stopped by {self.asked_by}: nothing new to save")
        _say(f"{self.asked_by}: saving; once more ends at once")
        second = self._next_signal(self.grace_sec)
        if second is not None:
            _end_now(128 + second, f"stopped by {signal.Signals(second).name} without saving")

    def _next_signal(self, timeout: float | None) -> int | None:
        """The next of our signals; None when the run has ended. Too late is an end as well."""
        while True:
            if not select.select([self._read], [], [], timeout)[0]:
                number = signal.Signals[self.asked_by or "SIGTERM"].value
                _end_now(128 + number, f"not saved within grace_sec = {self.grace_sec:g}: stopped")
            byte = os.read(self._read, 1)
            if not byte:
                return None
            if byte[0] in SIGNALS:
                return byte[0]


def _leave_to_the_thread(number: int, frame: FrameType | None) -> None:
    """The watcher has been told already."""


SHOW_CURSOR = "\x1b[?25h"


def _say(text: str) -> None:
    print(("\n" + SHOW_CURSOR if sys.stderr.isatty() else "") + text, file=sys.stderr, flush=True)


def _end_now(code: int, text: str) -> None:
    """Files are written whole and rows flushed one by one, so that this is safe at any moment."""
    _say(text)
    for worker in multiprocessing.active_children():
        worker.kill()
    os._exit(code)
