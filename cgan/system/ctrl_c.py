"""Ctrl-C ends a program that has nothing to save, at once and always.

Python's own way, an exception in the main thread, waits for a compilation to end, and is lost
where it is raised in a hook of JAX or of the garbage collector.
"""

import atexit
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from cgan.system.signals import Listener, end_now

EXIT_CODE = 128 + signal.SIGINT
STOPPED = "stopped by Ctrl-C"


@contextmanager
def ends_at_once() -> Iterator[None]:
    """End the program with exit code 130 when SIGINT comes; only in the main thread.

    One that was started with the signal ignored, in the background of a script, keeps it ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        yield
        return
    try:
        with Listener([signal.SIGINT], _end):
            yield
    finally:  # what libraries do at the interpreter's end is in the way of nobody either
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_DFL)


def _end(listener: Listener) -> None:
    if listener.next() is not None:
        end_now(EXIT_CODE, STOPPED)
