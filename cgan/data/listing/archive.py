"""Content of a .zip archive, read in memory and never unpacked: its names lead nowhere."""

import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import ZipFile, ZipInfo

from cgan.data.decode import UnusableImage, require_size
from cgan.data.listing.below import Below, Found
from cgan.data.listing.names import HIDDEN, is_never_data
from cgan.data.witness import witness_of
from cgan.system import archives
from cgan.system.legible import plain


@dataclass(frozen=True)
class ArchiveFiles:
    """Encoded images in an archive."""

    archive: ZipFile
    entries: Sequence[int]
    """Numbers of the images among all entries of the archive: names may be there twice."""

    def __len__(self) -> int:
        return len(self.entries)

    def name(self, number: int) -> str:
        entry = PurePosixPath(self._entry(number).filename)
        return plain(f"{self.archive.filename}/{entry}")

    def read(self, number: int) -> bytes:
        return self._read(number, None)

    def head(self, number: int, most: int) -> bytes:
        return self._read(number, most)

    def _read(self, number: int, most: int | None) -> bytes:
        entry = self._entry(number)
        require_size(entry.file_size)
        try:
            return archives.read_entry(self.archive, entry, most)
        except archives.BrokenArchive as error:
            raise UnusableImage(str(error)) from None

    def _entry(self, number: int) -> ZipInfo:
        return self.archive.infolist()[self.entries[number]]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the file's path, not its handle: another process opens the file for itself."""
        return _reopened, (self.archive.filename, self.entries)


def _reopened(file: str, entries: Sequence[int]) -> ArchiveFiles:
    return ArchiveFiles(archives.open_archive(Path(file)), entries)


def below_archive(file: Path) -> Below:
    """List what lies in an archive.

    Raises:
        BrokenArchive: what lies there is no archive.
        ConfigError: it holds the folder of a run.
        OSError: it can't be read.
    """
    status = file.stat()
    archive = archives.open_archive(file)
    entries = archive.infolist()
    numbers: dict[PurePosixPath, int] = {}
    found = Found()
    for number, entry in enumerate(entries):
        path = _inside(_split(entry.filename))
        if entry.is_dir() or entry.filename.endswith("\\") or not path.parts:
            continue
        if any(map(is_never_data, path.parts)):
            found.leave_out(HIDDEN, str(path))
        elif stat.S_ISLNK(entry.external_attr >> 16):
            found.leave_out("link in an archive", str(path))
        else:
            if path in numbers:
                found.leave_out("replaced by a later entry of its name", str(path))
            numbers[path] = number
    for path in numbers:
        found.add(path)

    def files(chosen: Sequence[PurePosixPath]) -> ArchiveFiles:
        return ArchiveFiles(archive, [numbers[path] for path in chosen])

    def read(path: PurePosixPath, most: int) -> bytes:
        return archives.read_entry(archive, entries[numbers[path]], most)

    return found.below(files, read, lambda chosen: witness_of([status], [*map(str, chosen)]))


def _split(name: str) -> list[str]:
    """The parts of a name; some tools of Windows write backslashes, against the format's rules."""
    return name.split("/" if "/" in name else "\\")


def _inside(parts: Sequence[str]) -> PurePosixPath:
    """The path made of these parts that stays inside: without root, drive or way up."""
    inside = [part for part in parts if part not in ("", ".", "..")]
    if len(inside) > 1 and re.fullmatch("[A-Za-z]:", inside[0]):
        inside = inside[1:]
    return PurePosixPath(*inside)
