"""The table of figures as HTML: each with its error bar, beside baselines and floors."""

from collections.abc import Sequence

from eval.metrics.base import Metric
from eval.record import Record
from eval.report.html import escape
from eval.words import COLUMNS, cell, footnote, largest_n, text_of


def metrics_table(metrics: dict[str, Metric], records: Sequence[Record]) -> str:
    """The table of figures as HTML: a row for each metric, a column for each set of samples."""
    found = {(record.metric, record.samples): record for record in records}
    largest = largest_n(records)
    heads = [f"{COLUMNS[samples]}<br>n = {n:,}" for samples, n in largest.items()]
    rows = []
    for name, metric in metrics.items():
        cells = "".join(f"<td>{escape(cell(metric, found[name, each]))}</td>" for each in largest)
        record = found[name, "generated"]
        perfect = record.perfect_sampler
        cells += f"<td>{'' if perfect is None else escape(text_of(metric, perfect))}</td>"
        told = f"<code>{escape(name)}</code>, n = {record.n:,}"
        if record.error_protocol is not None:
            told += f", ± by {escape(record.error_protocol)}"
        label = f'{escape(metric.label)}<br><span class="how">{told}</span>'
        rows.append(f"<tr><th>{label}</th>{cells}</tr>")
    head = "".join(f"<th>{each}</th>" for each in [*heads, "perfect<br>sampler"])
    return f"<table><thead><tr><th></th>{head}</tr></thead>\n<tbody>{''.join(rows)}</tbody></table>"


def footnotes(metrics: dict[str, Metric], records: Sequence[Record]) -> str:
    """Notes under the table of figures: how to read it, and what was compared with what."""
    first = records[0]
    text = footnote(metrics, records)
    text += (
        f" Compared with {max(r.reference_n for r in records):,} train samples of {first.source} "
        f"(reference {first.reference}), read by {first.extractor} ({first.extractor_fingerprint})."
    )
    return f'<p class="facts">{escape(text)}</p>'
