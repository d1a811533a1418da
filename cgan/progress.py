"""What a person sees of a run: a bar with images/s and time left, and a line at each snapshot."""

import sys
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

PIPED_WIDTH = 120
"""Columns of the line that is left where standard output is no terminal."""


class TrainingProgress:
    """A progress bar on the terminal; where there is none, its lines still come out."""

    def __init__(self, name: str, start_nimg: int, final_nimg: int, shown: bool = True) -> None:
        width = None if sys.stdout.isatty() else PIPED_WIDTH
        self.console = Console(width=width, quiet=not shown)
        self._start_nimg = start_nimg
        self._timed_from: tuple[float, int] | None = None
        self._losses = self._note = ""
        self._bar = Progress(
            TextColumn(name),
            BarColumn(bar_width=16),
            TextColumn("{task.completed:,} of {task.total:,}"),
            TextColumn("{task.fields[rate]:,.0f} images/s"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
            TextColumn("{task.fields[losses]}"),
            console=self.console,
        )
        self._task = self._bar.add_task(
            name, total=final_nimg, completed=start_nimg, rate=0.0, losses=""
        )

    def __enter__(self) -> "TrainingProgress":
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def advance(self, nimg: int, losses: dict[str, float], stall: float = 0.0) -> float:
        """Show where the run is.

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
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)
