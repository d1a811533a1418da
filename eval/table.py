"""The table of an evaluation on the terminal: samples with error bars, baselines and floors."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from eval.console import Terminal, fit
from eval.metrics.base import Metric
from eval.record import Record
from eval.words import COLUMNS, cell, footnote, largest_n, lowest_classes, summary, text_of, title


def print_report(
    subject: str,
    metrics: dict[str, Metric],
    records: Sequence[Record],
    console: Console | None = None,
) -> None:
    """Print the table of one evaluation, and one plain sentence under it.

    Args:
        subject: what was evaluated, such as the run's folder.
        metrics: those of the records, in the order of the table.
        records: of one evaluation.
        console: where to print; standard output unless given.
    """
    console = console or Terminal()
    found = {(record.metric, record.samples): record for record in records}
    perfect = any(record.perfect_sampler is not None for record in records)
    largest = largest_n(records)
    table = Table()
    table.add_column("", justify="left", min_width=20)
    for samples, n in largest.items():
        header = f"{COLUMNS[samples]}\nn = {n:,}" if n else f"{COLUMNS[samples]}\nn unknown"
        table.add_column(header, justify="right", no_wrap=True)
    if perfect:
        table.add_column("perfect\nsampler", justify="right", no_wrap=True)
    for name, metric in metrics.items():
        row = [cell(metric, found[name, samples]) for samples in largest]
        if perfect:
            sampler = found[name, "generated"].perfect_sampler
            row.append("" if sampler is None else text_of(metric, sampler))
        table.add_row(*(fit(console, each) for each in (metric.label, *row)))
    for line in title(subject, records[0]):
        console.print(fit(console, line, "bold"), soft_wrap=True)
    console.print(table)
    console.print(fit(console, footnote(metrics, records)))
    console.print(fit(console, summary(metrics, records)))
    if lowest := lowest_classes(metrics, records):
        console.print(fit(console, lowest))
