"""The table of figures as HTML: each with its error bar, beside baselines and floors."""

from collections.abc import Sequence
from html import escape

from eval.metrics.base import Metric
from eval.record import Record
from eval.table import COLUMNS, cell, footnote


def metrics_table(metrics: dict[str, Metric], records: Sequence[Record]) -> str:
    """A row for each metric, a column for each set of samples."""
    found = {(record.metric, record.samples): record for record in records}
    sets = [samples for samples in COLUMNS if any(r.samples == samples for r in records)]
    largest = {s: max(r.n for r in records if r.samples == s) for s in sets}
    heads = [f"{COLUMNS[samples]}<br>n = {largest[samples]:,}" for samples in sets]
    rows = []
    for name, metric in metrics.items():
        cells = "".join(f"<td>{escape(cell(metric, found[name, each]))}</td>" for each in sets)
        record = found[name, "generated"]
        perfect = record.perfect_sampler
        cells += f"<td>{'' if perfect is None else escape(metric.text(perfect))}</td>"
        told = f"<code>{escape(name)}</code>, n = {record.n:,}"
        if record.error_protocol is not None:
            told += f", ± by {escape(record.error_protocol)}"
        label = f'{escape(metric.label)}<br><span class="how">{told}</span>'
        rows.append(f"<tr><th>{label}</th>{cells}</tr>")
    head = "".join(f"<th>{each}</th>" for each in [*heads, "perfect<br>sampler"])
    return f"<table><thead><tr><th></th>{head}</tr></thead>\n<tbody>{''.join(rows)}</tbody></table>"


def footnotes(metrics: dict[str, Metric], records: Sequence[Record]) -> str:
    """How to read the table, and what the figures were compared with."""
    sets = {record.samples for record in records}
    largest = {s: max(r.n for r in records if r.samples == s) for s in sets}
    first = records[0]
    text = footnote(metrics, records, largest)
    text += (
        f" Compared with {max(r.reference_n for r in records):,} train samples of {first.source} "
        f"(reference {first.reference}), read by {first.extractor} ({first.extractor_fingerprint})."
    )
    return f'<p class="facts">{escape(text)}</p>'
