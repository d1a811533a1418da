"""The table of learnt distances on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from eval.display.console import Terminal, fit
from eval.graded.measure import GROUPS
from eval.graded.record import Agreement

FOOTNOTE = (
    "Spearman's rank correlation with the known distance, and the root mean squared error as a "
    "share of its standard deviation: the mean alone would score 1. Each distance is multiplied by "
    "the scale that is best on trained pairs. Pairs with one held out hold those with both."
)


def print_agreements(records: Sequence[Agreement], console: Console | None = None) -> None:
    """Print a row for each distance, and a pair of figures for each group of pairs."""
    console = console or Terminal()
    table = Table()
    table.add_column("distance", justify="left", min_width=20)
    counts = {record.pairs: record.n_pairs for record in records}
    for group in GROUPS:
        table.add_column(f"{group} ({counts[group]:,})", justify="right")
    for name in dict.fromkeys(record.distance for record in records):
        of = {record.pairs: record for record in records if record.distance == name}
        cells = [f"{of[group].spearman:.3f}, {of[group].relative_rmse:.2f}" for group in GROUPS]
        table.add_row(*(fit(console, text) for text in (name, *cells)))
    first = records[0]
    told = f"{first.run}: {first.held_out_classes} of {first.source} held out"
    console.print(fit(console, told, "bold"), soft_wrap=True)
    console.print(table)
    console.print(fit(console, FOOTNOTE))
