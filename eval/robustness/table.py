"""The table of robustness on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from eval.display.console import Terminal, fit
from eval.robustness.record import Robustness
from eval.robustness.words import HEADS, lines, subject, summary, title, value_and_error

FOOTNOTE = (
    "By attack: the mean over reals of the worst change that was found, a lower bound. By "
    "Jacobian: the radius times its largest singular value, what the change would be if the "
    "discriminator were linear. Between reals: the change by attack as a share of what two reals "
    "differ by."
)


def print_robustness(records: Sequence[Robustness], console: Console | None = None) -> None:
    """Print the table of one measurement, and a sentence for each further run under it."""
    console = console or Terminal()
    radii = sorted({record.radius for record in records})
    table = Table()
    table.add_column("radius", justify="left", min_width=20)
    for radius in radii:
        table.add_column(f"{radius:g}", justify="right", no_wrap=True)
    for head, name in HEADS.items():
        of_head = [line for line in lines(records) if line.head == head]
        if of_head:
            table.add_row(fit(console, name, "bold"), *[""] * len(radii))
        for number, line in enumerate(of_head, start=1):
            table.add_row(fit(console, line.run), *[""] * len(radii))
            cells = {
                "by attack": [
                    value_and_error(r.worst_change, r.standard_error) for r in line.records
                ],
                "by Jacobian": [
                    value_and_error(r.by_jacobian, r.by_jacobian_standard_error)
                    for r in line.records
                ],
                "between reals": [
                    "-" if r.relative is None else f"{r.relative:.3g}" for r in line.records
                ],
            }
            for at, (label, texts) in enumerate(cells.items(), start=1):
                ends = number == len(of_head) and at == len(cells)
                words = (fit(console, text) for text in (f"  {label}", *texts))
                table.add_row(*words, end_section=ends)
    console.print(fit(console, title(records[0]), "bold"), soft_wrap=True)
    for told in dict.fromkeys(subject(line) for line in lines(records)):
        console.print(fit(console, told), soft_wrap=True)
    console.print(table)
    for sentence in (FOOTNOTE, *summary(records)):
        console.print(fit(console, sentence))
