"""Classes of images: by folder, by a file of labels, or none."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from cgan.config import ConfigError
from cgan.data.listing import labels as label_files
from cgan.data.listing.below import LABELS, Below
from cgan.data.listing.labels import Label, Labels
from cgan.data.listing.splits import Splits, enclosing
from cgan.system.files import at_home
from cgan.system.legible import plain

SHARD = re.compile(r"\d{5}", re.ASCII)
"""Pattern of folder names that are shards: of FFHQ, and of StyleGAN's dataset tool."""

NUMBER = re.compile(r"\d{1,18}", re.ASCII)


class Classes(NamedTuple):
    """The classes of a data set, and which image is of which."""

    names: tuple[str, ...]
    """Names of the classes, sorted; empty where there are none."""
    of: dict[PurePosixPath, int]
    """Number of each image's class, for both splits; 0 where there are no classes."""
    how: str
    """Words for what decided the classes."""
    unlabeled: tuple[PurePosixPath, ...] = ()
    """Images of which the file of labels says nothing."""
    missing: tuple[str, ...] = ()
    """Names in the file of labels that are not there."""
    notes: tuple[str, ...] = ()
    """Notes on what a user may not expect."""


def classify(below: Below, splits: Splits, setting: str) -> Classes:
    """Tell the classes of the images of both splits.

    Args:
        below: all that is there.
        splits: what is used of it.
        setting: `data.classes`.

    Raises:
        ConfigError: images beside class folders, or a file of labels that can't be used; without
            the data's name.
    """
    used = [*splits.train.paths, *splits.test.paths]
    if setting == "none":
        return _without(used, "as data.classes says")
    if setting == "auto":
        found = _beside(below, used)
        if found is not None:
            return _of_labels(below, used, *found)
    elif setting != "folders":
        file = at_home(Path(setting))
        name = f"data.classes = {setting!r}"
        return _of_labels(below, used, _labels_in(file, name), name)
    return _of_folders(splits, setting)


def _without(used: Iterable[PurePosixPath], how: str, notes: tuple[str, ...] = ()) -> Classes:
    return Classes((), dict.fromkeys(used, 0), how, notes=notes)


def _of_folders(splits: Splits, setting: str) -> Classes:
    inside: dict[PurePosixPath, PurePosixPath] = {}
    for part in (splits.train, splits.test):
        inside |= {path: PurePosixPath(*path.parts[part.depth :]) for path in part.paths}
    outer = enclosing(inside.values())
    folders = {path: within.parts[outer:-1] for path, within in inside.items()}
    tops = sorted({names[0] for names in folders.values() if names})
    if not tops:
        return _without(inside, "no class folders")
    if setting == "auto" and all(SHARD.fullmatch(top) for top in tops):
        shards = f"{len(tops):,} folder{'s' if len(tops) > 1 else ''} of five digits"
        way = f"{shards}, such as {tops[0]}, are taken for shards (--data.classes folders: classes)"
        return _without(inside, "shards", (way,))
    loose = [path for path, names in folders.items() if not names]
    if loose:
        raise ConfigError(
            f"{plain(str(loose[0]))} lies beside class folders ({plain(tops[0])!r} for "
            "one); must be in one of them, or all images in no subfolder. data.classes = none "
            "takes all for one class"
        )
    place = {top: number for number, top in enumerate(tops)}
    of = {path: place[names[0]] for path, names in folders.items()}
    deeper = sum(len(names) > 1 for names in folders.values())
    notes = [f"{deeper:,} images lie deeper, and count to the outermost folder"] if deeper else []
    return Classes(tuple(tops), of, "by folder", notes=(*notes, *_alike(tops)))


def _alike(names: Sequence[str]) -> list[str]:
    """A note on names that differ by case alone: one folder on other systems."""
    counts = Counter(name.casefold() for name in names)
    alike = [plain(name) for name in names if counts[name.casefold()] > 1]
    return [f"{' and '.join(alike)} differ by case alone, and are told apart"] if alike else []


def _beside(below: Below, used: Sequence[PurePosixPath]) -> tuple[Labels, str] | None:
    """The labels of StyleGAN's files that enclose the images; None where there are none."""
    found: Labels = {}
    names = []
    for file in sorted(path for path in below.others if path.name == LABELS):
        if not any(path.is_relative_to(file.parent) for path in used):
            continue
        name = plain(str(file))
        content = below.read(file, label_files.BYTES_AT_MOST + 1)
        try:
            labels = label_files.parse(content, name, ".json")
        except ConfigError as error:
            way_out = "data.classes = folders or none does without it"
            raise ConfigError(f"{error}. {way_out}") from None
        if labels is not None:
            found |= {file.parent / path: label for path, label in labels.items()}
            names.append(name)
    return (found, " and ".join(names)) if names else None


def _labels_in(file: Path, name: str) -> Labels:
    """The labels of a file that the user names."""
    try:
        with file.open("rb") as opened:
            content = opened.read(label_files.BYTES_AT_MOST + 1)
    except OSError as error:
        where = f"relative to {Path.cwd()}" if not file.is_absolute() else "at this path"
        reason = f"can't be read {where} ({error.strerror})"
        raise ConfigError(f"{name}: {reason}; must be a .json, .csv or .tsv file") from None
    labels = label_files.parse(content, name, file.suffix.lower())
    if labels is None:
        raise ConfigError(f"{name}: holds no labels; must hold some")
    return labels


def _of_labels(below: Below, used: Sequence[PurePosixPath], labels: Labels, name: str) -> Classes:
    """Classes by a file, whose paths are relative to the data or to what encloses all of it."""
    outer = min(below.images).parts[: enclosing(below.images)]
    shift = _shift(labels, used, outer)
    labels = {shift / path: label for path, label in labels.items()}
    there = {path: labels[path] for path in used if path in labels}
    if not there:
        named = f", but of {plain(str(next(iter(labels))))}" if labels else ""
        raise ConfigError(
            f"{name}: says nothing of any image, such as {plain(str(used[0]))}{named}; "
            "must name paths relative to the data"
        )
    values = _sorted(set(there.values()))
    place = {value: number for number, value in enumerate(values)}
    known = {*below.images, *below.others}
    missing = sorted(plain(str(path)) for path in labels if path not in known)
    names = tuple(str(value) for value in values)
    return Classes(
        names,
        {path: place[there[path]] if path in there else 0 for path in used},
        f"by {name}",
        tuple(path for path in used if path not in there),
        tuple(missing),
        tuple(_alike(names)),
    )


def _shift(labels: Labels, used: Iterable[PurePosixPath], outer: Sequence[str]) -> PurePosixPath:
    """The folder that paths of labels are relative to: the one under which most images are met."""
    shifts = [PurePosixPath(*outer[:depth]) for depth in range(len(outer) + 1)]
    used = list(used)

    def met(shift: PurePosixPath) -> int:
        depth = len(shift.parts)
        return sum(PurePosixPath(*path.parts[depth:]) in labels for path in used)

    return max(shifts, key=met)


def _sorted(values: Iterable[Label]) -> list[Label]:
    """Sort numbers by size, names by letter; a table's names that are all numbers, by size too."""
    listed = list(values)
    if all(isinstance(value, int) or NUMBER.fullmatch(value) for value in listed):
        return sorted(listed, key=lambda value: (int(value), str(value)))
    return sorted(listed, key=str)
