"""The table of searches on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from eval.display.console import Terminal, fit
from eval.search.record import Found
from eval.search.words import HEADINGS, NAMES, by_method, footnote, row, summary, title


def print_search(meaning: str, records: Sequence[Found], console: Console | None = None) -> None:
    """Print the table of one command, a row for each method, and the result in a sentence."""
    console = console or Terminal()
    table = Table()
    table.add_column("method", justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for method, own in by_method(records).items():
        table.add_row(*(fit(console, cell) for cell in (NAMES[method], *row(own))))
    console.print(fit(console, title(meaning, records), "bold"), soft_wrap=True)
    console.print(table)
    for sentence in (footnote(records), summary(records)):
        console.print(fit(console, sentence))
