"""Files written whole: a reader, or a crash, sees the old content or the new, never a part."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".partial-"
"""Prefix in the cache folder of names of what is being made, or was when its maker died."""
KEPT_OF_NAMES = 56
"""Characters of a file's name that its unfinished form keeps, which file systems limit too."""


def replace(path: Path, content: bytes) -> None:
    """Write a file beside its place, then move it there; missing folders are made.

    Raises:
        OSError: naming the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name[:KEPT_OF_NAMES]}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno is not None:
            error.filename = str(path)
        raise


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write, under a name of its own until it is complete and on the disk.

    Others may write the same file at the same time: one of them stays. Folders and files are made
    with the permissions that the user's umask leaves, so that a group can share them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{UNFINISHED}{secrets.token_hex(4)}-{path.name[:KEPT_OF_NAMES]}")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def cache_folder() -> Path:
    """The user's cache folder: `$CGAN_CACHE`, or `$XDG_CACHE_HOME/cgan`, or `~/.cache/cgan`."""
    if chosen := os.environ.get("CGAN_CACHE"):
        return at_home(Path(chosen))
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cgan"


def at_home(path: Path) -> Path:
    """A path with the home in place of a leading `~`, which shells leave as it is in quotes."""
    try:
        return path.expanduser()
    except RuntimeError:  # of nobody
        return path
