"""A bar on standard error while samples are read; the table on standard output stays clean."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cgan.system import hosts
from cgan.system.legible import plain
from eval.display.console import Terminal
from eval.gather import Advance


@contextmanager
def reading(what: str, total: int | None) -> Iterator[Advance]:
    """Show how many of `total` samples were read (None: nobody knows); gone when all are.

    Of several processes the first alone shows it.
    """
    console = Terminal(width=None, stderr=True)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal or not hosts.is_first(),
    )
    with bar:
        task = bar.add_task(plain(what), total=total)
        yield lambda count: bar.advance(task, count)
