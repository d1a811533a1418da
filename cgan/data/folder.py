"""Images in a folder or a .zip file; subfolders are classes.

`train/` and `test/` below it are the splits where both are there. Otherwise one image in ten is
held out, chosen by its path, so that the choice stays when images are added.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from zipfile import ZipFile

import numpy as np

from cgan import archives
from cgan.config import ConfigError, Data
from cgan.data.decode import BYTES_AT_MOST, SUFFIXES, UnusableImage, require_size
from cgan.data.decoded import DecodedImages, decoded
from cgan.data.encoded import EncodedImages, encoded
from cgan.data.files import EncodedFiles, Listing
from cgan.data.source import Split
from cgan.data.witness import Witness, witness_of

HELD_OUT_ONE_IN = 10


class Below(NamedTuple):
    """What is below a path."""

    paths: list[PurePosixPath]
    """Of the images, sorted, relative to the path."""
    witness: Callable[[list[PurePosixPath]], Witness]
    """Of some of them."""
    files: Callable[[list[PurePosixPath]], EncodedFiles]
    """Some of them, to be read."""


def load(data: Data, split: Split) -> DecodedImages | EncodedImages:
    """One split of the images at `data.path`.

    Raises:
        ConfigError: no such path, no images there, or an image that can't be used.
    """
    assert data.path is not None
    below = _open(data.path)
    given = f"data.path = {str(data.path)!r}"
    if not below.paths:
        kinds = ", ".join(SUFFIXES)
        raise ConfigError(f"{given}: holds no images; must hold files that end in {kinds}")
    tops = {path.parts[0] if len(path.parts) > 1 else "" for path in below.paths}
    if {"train", "test"} <= tops:
        base = 1
        beside = [path for path in below.paths if path.parts[0] not in ("train", "test")]
        if beside:
            raise ConfigError(f"{given}: {beside[0]} lies beside train and test; must be in them")
        chosen = [path for path in below.paths if path.parts[0] == split]
    else:
        # An archive often holds one folder of its own name, which is no class.
        base = 1 if len(tops) == 1 and tops != {""} else 0
        chosen = [path for path in below.paths if _is_held_out(path) == (split == "test")]
    if not chosen:
        raise ConfigError(
            f"{given}: has {len(below.paths)} images, none of them in the split {split!r}; must "
            f"hold at least {10 * HELD_OUT_ONE_IN}, or folders train and test"
        )
    # Classes are those of both splits, so that labels mean the same in each.
    classes = sorted({path.parts[base] for path in below.paths if len(path.parts) > base + 1})
    loose = [path for path in below.paths if len(path.parts) <= base + 1]
    if classes and loose:
        raise ConfigError(
            f"{given}: {loose[0]} lies beside class folders ({classes[0]!r} for one); must be in "
            "one of them, or all images in no subfolder"
        )
    labels = [classes.index(path.parts[base]) if classes else 0 for path in chosen]
    listing = Listing(
        name=data.path.stem,
        files=below.files(chosen),
        labels=lambda: np.array(labels, np.int32),
        class_names=tuple(classes),
        witness=below.witness(chosen),
    )
    return decoded(listing, data) if data.cached else encoded(listing, data)


def _is_held_out(path: PurePosixPath) -> bool:
    digest = hashlib.sha256(str(path).encode()).digest()
    return int.from_bytes(digest[:8], "big") % HELD_OUT_ONE_IN == 0


def _open(path: Path) -> Below:
    given, expected = f"data.path = {str(path)!r}", "must be a folder or a .zip file of images"
    try:
        if path.is_dir():
            return _below_folder(path)
        if path.suffix.lower() == ".zip" and path.is_file():
            return _below_archive(path)
    except OSError as error:
        raise ConfigError(f"{given}: can't be read ({error.strerror}); {expected}") from None
    raise ConfigError(f"{given}: {expected}")


@dataclass(frozen=True)
class FolderFiles:
    """Images in a folder."""

    root: Path
    paths: Sequence[str]

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, number: int) -> str:
        return f"{self.root}/{self.paths[number]}"

    def read(self, number: int) -> bytes:
        try:
            with (self.root / self.paths[number]).open("rb") as file:
                require_size(os.fstat(file.fileno()).st_size)
                return file.read(BYTES_AT_MOST)
        except OSError as error:
            raise UnusableImage(f"can't be read ({error.strerror})") from None


def _below_folder(root: Path) -> Below:
    stats: dict[PurePosixPath, os.stat_result] = {}
    for file in root.rglob("*"):
        if file.suffix.lower() in SUFFIXES and file.is_file():
            stats[PurePosixPath(file.relative_to(root).as_posix())] = file.stat()
    return Below(
        sorted(stats),
        lambda chosen: witness_of((stats[path] for path in chosen), [*map(str, chosen)]),
        lambda chosen: FolderFiles(root, [*map(str, chosen)]),
    )


@dataclass(frozen=True)
class ArchiveFiles:
    """Images in an archive. Read in memory, never unpacked: their names lead nowhere."""

    archive: ZipFile
    entries: Sequence[str]

    def __len__(self) -> int:
        return len(self.entries)

    def name(self, number: int) -> str:
        return f"{self.archive.filename}/{PurePosixPath(self.entries[number])}"

    def read(self, number: int) -> bytes:
        try:
            entry = self.archive.getinfo(self.entries[number])
            require_size(entry.file_size)
            return archives.read_entry(self.archive, entry)
        except archives.BrokenArchive as error:
            raise UnusableImage(str(error)) from None

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process opens the file for itself."""
        return _reopened, (self.archive.filename, self.entries)


def _reopened(file: str, entries: Sequence[str]) -> ArchiveFiles:
    return ArchiveFiles(archives.open_archive(Path(file)), entries)


def _below_archive(file: Path) -> Below:
    try:
        archive = archives.open_archive(file)
    except archives.BrokenArchive as error:
        reason = f"is no zip archive ({error}); must be one, or a folder of images"
        raise ConfigError(f"data.path = {str(file)!r}: {reason}") from None
    entries = {PurePosixPath(entry.filename): entry for entry in archive.infolist()}
    images = {p: e for p, e in entries.items() if p.suffix.lower() in SUFFIXES and not e.is_dir()}
    stat = file.stat()
    return Below(
        sorted(images),
        lambda chosen: witness_of([stat], [*map(str, chosen)]),
        lambda chosen: ArchiveFiles(archive, [images[path].filename for path in chosen]),
    )
