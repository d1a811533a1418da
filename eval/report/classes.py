"""The report's section of classes: how well each is made, for runs that learnt with labels."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, UInt8

from cgan.kinds import Kind
from cgan.sampling import pictures
from cgan.sampling.pictures import PICTURES, Tiles
from eval.metrics.base import Metric, present
from eval.metrics.catalog import BY_CLASS
from eval.metrics.class_accuracy import CLASS_ACCURACY
from eval.metrics.within_classes import PRECISION_WITHIN, RECALL_WITHIN
from eval.records.record import Record, SampleSet
from eval.records.words import COLUMNS, text_of
from eval.report.contents import Contents
from eval.report.html import at_most, escape, paragraph, picture, section

SHOWN_AT_MOST = 16
"""Most classes in the table and in pictures: the worst, where there are more."""
EACH_SIDE, STRIP_WIDTH = 8, 1_000
"""Samples of a class, and as many real images; and the width of a row of them in pixels."""
SETS: tuple[SampleSet, ...] = ("generated", "generated_matched", "real")


def classes(contents: Contents) -> str:
    """The section of classes, as HTML; empty where class accuracy was not measured."""
    found = {(record.metric, record.samples): record for record in contents.records}
    accuracy = found.get((CLASS_ACCURACY.name, "generated"))
    if accuracy is None:
        return ""
    names = list(contents.evaluation.splits.train.class_names)
    worst = [names.index(name) for name in accuracy.details.get("by_class", {})]
    shown = sorted(worst) if len(names) <= SHOWN_AT_MOST else worst[:SHOWN_AT_MOST]
    form = PICTURES[contents.evaluation.splits.kind]
    return section(
        "Classes",
        paragraph(_told(contents.evaluation.splits.kind, len(names), len(shown), len(worst))),
        _table(found, contents.metrics, [names[label] for label in shown]),
        _pictures(contents, shown, form) if isinstance(form, Tiles) else "",
    )


def _told(kind: Kind, count: int, shown: int, asked: int) -> str:
    text = f"The {shown} classes" if shown == count else f"{shown} of {count:,} classes"
    if count > SHOWN_AT_MOST:
        text += ", those whose samples are read as the class asked for least, the worst first"
    elif shown < count:
        text += ": the others have no sample"
    return (
        f"{text}. Within a class, precision is the share of its samples that lie on the manifold "
        f"of its real {kind.plural}, and recall the share of these that lie on the manifold of the "
        "samples; both are left open where a side has fewer than 20. Real data stand beside the "
        "generated samples of their own number."
    )


def _table(
    found: dict[tuple[str, SampleSet], Record], metrics: dict[str, Metric], names: Sequence[str]
) -> str:
    """A table with a row for each class, and the metrics of each set of samples in columns."""
    measured = [m for m in BY_CLASS if m.name in metrics]
    heads, columns = "", []
    for samples in SETS:
        records = [found[m.name, samples] for m in measured if (m.name, samples) in found]
        if not records:
            continue
        heads += f"<th>{COLUMNS[samples]}<br>samples</th>"
        counts = records[0].details.get("n_by_class", {})
        columns.append([f"{counts.get(name, 0):,}" for name in names])
        for metric, record in zip(measured, records, strict=True):
            heads += f"<th>{escape(SHORT[metric.name])}</th>"
            values = record.details.get("by_class", {})
            columns.append(
                [text_of(metric, values[name]) if name in values else "" for name in names]
            )
    rows = "".join(
        f"<tr><th>{escape(name)}</th>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        for name, cells in zip(names, zip(*columns, strict=True), strict=True)
    )
    return f"<table><thead><tr><th></th>{heads}</tr></thead>\n<tbody>{rows}</tbody></table>"


SHORT = {
    CLASS_ACCURACY.name: "read as it",
    PRECISION_WITHIN.name: "precision",
    RECALL_WITHIN.name: "recall",
}
"""Short names of the metrics, for columns."""


def _pictures(contents: Contents, shown: Sequence[int], form: Tiles) -> str:
    """The first samples that were asked for each class, beside train samples of it."""
    evaluation, generated = contents.evaluation, contents.generated
    images = present(generated.images)
    asked = present(generated.asked)[: len(images)]
    true = present(evaluation.reference_by_class.asked)
    names, rows = evaluation.splits.train.class_names, []
    for label in shown:
        of_train = evaluation.reference_rows[_first(true == label)]
        real = np.asarray(evaluation.splits.train[of_train].x)
        sides = (
            _strip(form.of(images[_first(asked == label)]), f"samples of {names[label]}"),
            _strip(form.of(real), f"real {names[label]}"),
        )
        caption = f"<figcaption>{escape(names[label])}</figcaption>"
        rows.append(f'<figure class="sides">{caption}{"".join(sides)}</figure>')
    real_ones = f"real {evaluation.splits.kind.plural}"
    told = f"The first samples that were asked for each class, left; {real_ones} of it, right."
    return paragraph(told) + "".join(rows)


def _first(which: Bool[np.ndarray, " n"]) -> np.ndarray:
    return np.flatnonzero(which)[:EACH_SIDE]


def _strip(images: UInt8[np.ndarray, "n height width channels"], alternative: str) -> str:
    """A picture with a row of images, always as many places; empty ones stay grey."""
    places = np.full((EACH_SIDE, *images.shape[1:]), pictures.GROUND, np.uint8)
    places[: len(images)] = images
    row = pictures.encode_png(pictures.image_grid(places, EACH_SIDE))
    return picture(at_most(row, STRIP_WIDTH), alternative)
