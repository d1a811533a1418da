"""Where tables are printed: words of others are shown as they are, never read as markup."""

import errno
import os

from rich.console import Console
from rich.text import Text

from cgan.system import terminal

WIDTH = 110
"""Columns of the tables, on any terminal."""


class Terminal(Console):
    """A console that interprets nothing, and leaves a pipe that nobody reads to `cli.run`."""

    def __init__(self, width: int | None = WIDTH, stderr: bool = False) -> None:
        super().__init__(width=width, stderr=stderr, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Raise the error again, of which a `Console` makes exit code 1."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def fit(console: Console, text: str, style: str = "") -> Text:
    """A text in one line as it is to be shown on a console."""
    return Text(terminal.shown(text, console.encoding), style, overflow="fold")
