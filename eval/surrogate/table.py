"""The table of surrogate models on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from eval.display.console import Terminal, fit
from eval.surrogate.record import Error
from eval.surrogate.words import METHODS, by_method, summary, title, value_and_error


def print_errors(records: Sequence[Error], console: Console | None = None) -> None:
    """Print the table of one comparison, and what follows from it in sentences.

    Args:
        records: of one comparison.
        console: where to print; standard output unless given.
    """
    console = console or Terminal()
    table = Table()
    table.add_column("points of the target", justify="left", min_width=20)
    for points in sorted({record.points for record in records}):
        table.add_column(f"{points:,}", justify="right", no_wrap=True)
    for method, of_method in by_method(records).items():
        cells = [value_and_error(r.rmse, r.standard_error) for r in of_method]
        table.add_row(*(fit(console, each) for each in (METHODS[method], *cells)))
    for told in title(records[0]):
        console.print(fit(console, told, "bold"), soft_wrap=True)
    console.print(table)
    footnote = (
        f"Root mean squared error of {records[0].output}; ± is the standard error over draws of "
        "the points, which are the same for all rows."
    )
    for sentence in (footnote, *summary(records)):
        console.print(fit(console, sentence))
