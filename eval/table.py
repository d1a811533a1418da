"""The report on the terminal: generated samples beside their baselines and floors."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from eval.metrics import METRICS, Kind, Metric
from eval.record import Record

WIDTH = 100


def print_report(
    run: str, kind: Kind, records: Sequence[Record], console: Console | None = None
) -> None:
    """Print the table of one evaluation, and one plain sentence under it."""
    console = console or Console(width=WIDTH, highlight=False)
    found = {(record.metric, record.samples): record for record in records}
    metrics = [m for m in METRICS[kind] if (m.name, "generated") in found]
    first = found[metrics[0].name, "generated"]
    real = found[metrics[0].name, "real"]
    table = Table()
    table.add_column("", justify="left", no_wrap=True)
    table.add_column("generated", justify="right", no_wrap=True)
    table.add_column(f"real data\n(n = {real.n:,})", justify="right", no_wrap=True)
    table.add_column("uniform\nnoise", justify="right", no_wrap=True)
    table.add_column("perfect\nsampler", justify="right", no_wrap=True)
    for metric in metrics:
        row = found[metric.name, "generated"]
        values = [found[metric.name, samples] for samples in ("generated", "real", "noise")]
        table.add_row(metric.label, *(_cell(metric, v) for v in values), _floor_cell(metric, row))
    console.print(title(run, first), style="bold", markup=False, soft_wrap=True)
    console.print(table)
    console.print(summary(kind, records), markup=False)


def title(run: str, record: Record) -> str:
    """What was evaluated: run, checkpoint, number of samples, and how well they can be read."""
    text = f"{run}: {record.checkpoint_nimg:,} images seen, n = {record.n:,}, seed {record.seed}"
    if record.extractor_accuracy is not None:
        text += f"\ndigit classifier: {record.extractor_accuracy:.1%} right on held-out digits"
    return text


def summary(kind: Kind, records: Sequence[Record]) -> str:
    """The result in a sentence or two."""
    found = {(record.metric, record.samples): record for record in records}
    parts = []
    missing = ""
    for metric in METRICS[kind]:
        record = found.get((metric.name, "generated"))
        if record is None or metric.name == "modes_captured_at_20":
            continue
        text = _text(metric, record.value)
        if metric.name == "modes_captured_at_1":
            parts.append(f"{text} of {record.details['out_of']:,} modes")
            missing = _missing(record)
        elif record.floor is not None:
            perfect = metric.text(record.floor)
            parts.append(f"{metric.label} {text} (a perfect sampler scores {perfect})")
        else:
            real = _text(metric, found[metric.name, "real"].value)
            parts.append(f"{metric.label} {text} (real data {real})")
    sentence = "; ".join(parts)
    return sentence[0].upper() + sentence[1:] + "." + missing


def _missing(record: Record) -> str:
    names, count = record.details["missing"], record.details["missing_count"]
    if not count:
        return ""
    more = f" and {count - len(names):,} more" if count > len(names) else ""
    return f" Missing: {', '.join(names)}{more}."


def _text(metric: Metric, value: float | None) -> str:
    return "undefined" if value is None else metric.text(value)


def _cell(metric: Metric, record: Record) -> str:
    text = _text(metric, record.value)
    return f"{text} of {record.details['out_of']:,}" if "out_of" in record.details else text


def _floor_cell(metric: Metric, record: Record) -> str:
    return "" if record.floor is None else metric.text(record.floor)
