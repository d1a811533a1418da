"""Signals that ask training to stop: it saves and ends, and one that is in a hurry ends at once."""

import signal
import time

from cgan.system.errors import StoppedError
from cgan.system.signals import ENDING, Listener, end_now, say

URGENT = (signal.SIGTERM, signal.SIGINT)
"""Signals of which a second one ends the program at once.

The others may come twice: a terminal that closes and its shell both send SIGHUP, and a scheduler
sends SIGTERM some time after SIGUSR1.
"""


class Interrupt:
    """A listener to signals that stop training, while it is entered; in the main thread only."""

    def __init__(self, grace_sec: int) -> None:
        self.grace_sec = grace_sec
        self.asked_by: str | None = None
        """Name of the signal that asked to stop."""
        self.has_unsaved = False
        """Whether there is anything to save; without it the first signal ends at once too."""

    def __enter__(self) -> "Interrupt":
        detached = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # by nohup
        heard = [number for number in ENDING if not (detached and number == signal.SIGHUP)]
        self._listener = Listener(heard, self._watch)
        self._listener.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.__exit__(*exception)

    def _watch(self, listener: Listener) -> None:
        first = listener.next()
        if first is None:
            return
        self.asked_by = first.name
        if not self.has_unsaved:
            end_now(StoppedError.exit_code, f"stopped by {first.name}: nothing new to save")
        say(f"{first.name}: saving; a second SIGTERM or Ctrl-C ends at once")
        urgent, until = first in URGENT, time.monotonic() + self.grace_sec
        try:
            while (number := listener.next(until)) is not None:
                if urgent and number in URGENT:
                    end_now(128 + number, f"stopped by {number.name} without saving")
                urgent |= number in URGENT
        except TimeoutError:
            too_late = f"not saved within grace_sec = {self.grace_sec:g}: stopped"
            end_now(128 + first, too_late)
