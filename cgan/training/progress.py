"""Progress of a run on the terminal: images/s and time left, and a line at each snapshot."""

import sys
import time
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from cgan.system.errors import reason
from cgan.system.legible import plain, shortened

PIPED_WIDTH = 120
"""Width in columns of the line that is left where standard output is no terminal."""


NAME_AT_MOST = 40
"""Most characters of the run's name in the bar."""


class Output:
    """A stream, until it can't be written: from then on it takes everything and shows nothing."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.lost: str | None = None
        """Reason why the stream can't be written; None while it can."""

    def write(self, text: str) -> None:
        """Write a text, if the stream still takes it."""
        self._try(self._stream.write, text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, act: Any, *arguments: str) -> None:
        if self.lost is None:
            try:
                act(*arguments)
            except (OSError, ValueError) as error:  # a pipe or terminal is gone, a file closed
                self.lost = reason(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class TrainingProgress:
    """A progress bar on the terminal; where there is none, its lines still come out."""

    def __init__(self, name: str, start_nimg: int, final_nimg: int, shown: bool = True) -> None:
        width = None if sys.stdout.isatty() else PIPED_WIDTH
        self._output = Output(sys.stdout)
        self.console = Console(
            force_jupyter=False,  # a notebook shows what a file would hold, without widgets
            file=self._output,  # type: ignore[arg-type]
            width=width,
            quiet=not shown,
            markup=False,
            emoji=False,
            highlight=False,
        )
        self._start_nimg = start_nimg
        self._timed_from: tuple[float, int] | None = None
        self._losses = self._note = ""
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            TextColumn("{task.completed:,} of {task.total:,}"),
            TextColumn("{task.fields[rate]:,.0f} images/s"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
            TextColumn("{task.fields[losses]}", markup=False),
            console=self.console,
        )
        self._task = self._bar.add_task(
            shortened(plain(name), NAME_AT_MOST),
            total=final_nimg,
            completed=start_nimg,
            rate=0.0,
            losses="",
        )

    @property
    def lost(self) -> str | None:
        """Reason why nobody can be shown anything any more; None while they can."""
        why = self._output.lost
        return None if why is None else f"standard output, which can't be written ({why})"

    def __enter__(self) -> "TrainingProgress":
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def advance(self, nimg: int, losses: dict[str, float], stall: float = 0.0) -> float:
        """Move the bar to where the run is; returns the images per second.

        Args:
            nimg: images seen.
            losses: the players' losses by name.
            stall: share of the time that is spent waiting for input.

        Returns:
            Images a second since the first call, which ends the compilation; 0 at that call.
        """
        now = time.monotonic()
        if self._timed_from is None:
            self._timed_from = (now, nimg)
        since, from_nimg = self._timed_from
        rate = (nimg - from_nimg) / (now - since) if nimg > from_nimg else 0.0
        told = [*(f"{name} {value:.3f}" for name, value in losses.items()), f"input {stall:.1%}"]
        self._losses = "  ".join(told)
        self._bar.update(self._task, completed=nimg, rate=rate, losses=self._losses + self._note)
        return rate

    def note(self, text: str) -> None:
        """Show a few words at the end of the bar from here on."""
        self._note = f"  {text}"
        self._bar.update(self._task, losses=self._losses + self._note)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self.console.print(plain(text), soft_wrap=True)
