"""The page of a report: sections of plain HTML, with every picture inside the file."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from cgan.config import from_json
from cgan.data.abilities import known_modes
from cgan.probe import limits
from cgan.sampling import pictures
from cgan.sampling.pictures import PICTURES, Tiles
from eval.metrics.base import present
from eval.records.words import summary, title
from eval.report import figures
from eval.report.classes import classes
from eval.report.contents import SEARCHED, BesideTrain, Contents
from eval.report.html import at_most, drawn, escape, paragraph, picture, section, small
from eval.report.probe_figure import probe_curves
from eval.report.style import STYLE
from eval.report.table import footnotes, metrics_table
from eval.report.uncovered import uncovered
from eval.report.verdict import verdict

CLASSES_PICTURED = 20
EACH_CLASS = 4
"""Generated images of a class that stand below a real one."""
SNAPSHOTS, SNAPSHOT_WIDTH = 6, 300
MISSING_PICTURED = 24
PROBES = (
    "Of the averaged generator on the same latents. Dashed: the alarm's limits; crosses: beyond "
    "them; grey ground: the alarm was on."
)

HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""


def page(contents: Contents) -> str:
    """Write the whole page as one HTML file that asks nothing of any network."""
    name = escape(str(contents.root))
    sections = (
        header(contents),
        verdict(contents.judged),
        measured(contents),
        samples(contents),
        modes(contents),
        classes(contents),
        uncovered(contents),
        beside_train(contents),
        over_training(contents),
        settings(contents),
    )
    return (
        HEAD.format(title=f"Report of {name}", style=STYLE) + "".join(sections) + "</body></html>"
    )


def header(contents: Contents) -> str:
    """The page's head: what was evaluated, and the figures in a sentence."""
    what, read = title(str(contents.root), contents.records[0])
    words = summary(contents.metrics, contents.records)
    return (
        f"<header><h1>{escape(what)}</h1>\n"
        f'<p class="facts">{escape(read)}</p>\n'
        f'<p class="result">{escape(words)}</p></header>\n'
    )


def measured(contents: Contents) -> str:
    """The section of the table of figures."""
    return section(
        "Figures",
        metrics_table(contents.metrics, contents.records),
        footnotes(contents.metrics, contents.records),
    )


def samples(contents: Contents) -> str:
    """The section of the first samples, unpicked."""
    train = contents.evaluation.splits.train
    form = PICTURES[train.kind]
    kept = present(contents.generated.images)[: form.size]
    if isinstance(form, Tiles):
        told = picture(form.encoded(kept), f"generated {train.kind.plural}")
    else:
        told = _scatter(kept, form.real(train))
    return section(
        "Samples", paragraph(f"The first {len(kept):,} of seed {contents.seed}, unpicked."), told
    )


def _scatter(points: np.ndarray, real: np.ndarray) -> str:
    """A scatter of points as a PNG picture: thousands of points are larger as SVG."""
    encoded = io.BytesIO()
    pictures.scatter(points, real, "").savefig(encoded, dpi=140, format="png")
    return (
        f'<div class="half">{picture(encoded.getvalue(), "generated points over real ones")}</div>'
    )


def modes(contents: Contents) -> str:
    """The section of captured modes, as pictures; empty for data without classes."""
    if contents.generated.counts is None:
        return ""
    splits, counts = contents.evaluation.splits, contents.generated.counts[:-1]
    names, n = splits.train.class_names, int(contents.generated.counts.sum())
    captured = int((counts > 0).sum())
    told = f"{captured:,} of {len(counts):,} modes have a sample among {n:,}; "
    told += f"{int((counts >= 20).sum()):,} have twenty or more."
    shares = figures.mode_shares(counts, splits.train.class_weights, names)
    parts = [paragraph(told)]
    known, form = known_modes(splits.train), PICTURES[splits.kind]
    if isinstance(form, Tiles):
        parts += [_missing(contents, form), _by_class(contents, form)]
    elif known is not None:
        points = present(contents.generated.images)[: form.size]
        circles = figures.modes_of_points(points, counts, known.means, known.sigma)
        parts.append(f'<div class="half">{drawn(circles, "modes by number of samples")}</div>')
    return section("Modes", *parts, drawn(shares, "share of samples in each mode"))


def _real_of_class(contents: Contents, label: int, form: Tiles) -> np.ndarray | None:
    """The picture of a train sample of a class; None where the reference has none of it."""
    reference, evaluation = contents.evaluation.reference.gathered, contents.evaluation
    rows = np.flatnonzero(present(reference.labels) == label)[:1]
    if not len(rows):
        return None
    return form.of(np.asarray(evaluation.splits.train[evaluation.reference_rows[rows]].x))[0]


def _missing(contents: Contents, form: Tiles) -> str:
    """A real sample of each mode that has no sample, as far as there is room."""
    missing = np.flatnonzero(present(contents.generated.counts)[:-1] == 0)
    if not len(missing):
        return ""
    names = contents.evaluation.splits.train.class_names
    shown = [(names[i], _real_of_class(contents, int(i), form)) for i in missing[:MISSING_PICTURED]]
    figures_of = "".join(
        f"<figure>{small(image, f'real {name}')}<figcaption>{escape(name)}</figcaption></figure>"
        for name, image in shown
        if image is not None
    )
    real = contents.evaluation.splits.kind.plural
    told = f"Missing modes, as real {real} show them ({len(missing):,} in all):"
    return paragraph(told) + f'<div class="strip">{figures_of}</div>'


def _by_class(contents: Contents, form: Tiles) -> str:
    """A real sample of each class, and generated ones that are read as it."""
    names = contents.evaluation.splits.train.class_names
    if len(names) > CLASSES_PICTURED:
        return ""
    samples = present(contents.generated.images)
    labels = present(contents.generated.labels)[: len(samples)]
    blank = np.full_like(form.of(samples[:1])[0], pictures.GROUND)
    tiles = []
    for label in range(len(names)):
        real = _real_of_class(contents, label, form)
        found = list(form.of(samples[labels == label][:EACH_CLASS]))
        tiles.append(
            [blank if real is None else real, *found, *[blank] * (EACH_CLASS - len(found))]
        )
    by_row = np.stack([tile for row in zip(*tiles, strict=True) for tile in row])
    kind, grid = contents.evaluation.splits.kind, pictures.image_grid(by_row, len(names))
    tiled = picture(pictures.encode_png(grid), f"{kind.plural} by class")
    told = (
        f"A column for each class: a real {kind.name} on top, below it samples that are read as it."
    )
    return paragraph(told) + tiled


def beside_train(contents: Contents) -> str:
    """Samples beside the train samples nearest to them; nothing for points."""
    kind = contents.evaluation.splits.kind
    form = PICTURES[kind]
    if not contents.first or not isinstance(form, Tiles):
        return ""
    searched = min(SEARCHED, contents.generated.n)
    told = (
        f"Left, a sample; right of it, the train {kind.plural} nearest to it in the space of "
        f"{contents.evaluation.reader.extractor.name} features, with their distances. The ratio is "
        f"that of the nearest distance to the distance of that train {kind.name} from its own "
        "nearest neighbour: 0 for a copy; a sample with 1 or less is not authentic."
    )
    return section(
        f"Nearest train {kind.plural}",
        paragraph(told),
        f"<h3>The first samples</h3>{_rows(contents.first, form)}",
        f"<h3>The likeliest copies among the first {searched:,}</h3>"
        + _rows(contents.likeliest_copies, form),
    )


def _rows(found: Iterable[BesideTrain], form: Tiles) -> str:
    cells = []
    for each in found:
        near = "".join(
            f"<figure>{small(image, 'train image')}<figcaption>{distance:.3g}</figcaption></figure>"
            for image, distance in zip(form.of(each.neighbors), each.distances, strict=True)
        )
        caption = f"<figcaption>#{each.number}, ratio {each.ratio:.2f}</figcaption>"
        shown = small(form.of(each.sample[None])[0], "sample")
        sample = f'<figure class="sample">{shown}{caption}</figure>'
        cells.append(f'<div class="beside">{sample}{near}</div>')
    return f'<div class="rows">{"".join(cells)}</div>'


def over_training(contents: Contents) -> str:
    """The section of curves: figures at each checkpoint, losses, and the fixed latents."""
    checkpoints = drawn(
        figures.metric_curves(contents.history, contents.metrics), "figures at each checkpoint"
    )
    probes = drawn(
        probe_curves(contents.rows, limits(from_json(contents.config_json))), "probes over training"
    )
    terms = drawn(figures.training_curves(contents.rows), "losses over training")
    return section(
        "Over training",
        checkpoints and f"<h3>Figures at each measured checkpoint</h3>{checkpoints}",
        probes and f"<h3>Probes for mode collapse</h3>{paragraph(PROBES)}{probes}",
        terms and f"<h3>Losses and their terms</h3>{terms}",
        _filmstrip(contents),
    )


def _filmstrip(contents: Contents) -> str:
    """Pictures of the same latents at some points of the run, evenly chosen."""
    found = contents.snapshots
    if len(found) < 2:
        return ""
    chosen = np.unique(np.linspace(0, len(found) - 1, SNAPSHOTS).round().astype(int))
    shown = "".join(_snapshot(*found[index]) for index in chosen)
    return f'<h3>The same latents</h3><div class="film">{shown}</div>'


def _snapshot(nimg: int, path: Path) -> str:
    """A picture of the run, no larger than the page needs; a damaged one is only named."""
    told = f"{nimg:,} images seen"
    try:
        shown = picture(at_most(path.read_bytes(), 2 * SNAPSHOT_WIDTH), told)
    except (OSError, SyntaxError, ValueError):
        shown = escape(f"{path.name} can't be read")
    return f"<figure>{shown}<figcaption>{told}</figcaption></figure>"


def settings(contents: Contents) -> str:
    """The section of the resolved config, folded away."""
    lines = "\n".join(map(escape, contents.config_json.splitlines()))
    return section(
        "Settings", f"<details><summary>config.json</summary><pre>{lines}</pre></details>"
    )
