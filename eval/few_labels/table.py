"""The table of a probe with few labels on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from eval.display.console import Terminal, fit
from eval.few_labels.record import Accuracy
from eval.few_labels.words import METHODS, caution, lines, summary, title, value_and_error

FOOTNOTE = (
    "Share of held-out samples that are classified right, the columns by labels a class; ± is the "
    "standard error over draws of the labels, which are the same samples for all rows."
)


def print_probe(subject: str, records: Sequence[Accuracy], console: Console | None = None) -> None:
    """Print the table of one probe, and a sentence for each classifier under it.

    Args:
        subject: what was probed, such as the run's folder.
        records: of one probe.
        console: where to print; standard output unless given.
    """
    console = console or Terminal()
    sizes = sorted({record.labels_per_class for record in records})
    table = Table()
    table.add_column("labels a class", justify="left", min_width=20)
    for size in sizes:
        table.add_column(f"{size:,}", justify="right", no_wrap=True)
    for method, name in METHODS.items():
        of_method = [line for line in lines(records) if line.method == method]
        if of_method:
            table.add_row(fit(console, name, "bold"), *[""] * len(sizes))
        for number, line in enumerate(of_method, start=1):
            cells = [value_and_error(r.accuracy, r.standard_error) for r in line.records]
            texts = (fit(console, each) for each in (f"  {line.name}", *cells))
            table.add_row(*texts, end_section=number == len(of_method))
    for told in title(subject, records[0]):
        console.print(fit(console, told, "bold"), soft_wrap=True)
    console.print(table)
    console.print(fit(console, FOOTNOTE))
    for sentence in (*summary(records), caution(records[0])):
        if sentence is not None:
            console.print(fit(console, sentence))
