"""Descriptions of a data set in words: one line at each start, or all of it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from cgan.data.decode import UnusableImage
from cgan.data.encoded import sizes
from cgan.data.listing.below import LABELS
from cgan.data.listing.image_set import SPLITS, ImageSet
from cgan.data.listing.names import kind
from cgan.data.source import Split
from cgan.system.legible import plain

CLASSES_IN_LINE = 10


def line(images: ImageSet) -> str:
    """One line on a data set: images, form, splits, classes and what is left out."""
    train, test = (len(images.usable(split)) for split in SPLITS)
    form = "" if images.common is None else f" of {sizes(images.common[0])}"
    told = [
        f"{images.name}: {train + test:,} images{form}",
        f"{train:,} to train on and {test:,} held out ({images.splits.how})",
        _classes_in_short(images),
    ]
    left_out = {reason: len(names) for reason, names in sorted(_left_out(images).items())}
    if left_out:
        listed = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
        told.append(f"left out {sum(left_out.values()):,}: {listed}")
    notes = (*images.splits.notes, *images.classes.notes, *_only_held_out(images))
    return "; ".join([*told, *notes])


def lines(images: ImageSet, most: int) -> Iterator[str]:
    """All that is known of a data set, in lines.

    Args:
        images: of the data set.
        most: how many names to give of what is left out, for each reason.
    """
    yield line(images)
    yield ""
    yield from _table("forms", _forms(images))
    counts = {split: _counts(images, split) for split in SPLITS}
    heading = f"classes ({images.classes.how}), images to train on and held out"
    yield from _table(
        heading,
        [
            (plain(name), f"{counts['train'][number]:>9,} {counts['test'][number]:>9,}")
            for number, name in enumerate(images.classes.names)
        ],
    )
    for reason, names in sorted(_left_out(images).items()):
        yield f"left out, {reason}: {len(names):,}"
        yield from (f"    {name}" for name in names[:most])
        if len(names) > most:
            yield f"    and {len(names) - most:,} more"


def _table(heading: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield heading
        width = max(len(name) for name, _ in rows)
        yield from (f"    {name:<{width}} {value}" for name, value in rows)


def _counts(images: ImageSet, split: Split) -> Counter[int]:
    return Counter(images.classes.of[path] for path in images.usable(split))


def _classes_in_short(images: ImageSet) -> str:
    names, how = images.classes.names, images.classes.how
    if not names:
        return f"no classes ({how})"
    counts = _counts(images, "train") + _counts(images, "test")
    shown = [
        f"{plain(name)} {counts[place]:,}" for place, name in enumerate(names[:CLASSES_IN_LINE])
    ]
    if len(names) > CLASSES_IN_LINE:
        least, most = min(counts.values(), default=0), max(counts.values(), default=0)
        shown.append(f"and {len(names) - CLASSES_IN_LINE:,} more, of {least:,} to {most:,} images")
    return f"{len(names):,} class{'es' if len(names) > 1 else ''} ({how}): {', '.join(shown)}"


def _only_held_out(images: ImageSet) -> Iterator[str]:
    """A note on classes that can't be learnt."""
    there = _counts(images, "train")
    lone = [plain(name) for place, name in enumerate(images.classes.names) if not there[place]]
    if lone:
        more = f" and {len(lone) - 3:,} more" if len(lone) > 3 else ""
        yield f"no image to train on of {', '.join(lone[:3])}{more}"


def _forms(images: ImageSet) -> list[tuple[str, str]]:
    """Number of images of each form, the commonest first."""
    counts = Counter(s for s in images.shapes.values() if not isinstance(s, UnusableImage))
    return [(sizes(shape), f"{count:>9,}") for shape, count in counts.most_common()]


def _left_out(images: ImageSet) -> dict[str, list[str]]:
    """Names of all that is not read, by reason."""
    found = {reason: [*names] for reason, names in images.below.left_out.items()}
    shape = None if images.common is None else images.common[0]

    def add(reason: str, path: PurePosixPath, detail: str = "") -> None:
        found.setdefault(reason, []).append(plain(str(path)) + detail)

    if not images.classes.how.endswith(LABELS):
        for path in sorted(path for path in images.below.others if path.name == LABELS):
            add(kind(path), path)
    for path in images.splits.unused:
        add("in neither split", path)
    for path, seen in images.shapes.items():
        if isinstance(seen, UnusableImage):
            add("unreadable", path, f": {plain(str(seen))}")
        elif seen != shape:
            add("of another form", path, f": {sizes(seen)}")
    for path in images.classes.unlabeled:
        add("without a label", path)
    if images.classes.missing:
        found["labelled and not there"] = list(images.classes.missing)
    return found
