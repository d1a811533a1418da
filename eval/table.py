"""The table on the terminal: generated samples with error bars beside baselines and floors."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from eval.metrics.base import Metric
from eval.record import Record, SampleSet

WIDTH = 110
COLUMNS: dict[SampleSet, str] = {
    "generated": "generated",
    "generated_matched": "generated",
    "real": "real data",
    "noise": "uniform noise",
}
IN_WORDS = ("modes_captured_at_1", "reverse_kl_nats", "frechet_distance", "coverage_k5_strict")
"""The metrics that the sentence under the table names."""


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
        console: where to print; a console of `WIDTH` columns unless given.
    """
    console = console or Console(width=WIDTH, highlight=False)
    found = {(record.metric, record.samples): record for record in records}
    sets = [samples for samples in COLUMNS if any(r.samples == samples for r in records)]
    perfect = any(record.perfect_sampler is not None for record in records)
    largest = {s: max(r.n for r in records if r.samples == s) for s in sets}
    table = Table()
    table.add_column("", justify="left")
    for samples in sets:
        header = f"{COLUMNS[samples]}\nn = {largest[samples]:,}"
        table.add_column(header, justify="right", no_wrap=True)
    if perfect:
        table.add_column("perfect\nsampler", justify="right", no_wrap=True)
    for name, metric in metrics.items():
        row = [cell(metric, found[name, samples]) for samples in sets]
        if perfect:
            sampler = found[name, "generated"].perfect_sampler
            row.append("" if sampler is None else metric.text(sampler))
        table.add_row(metric.label, *row)
    console.print(title(subject, records[0]), style="bold", markup=False, soft_wrap=True)
    console.print(table)
    console.print(footnote(metrics, records, largest), markup=False)
    console.print(summary(metrics, records), markup=False)


def title(subject: str, record: Record) -> str:
    """What was evaluated: subject, checkpoint, seed, extractor, and how well classes are read."""
    text = subject
    if record.checkpoint_nimg is not None:
        text += f": {record.checkpoint_nimg:,} images seen"
    text += f", seed {record.seed}"
    text += f"\nfeatures: {record.extractor} ({record.extractor_fingerprint})"
    if record.labeller is not None and record.labeller_accuracy is not None:
        accuracy = record.labeller_accuracy
        text += f"; classes: {record.labeller}, {accuracy:.1%} right on held-out samples"
    return text


def footnote(
    metrics: dict[str, Metric], records: Sequence[Record], largest: dict[SampleSet, int]
) -> str:
    """How to read the table."""
    text = "± is the standard error over redraws of the samples. Real data is the floor"
    if "generated_matched" in largest:
        text += "; compare it with the generated samples of the same number"
    text += "."
    fewer = [
        f"{metrics[record.metric].label} {record.n:,}"
        for record in records
        if record.samples == "generated" and record.n < largest["generated"]
    ]
    if fewer:
        text += f" Of the first samples only: {', '.join(fewer)}."
    return text


def summary(metrics: dict[str, Metric], records: Sequence[Record]) -> str:
    """The result in a sentence or two."""
    found = {(record.metric, record.samples): record for record in records}
    named = [name for name in metrics if name in IN_WORDS] or list(metrics)[:3]
    parts = []
    missing = ""
    for name in named:
        metric, record = metrics[name], found[name, "generated"]
        text = _text(metric, record.value)
        if name == "modes_captured_at_1":
            parts.append(f"{text} of {record.details['out_of']:,} modes")
            missing = _missing(record)
        elif record.perfect_sampler is not None:
            perfect = metric.text(record.perfect_sampler)
            parts.append(f"{metric.label} {text} (a perfect sampler scores {perfect})")
        else:
            alike = found.get((name, "generated_matched"), record)
            text = _text(metric, alike.value)
            if alike.n < record.n:
                text += f" at n = {alike.n:,}"
            parts.append(f"{metric.label} {text} (real data {_text(metric, alike.floor)})")
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


def cell(metric: Metric, record: Record) -> str:
    """A value with what it is out of and its standard error."""
    text = _text(metric, record.value)
    if "out_of" in record.details:
        text += f" of {record.details['out_of']:,}"
    if record.standard_error is not None:
        text += f" ± {metric.text(record.standard_error)}"
    return text
