"""The verdict on the terminal: one sentence, then the evidence, then what is dropped by name."""

from rich.console import Console
from rich.table import Table

from eval.console import Terminal, fit
from eval.metrics.base import Metric
from eval.verdict.judge import Verdict
from eval.verdict.rows import FOOTNOTE, HEADINGS, MODE_HEADINGS, evidence_rows, mode_rows
from eval.verdict.words import cautions, sentence
from eval.words import notes, title

STYLES = {"covers": "bold green", "undecided": "bold yellow"}
"""Styles of the sentence by verdict; red for the others."""


def print_verdict(
    subject: str, verdict: Verdict, metrics: dict[str, Metric], console: Console | None = None
) -> None:
    """Print a verdict with its evidence and the dropped modes, as tables.

    Args:
        subject: what was judged, such as the run's folder.
        verdict: on it.
        metrics: those of its evidence.
        console: where to print; standard output unless given.
    """
    console = console or Terminal()
    evidence = verdict.evidence
    console.print(fit(console, sentence(verdict), STYLES.get(verdict.kind, "bold red")))
    for caution in cautions(verdict):
        console.print(fit(console, caution))
    what, read = title(subject, evidence.fidelity)
    for line in (what, f"{read}; n = {evidence.modes.n:,}"):
        console.print(fit(console, line), soft_wrap=True)
    table = Table()
    table.add_column("", min_width=24)
    for heading in HEADINGS:
        narrow = heading.replace("perfect ", "perfect\n")
        table.add_column(narrow, justify="left" if heading == "rule" else "right")
    for row in evidence_rows(verdict, metrics):
        table.add_row(*(fit(console, each) for each in row))
    console.print(table)
    if dropped := mode_rows(verdict):
        modes = Table()
        modes.add_column(f"dropped {evidence.modes.kind}")
        for heading in MODE_HEADINGS:
            modes.add_column(heading, justify="right")
        for cells in dropped:
            modes.add_row(*(fit(console, each) for each in cells))
        console.print(modes)
        if (more := int(verdict.named.sum()) - len(dropped)) > 0:
            console.print(f"and {more:,} more")
    console.print(fit(console, FOOTNOTE))
    for note in notes(metrics, [*evidence.generated.values(), *evidence.real.values()]):
        console.print(fit(console, note))
