"""The words and figures of a table of records, for the terminal and for the report."""

from collections.abc import Iterable, Sequence

from cgan.system.legible import plain
from eval.metrics.base import Metric
from eval.records.record import Record, SampleSet

COLUMNS: dict[SampleSet, str] = {
    "generated": "generated",
    "generated_matched": "generated",
    "given": "untranslated",
    "moved": "pixel statistics",
    "real": "real data",
    "noise": "uniform noise",
}
IN_WORDS = ("modes_captured_at_1", "reverse_kl_nats", "frechet_distance", "coverage_k5_strict")
"""The metrics that the sentence under the table names."""
LARGE = 1e6
TRUSTED_LABELLER = 0.9
"""Least share of held-out samples that a labeller must read right to be trusted."""
TOLD_IN_NONE = 0.1
"""Share of samples in no mode from which on the sentence says so; of a mixture's own, 1 % are."""
LOWEST = 3
"""Number of classes that the sentence about the worst ones names."""


def largest_n(records: Sequence[Record]) -> dict[SampleSet, int]:
    """Number of samples of each set, in the order of the columns."""
    return {
        samples: max(record.n for record in records if record.samples == samples)
        for samples in COLUMNS
        if any(record.samples == samples for record in records)
    }


def title(subject: str, record: Record) -> tuple[str, str]:
    """Words for subject, checkpoint and seed, and for the extractor and its accuracy."""
    seen = "" if record.checkpoint_nimg is None else f": {record.checkpoint_nimg:,} images seen"
    read = f"features: {record.extractor} ({record.extractor_fingerprint})"
    if record.labeller is not None and record.labeller_accuracy is not None:
        accuracy = record.labeller_accuracy
        read += f"; classes: {record.labeller}, {accuracy:.1%} right on held-out samples"
    return f"{subject}{seen}, seed {record.seed}", read


def footnote(metrics: dict[str, Metric], records: Sequence[Record]) -> str:
    """Words for how to read the table."""
    largest = largest_n(records)
    text = "± is the standard error over redraws of the samples. "
    if "real" in largest:
        text += "Real data is the floor"
    else:
        text += "Statistics have no rows to be halved, so there is no floor of real data"
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
    accuracy = records[0].labeller_accuracy
    of_classes = any("counts" in metrics[record.metric].needs for record in records)
    if of_classes and accuracy is not None and accuracy < TRUSTED_LABELLER:
        text += (
            f" The labeller reads only {accuracy:.1%} of held-out samples right: modes and shares "
            "are of classes as it reads them, and real data's figures say what that alone costs."
        )
    return " ".join([text, *notes(metrics, records)])


def notes(metrics: dict[str, Metric], records: Sequence[Record]) -> list[str]:
    """Sentences on single figures: why some are undefined, and what others leave out."""
    undefined = _gathered(metrics, (r for r in records if r.value is None), "why")
    noted = _gathered(metrics, (r for r in records if r.value is not None), "note")
    return [*(f"Undefined: {told}." for told in undefined), *(f"{told}." for told in noted)]


def _gathered(metrics: dict[str, Metric], records: Iterable[Record], key: str) -> list[str]:
    """Words that details say under this key, by metric, with the sets of samples alike in it."""
    found: dict[tuple[str, str], list[str]] = {}
    for record in records:
        if told := record.details.get(key):
            of = COLUMNS[record.samples]
            if record.samples == "generated_matched":
                of += f" at n = {record.n:,}"
            found.setdefault((metrics[record.metric].label, told), []).append(of)
    return [f"{label} ({', '.join(of)}): {told}" for (label, told), of in found.items()]


def summary(metrics: dict[str, Metric], records: Sequence[Record]) -> str:
    """The result of an evaluation in a sentence or two."""
    found = {(record.metric, record.samples): record for record in records}
    named = [name for name in metrics if name in IN_WORDS] or list(metrics)[:3]
    parts = []
    missing = ""
    for name in named:
        metric, record = metrics[name], found[name, "generated"]
        text = text_of(metric, record.value)
        if name == "modes_captured_at_1" and record.value is not None:
            parts.append(f"{text} of {record.details['out_of']:,} modes{_outside(record)}")
            missing = _missing(record)
        elif record.perfect_sampler is not None:
            perfect = text_of(metric, record.perfect_sampler)
            parts.append(f"{metric.label} {text} (a perfect sampler scores {perfect})")
        else:
            alike = found.get((name, "generated_matched"), record)
            text = text_of(metric, alike.value)
            if alike.n < record.n:
                text += f" at n = {alike.n:,}"
            floor = f" (real data {text_of(metric, alike.floor)})" if alike.floor_n else ""
            parts.append(f"{metric.label} {text}{floor}")
    sentence = "; ".join(parts)
    return sentence[0].upper() + sentence[1:] + "." + missing


def _outside(record: Record) -> str:
    """Words for samples that lie in no mode, where these are too many to go without saying."""
    share = record.details.get("share_in_none", 0.0)  # records of before do not say
    return f", with {share:.0%} of the samples in none" if share >= TOLD_IN_NONE else ""


def _missing(record: Record) -> str:
    names, count = record.details["missing"], record.details["missing_count"]
    if not count:
        return ""
    more = f" and {count - len(names):,} more" if count > len(names) else ""
    return f" Missing: {', '.join(map(plain, names))}{more}."


def lowest_classes(metrics: dict[str, Metric], records: Sequence[Record]) -> str:
    """Words for the classes with the lowest figures, by each metric told by class; or nothing."""
    parts = []
    for record in records:
        if record.samples == "generated" and record.details.get("by_class"):
            metric, lowest = metrics[record.metric], list(record.details["by_class"].items())
            told = [f"{plain(name)} {text_of(metric, value)}" for name, value in lowest[:LOWEST]]
            parts.append(f"{metric.label} {', '.join(told)}")
    return f"Lowest by class: {'; '.join(parts)}." if parts else ""


def text_of(metric: Metric, value: float | None) -> str:
    """A metric's value as tables print it."""
    if value is None:
        return "undefined"
    return metric.text(value) if abs(value) < LARGE else f"{value:.3g}"


def cell(metric: Metric, record: Record) -> str:
    """A value as text, with its maximum and standard error; a bound where there is no value."""
    text = text_of(metric, record.value)
    if record.value is None and "at_least" in record.details:
        text = f"> {text_of(metric, record.details['at_least'])}"
    if "out_of" in record.details:
        text += f" of {record.details['out_of']:,}"
    if record.standard_error is not None:
        text += f" ± {text_of(metric, record.standard_error)}"
    return text
