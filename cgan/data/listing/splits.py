"""Splits of images into those to train on and those held out: by folders, or one in ten by path."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from cgan.config import ConfigError
from cgan.system.legible import plain

ROLES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""Role of folders with these names, in lower case."""
ORDER = ("train", "val", "test")
LIKE_SPLITS = re.compile("train|val|test", re.IGNORECASE)
"""Pattern of the beginning of folder names that may be splits."""
HELD_OUT_ONE_IN = 10
NAMED_AT_MOST = 3
"""Most folders that a message names."""


@dataclass(frozen=True)
class Part:
    """The paths of one split."""

    paths: tuple[PurePosixPath, ...]
    depth: int = 0
    """Number of folders in each path that enclose the split, and say nothing of classes."""


@dataclass(frozen=True)
class Splits:
    """The splits of a data set."""

    train: Part
    test: Part
    how: str
    """Words for what decided the splits."""
    by_folder: bool
    """Whether folders decided the splits."""
    unused: tuple[PurePosixPath, ...] = ()
    """Paths of images of neither split."""
    notes: tuple[str, ...] = ()
    """Notes on what a user may not expect."""


def divide(paths: Sequence[PurePosixPath], setting: str) -> Splits:
    """Divide these images into splits.

    Args:
        paths: of the images, sorted, relative to the data.
        setting: `data.splits`.

    Raises:
        ConfigError: folders that are there in part, or beside others; without the data's name.
    """
    if setting == "none":
        return _by_path(paths, enclosing(paths))
    if setting != "auto":
        train, test = (PurePosixPath(name.strip("/ ")) for name in setting.split(","))
        return _of_pair(paths, setting, train, test)
    outer = enclosing(paths)
    named = _named(paths, outer)
    if len(named) > 1:
        return _of_names(paths, outer, named)
    _refuse_inner_splits(paths)
    return _by_path(paths, outer, _notes(paths, outer))


def enclosing(paths: Iterable[PurePosixPath]) -> int:
    """Number of nested folders that hold all of these images: archives often have one."""
    folders: list[tuple[str, ...]] = [path.parts[:-1] for path in paths]
    shared = 0
    first = min(folders, default=())
    last = max(folders, default=())
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return shared


def is_held_out(path: PurePosixPath) -> bool:
    """Whether an image is held out by its path, where no folders say which are."""
    digest = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") % HELD_OUT_ONE_IN == 0


def _by_path(paths: Iterable[PurePosixPath], depth: int, notes: tuple[str, ...] = ()) -> Splits:
    held_out = {path: is_held_out(path) for path in paths}
    train, test = (
        Part(tuple(path for path, is_test in held_out.items() if is_test == wanted), depth)
        for wanted in (False, True)
    )
    return Splits(train, test, "one image in ten, by its path", False, notes=notes)


def _notes(paths: Sequence[PurePosixPath], outer: int) -> tuple[str, ...]:
    """Notes on what may have been meant as splits and is not read so."""
    around = [name for name in min(paths).parts[:outer] if name.lower() in ROLES]
    if around:
        return (f"all images lie in {plain(around[-1])}, with no other split beside it",)
    tops = sorted({path.parts[outer] for path in paths if len(path.parts) > outer + 1})
    alike = [plain(top) for top in tops if LIKE_SPLITS.match(top)]
    if len(alike) > 1:
        listed = ", ".join(alike)
        return (f"{listed} are read as classes, not as splits (--data.splits TRAIN,HELD_OUT)",)
    if tops and alike and alike[0].lower() in ROLES:
        return (f"{alike[0]} is read as a class: no other split is beside it",)
    return ()


def _refuse_inner_splits(paths: Iterable[PurePosixPath]) -> None:
    """Refuse splits that lie beside other images: held-out images would be trained on.

    They are inside of class folders, or in a folder that does not enclose all there is.
    """
    roles: dict[int, set[str]] = {}
    folders: dict[int, set[PurePosixPath]] = {}
    for path in paths:
        for depth, name in enumerate(path.parts[:-1]):
            if name.lower() in ROLES:
                roles.setdefault(depth, set()).add(ROLES[name.lower()])
                folders.setdefault(depth, set()).add(PurePosixPath(*path.parts[: depth + 1]))
    for depth in sorted(depth for depth, found in roles.items() if len(found) > 1):
        found = sorted(folders[depth])
        listed = " and ".join(plain(str(folder)) for folder in found[:NAMED_AT_MOST])
        if len({folder.parent for folder in found}) > 1:
            raise ConfigError(
                f"holds {listed}, a split inside of a class; must be the other way round, as in "
                "train/cats. data.splits = none takes all images for one set"
            )
        raise ConfigError(
            f"holds {listed}, and other images beside {plain(str(found[0].parent))}; must hold no "
            "others. data.splits names two folders, or is none, which takes all images for one set"
        )


def _named(paths: Iterable[PurePosixPath], depth: int) -> dict[str, list[str]]:
    """Folders at this depth that have a split's name, by role."""
    tops = {path.parts[depth] for path in paths if len(path.parts) > depth + 1}
    named: dict[str, list[str]] = {}
    for top in sorted(tops):
        if top.lower() in ROLES:
            named.setdefault(ROLES[top.lower()], []).append(top)
    return named


def _of_names(paths: Sequence[PurePosixPath], depth: int, named: dict[str, list[str]]) -> Splits:
    listed = " and ".join(plain(name) for names in named.values() for name in names)
    way_out = "data.splits names two, as in train,val, or is none"
    for names in named.values():
        if len(names) > 1:
            raise ConfigError(f"holds {listed}; must hold one folder of a kind. {way_out}")
    if "train" not in named:
        raise ConfigError(f"holds {listed}, and no folder train; must hold one beside. {way_out}")
    folders = {role: name for role, (name,) in named.items()}
    beside = [path for path in paths if path.parts[depth] not in folders.values()]
    if beside:
        where = " and ".join(plain(folders[role]) for role in ORDER if role in folders)
        raise ConfigError(
            f"{plain(str(beside[0]))} lies beside {where}; must be in them. {way_out}"
        )
    held_out = "test" if "test" in folders else "val"
    unused = [path for path in paths if path.parts[depth] == folders.get("val")]
    train, test = (
        Part(tuple(path for path in paths if path.parts[depth] == folders[role]), depth + 1)
        for role in ("train", held_out)
    )
    how = f"folder {plain(folders[held_out])}"
    return Splits(train, test, how, True, () if held_out == "val" else tuple(unused))


def _of_pair(
    paths: Sequence[PurePosixPath], setting: str, train: PurePosixPath, test: PurePosixPath
) -> Splits:
    """Splits by two folders that a setting names, in the data or in what encloses all of it."""
    outer = min(paths).parts[: enclosing(paths)]
    for depth in range(len(outer) + 1):
        inside = PurePosixPath(*outer[:depth])
        chosen = [[p for p in paths if p.is_relative_to(inside / name)] for name in (train, test)]
        if all(chosen):
            parts = [
                Part(tuple(found), depth + len(name.parts))
                for found, name in zip(chosen, (train, test), strict=True)
            ]
            used = {*chosen[0], *chosen[1]}
            if len(used) < len(chosen[0]) + len(chosen[1]):
                raise ConfigError(
                    f"data.splits = {setting!r}: one lies in the other; must be two folders apart"
                )
            how = f"folder {plain(str(test))}, as data.splits says"
            unused = tuple(path for path in paths if path not in used)
            return Splits(parts[0], parts[1], how, True, unused)
    tops = sorted({p.parts[len(outer)] for p in paths if len(p.parts) > len(outer) + 1})
    there = ", ".join(map(plain, tops)) or "none"
    raise ConfigError(
        f"data.splits = {setting!r}: must be two folders that hold images; there are {there}"
    )
