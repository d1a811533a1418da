"""Progress of a pass over a data set: a bar on a terminal, else a line every some seconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from cgan.system.cache import note

LINE_SEC = 10
"""Seconds between two lines where no terminal shows a bar."""
Advance = Callable[[int], None]


@contextmanager
def shown(what: str, total: int, done: int = 0, of: str = "images") -> Iterator[Advance]:
    """Show on standard error how many of `total` images are done, how fast, and the time left.

    Args:
        what: is being done, such as "decoding mine".
        total: images.
        done: images that were done before; the time left goes by the others.
        of: what is counted, where they are no images.
    """
    console = Console(stderr=True)
    is_bar = console.is_terminal
    with _bar(console, what, total, done) if is_bar else _lines(what, total, done, of) as advance:
        yield advance


@contextmanager
def _bar(console: Console, what: str, total: int, done: int) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total, completed=done)
        yield lambda count: bar.advance(task, count)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


@contextmanager
def _lines(what: str, total: int, done: int, of: str) -> Iterator[Advance]:
    began = said = time.monotonic()
    now_done = done

    def advance(count: int) -> None:
        nonlocal now_done, said
        now_done += count
        now = time.monotonic()
        if now - said >= LINE_SEC:
            said = now
            note(f"{what}: {_words(now_done, total, (now_done - done) / (now - began), of)}")

    yield advance


def _words(done: int, total: int, rate: float, of: str) -> str:
    seconds = round((total - done) / rate) if rate else 0
    left = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{done:,} of {total:,} {of}, {rate:,.0f}/s, {left} left"
