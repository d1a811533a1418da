"""Signals heard at once, whatever the main thread is doing.

Python runs its own handlers between two lines of the main thread, which may be inside of a
compilation for minutes, or in a library's hook that swallows what a handler raises. So a thread of
ours is told: by a byte in a pipe, which the interpreter writes as soon as the signal arrives
(`signal.set_wakeup_fd`).
"""

import contextlib
import multiprocessing
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, NoReturn

from cgan.system import terminal

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP)
"""Signals that ask a program to end: from people, schedulers and terminals that close."""


class Listener:
    """A listener to signals on a thread of its own while it is entered; only in the main thread."""

    def __init__(
        self, numbers: Sequence[signal.Signals], listen: Callable[["Listener"], None]
    ) -> None:
        """Prepare to listen; nothing is heard before it is entered.

        Args:
            numbers: which signals; they do nothing else meanwhile.
            listen: called on the thread, to ask for the `next` of them.
        """
        self._numbers, self._listen = numbers, listen
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Listener":
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in self._numbers:
            self._before[number] = signal.signal(number, _leave_to_the_thread)
        self._thread = threading.Thread(
            target=self._listen, args=(self,), name="signals", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._write)  # the thread reads an end of file, and returns
        self._thread.join()
        os.close(self._read)

    def next(self, until: float | None = None) -> signal.Signals | None:
        """Wait for the next signal; None when the listener is left.

        Args:
            until: how long to wait, on the clock of `time.monotonic`; None for ever.

        Raises:
            TimeoutError: none came.
        """
        while True:
            patience = None if until is None else max(0.0, until - time.monotonic())
            if not select.select([self._read], [], [], patience)[0]:
                raise TimeoutError
            byte = os.read(self._read, 1)
            if not byte:
                return None
            if byte[0] in self._numbers:
                return signal.Signals(byte[0])


def _leave_to_the_thread(number: int, frame: FrameType | None) -> None:
    """Handle a signal by doing nothing: the thread has been told already."""


SHOW_CURSOR = "\x1b[?25h"


def say(text: str) -> None:
    """Print a line on standard error, below a progress bar that is being drawn."""
    with contextlib.suppress(OSError, ValueError):  # the terminal may be what is gone
        if sys.stderr.isatty():
            sys.stderr.write("\n" + SHOW_CURSOR)
    terminal.complain(text)


def end_now(code: int, text: str) -> NoReturn:
    """End the process at once, its workers too, with a line on standard error.

    Files are written whole and rows flushed one by one, so that this is safe at any moment.
    """
    try:
        say(text)
        for worker in multiprocessing.active_children():
            worker.kill()
    finally:
        os._exit(code)
