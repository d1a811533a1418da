"""The evidence of a verdict as rows of tables."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from eval.metrics.base import Metric
from eval.metrics.birthday import BIRTHDAY
from eval.metrics.quality import WIDTH_RATIO
from eval.records.record import Record
from eval.records.words import cell, text_of
from eval.verdict.judge import HALF, RECOGNIZED, Verdict
from eval.verdict.modes import FRACTION, LEVEL
from eval.verdict.words import number, share

HEADINGS = ("generated", "uncertainty", "real data", "perfect sampler", "rule")
MODE_HEADINGS = ("samples", "share", "at most", "true share", "as counted", "tested")
LISTED_AT_MOST = 20
FOOTNOTE = (
    "A mode is dropped if the upper limit of its share is below a quarter of its true share, as "
    "counted in real data, and covered if the lower one is not. Each claim, drops or covers, is "
    f"wrong {LEVEL:.0%} of the time at most."
)


class Row(NamedTuple):
    """One line of the table of evidence; all fields but the first stand under `HEADINGS`."""

    label: str
    value: str
    uncertainty: str
    real: str
    perfect: str
    rule: str


def evidence_rows(verdict: Verdict, metrics: dict[str, Metric]) -> list[Row]:
    """Rows of figures with their uncertainty, real data's, and what the verdict asks of them."""
    kind, tested, real = verdict.evidence.modes.kind, verdict.tested, verdict.real_tested
    rows = [
        _count(f"{kind} covered", tested.covered, real.covered, "all: covers"),
        _count(f"{kind} dropped", tested.dropped, real.dropped, "half of data: collapsed"),
        _count(f"{kind} undecided", tested.undecided, real.undecided, ""),
    ]
    if not tested.judged.all():
        rows.append(_count(f"{kind} not judged", ~tested.judged, ~real.judged, "any: undecided"))
    for name, record in verdict.evidence.generated.items():
        beside = verdict.evidence.real[name]
        rows.append(_of_record(metrics[name], record, beside, _rule(verdict, record)))
        if name == BIRTHDAY.name and "repeated_share" in record.details:
            rows.append(_repeated(record, beside))
    return rows


def _count(
    label: str, found: Bool[np.ndarray, " modes"], real: Bool[np.ndarray, " of_real"], rule: str
) -> Row:
    told, beside = (f"{which.sum():,} of {len(which):,}" for which in (found, real))
    return Row(label, told, "", beside, "", rule)


def _of_record(metric: Metric, record: Record, real: Record, rule: str) -> Row:
    uncertainty = ""
    if record.value is not None and "interval_95" in record.details:
        uncertainty = " to ".join(text_of(metric, each) for each in record.details["interval_95"])
    elif record.standard_error is not None:
        uncertainty = f"± {text_of(metric, record.standard_error)}"
    value, beside = (cell(metric, each).split(" ±")[0] for each in (record, real))
    sampler = record.perfect_sampler
    perfect = "" if sampler is None else text_of(metric, sampler)
    return Row(metric.label, value, uncertainty, beside, perfect, rule)


def _rule(verdict: Verdict, record: Record) -> str:
    if record.metric == BIRTHDAY.name and "small_below" in record.details:
        return f"below {number(record.details['small_below'])} and"
    if record.metric == WIDTH_RATIO.name:
        return f"below {FRACTION}: collapsed"
    if record is verdict.evidence.fidelity and record.floor is not None:
        return f"below {share(RECOGNIZED * record.floor)}: unrecognisable"
    return ""


def _repeated(record: Record, real: Record) -> Row:
    """The row of the share of samples that come back as often as in a small support."""
    told, beside = (share(each.details["repeated_share"]) for each in (record, real))
    return Row(
        "samples that come back often", told, "", beside, "", f"{HALF:.0%} or more: collapsed"
    )


def mode_rows(verdict: Verdict) -> list[tuple[str, ...]]:
    """Rows of the dropped modes, the largest first: the name, and what `MODE_HEADINGS` say.

    At most `LISTED_AT_MOST`; none where none is dropped.
    """
    modes, found = verdict.evidence.modes, np.flatnonzero(verdict.named)
    order = found[np.argsort(-modes.true_shares[found], kind="stable")][:LISTED_AT_MOST]
    found_shares = (modes.counts / modes.n, verdict.tested.upper)
    shares = (*found_shares, modes.true_shares, modes.shares_as_counted)
    return [
        (
            modes.names[index],
            f"{modes.counts[index]:,}",
            *(share(float(each[index])) for each in shares),
            "alone" if verdict.tested.dropped[index] else "together",
        )
        for index in order
    ]
