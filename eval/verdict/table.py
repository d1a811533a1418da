"""The verdict on the terminal: one sentence, then the evidence, then what is dropped by name."""

from rich.console import Console
from rich.table import Table

from eval.metrics.base import Metric
from eval.table import WIDTH
from eval.verdict.judge import Verdict
from eval.verdict.rows import FOOTNOTE, HEADINGS, MODE_HEADINGS, evidence_rows, mode_rows
from eval.verdict.words import cautions, sentence
from eval.words import title

STYLES = {"covers": "bold green", "undecided": "bold yellow"}
"""Of the sentence; red for the others."""


def print_verdict(
    subject: str, verdict: Verdict, metrics: dict[str, Metric], console: Console | None = None
) -> None:
    """Print a verdict.

    Args:
        subject: what was judged, such as the run's folder.
        verdict: on it.
        metrics: those of its evidence.
        console: where to print; one of the usual width unless given.
    """
    console = console or Console(width=WIDTH, highlight=False)
    style = STYLES.get(verdict.kind, "bold red")
    console.print(sentence(verdict), style=style, markup=False)
    for caution in cautions(verdict):
        console.print(caution, markup=False)
    first = verdict.evidence.fidelity
    told = f"{title(subject, first)}; n = {verdict.evidence.modes.n:,}"
    console.print(told, markup=False, soft_wrap=True)
    table = Table()
    table.add_column("", min_width=24)
    for heading in HEADINGS:
        narrow = heading.replace("perfect ", "perfect\n")
        table.add_column(narrow, justify="left" if heading == "rule" else "right")
    for row in evidence_rows(verdict, metrics):
        table.add_row(*row)
    console.print(table)
    if dropped := mode_rows(verdict):
        modes = Table()
        modes.add_column(f"dropped {verdict.evidence.modes.kind}")
        for heading in MODE_HEADINGS:
            modes.add_column(heading, justify="right")
        for name, *cells in dropped:
            modes.add_row(name, *cells)
        console.print(modes)
        if (more := int(verdict.named.sum()) - len(dropped)) > 0:
            console.print(f"and {more:,} more")
    console.print(FOOTNOTE, markup=False)
