"""Consoles that tables are printed on: words of others are shown as they are, never as markup."""

import errno
import os

from rich.console import Console
from rich.text import Text

from cgan.system import terminal

WIDTH = 110
"""Width of the tables in columns, on any terminal."""


class Terminal(Console):
    """A console that interprets nothing, and leaves a pipe that nobody reads to `cli.run`."""

    def __init__(self, width: int | None = WIDTH, stderr: bool = False) -> None:
        super().__init__(width=width, stderr=stderr, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Raise the error again; a `Console` would make exit code 1 of it."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def fit(console: Console, text: str, style: str = "") -> Text:
    """A text cut to one line, as it is to be shown on a console."""
    return Text(terminal.shown(text, console.encoding), style, overflow="fold")
