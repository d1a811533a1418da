"""The contents of the cache folder: entries with kind, size and when they were used last.

Only what this project makes is an entry, told by its place and its name; weights of extractors that
the user put there, and files of anybody else's, are none.
"""

import contextlib
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from cgan.system import lock
from cgan.system.files import UNFINISHED, cache_folder

Kind = Literal[
    "decoded images",
    "hashes of files",
    "surveys",
    "labels",
    "digits",
    "reference",
    "features",
    "classifier",
    "compiled programs",
    "unfinished",
]
LOCK = "lock"
"""Name of the file that is locked while a folder of decoded images is made, and shared in use."""
WRITTEN_WITHIN_SEC = 3600
"""Age in seconds below which an unfinished file may still be written."""
OF_NAMES: dict[Kind, str] = {
    "decoded images": r"data/[^./][^/]*-[0-9a-f]{16}",
    "hashes of files": r"data/[^/]+-[0-9a-f]{16}\.contents\.npz",
    "surveys": r"data/[^/]+-[0-9a-f]{16}\.survey\.npz",
    "labels": r"data/[^/]+-[0-9a-f]{16}\.labels\.np[yz]",
    "digits": r"data/(digits|mnist_5k|mnist_8x8|mnist_8x8_boxed)-\d+\.npz",
    "reference": r"reference-[^/]+-[0-9a-f]{16}\.npz",
    "features": r"features-[^/]+-[0-9a-f]{16}\.npz",
    "classifier": r"classifier-[^/]+-[0-9a-f]{16}\.npz",
    "compiled programs": r"compiled/[0-9a-f]{12}",
    "unfinished": rf"(data/)?{re.escape(UNFINISHED)}[^/]+",
}
"""Pattern of a whole path below the cache folder, by kind of entry."""


class Entry(NamedTuple):
    """One thing that the cache keeps."""

    path: Path
    kind: Kind
    size: int
    """Size in bytes, on the disk."""
    made: float
    """Time when it was made, in seconds since the epoch, as `used` is."""
    used: float

    @property
    def name(self) -> str:
        """Path of the entry below the cache folder."""
        return self.path.relative_to(cache_folder()).as_posix()

    @property
    def subject(self) -> str:
        """Name of the data set that the entry was made of, as far as its own name tells."""
        without_key = re.sub(r"-[0-9a-f]{16}(\.\w+)*$", "", self.path.name)
        return without_key.removeprefix(UNFINISHED)


def entries() -> list[Entry]:
    """All entries of the cache, by kind and name."""
    found = [_entry(path, kind) for path, kind in _paths()]
    order = list(OF_NAMES)
    return sorted(found, key=lambda entry: (order.index(entry.kind), entry.name))


def _paths() -> Iterator[tuple[Path, Kind]]:
    root = cache_folder()
    for folder in (root, root / "data", root / "compiled"):
        for path in folder.iterdir() if folder.is_dir() else ():
            kind = _kind_of(path.relative_to(root).as_posix())
            if kind is not None and not path.is_symlink():
                yield path, kind


def _kind_of(name: str) -> Kind | None:
    return next((kind for kind, looks in OF_NAMES.items() if re.fullmatch(looks, name)), None)


def _entry(path: Path, kind: Kind) -> Entry:
    stats = [path.lstat(), *(below.lstat() for below in path.rglob("*"))]
    size = sum(one.st_blocks * 512 for one in stats)
    made = max(one.st_mtime for one in stats)
    # Listing a folder, as here, is an access to it.
    used = (one.st_atime for one in stats if not stat.S_ISDIR(one.st_mode))
    return Entry(path, kind, size, made, max(made, *used))


def remove(path: Path) -> bool:
    """Remove an entry, unless a process makes or uses it; returns whether it did.

    Raises:
        OSError: it can't be removed.
    """
    if not path.is_dir():
        is_being_written = path.name.startswith(UNFINISHED) and _age_sec(path) < WRITTEN_WITHIN_SEC
        if not is_being_written:
            path.unlink()
        return not is_being_written
    with lock.if_free(path / LOCK) as free:
        if free:
            shutil.rmtree(path)
        return free


def keep_within(kind: Kind, most: int) -> None:
    """Remove entries of this kind, those first that were not used for longest, down to a size.

    What can't be removed, or went by itself, is left out of account.

    Args:
        kind: of the entries.
        most: bytes that they may take together.
    """
    try:
        found = [entry for entry in entries() if entry.kind == kind]
    except OSError:  # another process removed one while they were listed
        return
    total = sum(entry.size for entry in found)
    for entry in sorted(found, key=lambda entry: entry.used):
        if total <= most:
            return
        with contextlib.suppress(OSError):
            remove(entry.path)
        total -= entry.size


def _age_sec(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def others() -> int:
    """Number of files in the cache folder that are no part of an entry."""
    root, kept = cache_folder(), {path for path, _ in _paths()}
    count = 0
    for folder, below, files in os.walk(root):
        below[:] = [name for name in below if Path(folder, name) not in kept]
        count += sum(Path(folder, name) not in kept for name in files)
    return count
