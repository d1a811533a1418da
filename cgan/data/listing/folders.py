"""Content of a folder. Links are followed, and no folder is read twice."""

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cgan.data.decode import BYTES_AT_MOST, UnusableImage, require_size
from cgan.data.listing.below import Below, Found
from cgan.data.listing.names import HIDDEN, is_never_data
from cgan.data.witness import witness_of
from cgan.system.legible import plain

Identity = tuple[int, int]
"""Device and number of a folder: the same by whatever path it is reached."""

AGAIN = "folder that is read by another path"


@dataclass(frozen=True)
class FolderFiles:
    """Encoded images in a folder."""

    root: Path
    paths: Sequence[str]

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, number: int) -> str:
        return plain(f"{self.root}/{self.paths[number]}")

    def read(self, number: int) -> bytes:
        return self.head(number, BYTES_AT_MOST)

    def head(self, number: int, most: int) -> bytes:
        try:
            with (self.root / self.paths[number]).open("rb") as file:
                require_size(os.fstat(file.fileno()).st_size)
                return file.read(most)
        except OSError as error:
            raise UnusableImage(f"can't be read ({error.strerror})") from None


def below_folder(root: Path) -> Below:
    """List what lies below a folder.

    Raises:
        ConfigError: it holds the folder of a run.
        OSError: a folder can't be read.
    """
    found = Found()
    stats: dict[PurePosixPath, os.stat_result] = {}
    for path, status in _walk(root, found):
        found.add(path)
        stats[path] = status

    def read(path: PurePosixPath, most: int) -> bytes:
        with (root / path).open("rb") as file:
            return file.read(most)

    return found.below(
        lambda chosen: FolderFiles(root, [*map(str, chosen)]),
        read,
        lambda chosen: witness_of((stats[path] for path in chosen), [*map(str, chosen)]),
    )


def _walk(root: Path, found: Found) -> Iterator[tuple[PurePosixPath, os.stat_result]]:
    """Walk over the regular files below a folder; tells what it leaves out.

    Links to folders wait until all that lies there in truth has been read, so that each folder is
    read once: by its own path where it has one.
    """
    links = deque([PurePosixPath()])
    seen: set[Identity] = set()
    while links:
        folders = [links.popleft()]
        while folders:
            folder = folders.pop()
            identity = _identity((root / folder).stat())
            if identity in seen:
                found.leave_out(AGAIN, f"{folder}/")
                continue
            seen.add(identity)
            with os.scandir(root / folder) as entries:
                some = sorted(entries, key=lambda entry: entry.name)
            for entry in some:
                path = folder / entry.name
                status = None if is_never_data(entry.name) else _status(entry)
                if is_never_data(entry.name):
                    found.leave_out(HIDDEN, str(path))
                elif status is None:
                    found.leave_out("broken link", str(path))
                elif stat.S_ISDIR(status.st_mode):
                    (links if entry.is_symlink() else folders).append(path)
                elif stat.S_ISREG(status.st_mode):
                    yield path, status
                else:
                    found.leave_out("no regular file", str(path))


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino


def _status(entry: "os.DirEntry[str]") -> os.stat_result | None:
    """Status of what an entry is or links to; None where a link leads nowhere, or to itself."""
    try:
        return entry.stat()
    except OSError as error:
        if entry.is_symlink() and error.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR):
            return None
        raise
