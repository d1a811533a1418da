"""The report's section of reals without a near fake: which, of which classes, and the verdict's."""

import io

import numpy as np

from cgan.kinds import Kind
from cgan.sampling import pictures
from cgan.sampling.pictures import PICTURES, Tiles
from eval.display.drawing import INK
from eval.metrics.base import present
from eval.report.contents import Contents
from eval.report.html import escape, paragraph, picture, section, small, table
from eval.report.near_fakes import Agreement, BesideReal, NearFakes, agreement
from eval.verdict.judge import Verdict
from eval.verdict.words import share

HEADINGS = ("looked at", "without a near fake", "nobody imitates it")
VERDICT_HEADINGS = ("share of samples", "true share", "verdict")
LISTED_AT_MOST, DPI = 20, 140


def uncovered(contents: Contents) -> str:
    """The section of reals without a near fake, as HTML; empty for a run without an embedding."""
    found, kind = contents.near_fakes, contents.evaluation.splits.kind
    if found is None:
        return ""
    verdict = None if contents.judged is None else contents.judged.verdict
    beside = None if verdict is None else agreement(found, verdict)
    form = PICTURES[kind]
    shown = _rows(found, form, kind) if isinstance(form, Tiles) else _scatter(contents, found)
    return section(
        "Reals without a near fake",
        f'<p class="result">{escape(_share(found, kind))}</p>',
        paragraph(_told(found, kind)),
        _classes(found, beside),
        _table(contents, found, verdict if beside is not None else None),
        shown if len(found.rows) else "",
    )


def _share(found: NearFakes, kind: Kind) -> str:
    return (
        f"{found.share:.1%} of {found.reals:,} train {kind.plural} have no near fake; a perfect "
        "sampler leaves about 1.0%."
    )


def _told(found: NearFakes, kind: Kind) -> str:
    return (
        "By the embedding of the run's own discriminator, at its temperature of "
        f"{found.temperature:.3g}: around such a real the log-density of the other reals is more "
        f"than {found.bound:.2f} above that of {found.fakes:,} fakes. Above that of as many "
        f"held-out {kind.plural} it is so once in a hundred times."
    )


def _classes(found: NearFakes, beside: Agreement | None) -> str:
    """Sentences on the classes that nobody imitates, and how many of them the verdict names."""
    if found.classes is None:
        return ""
    count = int(found.classes.nobody_imitates.sum())
    text = (
        f"Nobody imitates {count:,} of {len(found.classes.seen):,} classes: more than half of "
        "their train reals, three at least, have no near fake. Were held-out reals the fakes, it "
        f"would be {found.by_chance:.2g}."
    )
    if beside is None:
        return paragraph(text)
    dropped = int(beside.dropped.sum())
    text += " The verdict, by a labeller that knows nothing of this, "
    if dropped:
        text += (
            f"drops {dropped:,}: {beside.both:,} of these are among those {count:,}, and "
            f"{beside.likeliest:,} among the {dropped:,} classes with the largest shares of reals "
            "without a near fake"
        )
    else:
        text += "names none as dropped"
    if count:
        ratios = "{:.2f} of their true share, and of all others {:.2f}".format(*beside.held)
        text += f". As the labeller reads them, the samples hold of those {count:,} {ratios}"
    return paragraph(text + ".")


def _table(contents: Contents, found: NearFakes, verdict: Verdict | None) -> str:
    """Classes by the share of their reals without a near fake, those that nobody imitates first."""
    if found.classes is None or not found.classes.uncovered.any():
        return ""
    names, classes = contents.evaluation.splits.train.class_names, found.classes
    shares = classes.shares
    order = np.lexsort((-classes.uncovered, -shares, ~classes.nobody_imitates))
    order = order[classes.uncovered[order] > 0]
    rows = []
    for label in order[:LISTED_AT_MOST]:
        missing = f"{classes.uncovered[label]:,} ({shares[label]:.0%})"
        imitated = "yes" if classes.nobody_imitates[label] else ""
        row = [names[label], f"{classes.seen[label]:,}", missing, imitated]
        rows.append(row if verdict is None else [*row, *_by_verdict(verdict, int(label))])
    more = len(order) - len(rows)
    return table(
        "class", (*HEADINGS, *VERDICT_HEADINGS) if verdict is not None else HEADINGS, rows
    ) + (f'<p class="facts">and {more:,} more with such reals</p>' if more else "")


def _by_verdict(verdict: Verdict, label: int) -> list[str]:
    """What the labeller says of a class: its share of the samples, the true one, the verdict."""
    modes, tested = verdict.evidence.modes, verdict.tested
    (places,) = np.nonzero(modes.labels == label)
    if not len(places):
        return ["", "", ""]
    index = places[0]
    words = {"dropped": verdict.named, "covered": tested.covered, "undecided": tested.undecided}
    said = next((word for word, which in words.items() if which[index]), "not judged")
    has, should = modes.counts[index] / modes.n, modes.true_shares[index]
    return [share(float(has)), share(float(should)), said]


def _rows(found: NearFakes, form: Tiles, kind: Kind) -> str:
    """The worst reals, each beside the other real and the fake that are nearest to it."""
    told = (
        f"The {len(found.worst)} with the largest margins, by their numbers in the train split. "
        f"Left, the {kind.name}; beside it the other real and the fake nearest to it, with cosines."
    )
    cells = "".join(_row(each, form) for each in found.worst)
    return paragraph(told) + f'<div class="rows">{cells}</div>'


def _row(each: BesideReal, form: Tiles) -> str:
    def figure(sample: np.ndarray, alternative: str, caption: str, style: str = "") -> str:
        shown = small(form.of(sample[None])[0], alternative)
        return f"<figure{style}>{shown}<figcaption>{escape(caption)}</figcaption></figure>"

    told = f"#{each.row:,}" + (f", {each.label}" if each.label else "")
    return (
        '<div class="beside">'
        + figure(each.real, "real", f"{told}: margin {each.margin:.2f}", ' class="sample"')
        + figure(each.nearest_real, "nearest other real", f"real {each.real_cosine:.2f}")
        + figure(each.nearest_fake, "nearest fake", f"fake {each.fake_cosine:.2f}")
        + "</div>"
    )


def _scatter(contents: Contents, found: NearFakes) -> str:
    """Generated points over real ones, and crosses for the reals without a near fake."""
    train = contents.evaluation.splits.train
    form = PICTURES[train.kind]
    assert not isinstance(form, Tiles)
    images = present(contents.generated.images)[: form.size]
    figure = pictures.scatter(images, form.real(train), "")
    axes = figure.axes[0]
    points = pictures.in_plane(found.samples)
    axes.plot(*points.T, "x", color=INK, markersize=4, markeredgewidth=0.8, label="no near fake")
    axes.legend(loc="upper right", markerscale=2)
    encoded = io.BytesIO()
    figure.savefig(encoded, dpi=DPI, format="png")
    told = "reals without a near fake, over generated points"
    return f'<div class="half">{picture(encoded.getvalue(), told)}</div>'
