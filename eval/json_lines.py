"""Files of JSON lines that only grow: what is added is there whole, or not at all.

A line that a crash or a full disk tore is the last one, without an end; whoever adds to the file
next removes it. Those who add wait for each other.
"""

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cgan.system.errors import DiskError, reason

READ_AT_ONCE = 2**16


def append_lines(path: Path, lines: Sequence[str]) -> None:
    """Append lines to a file, each with its end; all of them or, where that fails, none.

    Raises:
        DiskError: the file can't be written; it holds what it held.
    """
    content = "".join(lines).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            with _alone(descriptor):
                _heal(descriptor)
                _add(descriptor, content)
        finally:
            os.close(descriptor)
    except OSError as error:
        lost = f"its lines are as they were, and {len(lines):,} new ones are lost"
        raise DiskError(f"{path}: can't be written ({reason(error)}); {lost}") from None


@contextlib.contextmanager
def _alone(descriptor: int) -> Iterator[None]:
    """Lock the file against others who add to it, where its file system can."""
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield  # closing the file lets go of it


def _heal(descriptor: int) -> None:
    """End a last line that lacks only its end, and remove one of ours that is torn."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or not found.st_size:
        return
    start = found.st_size - len(last := _after_last_end(descriptor, found.st_size))
    if not last:
        return
    if _is_torn(last):
        os.ftruncate(descriptor, start)
    else:
        _add(descriptor, b"\n")


def _is_torn(line: bytes) -> bool:
    """Whether a last line is the beginning of an object, or what a crash left in its place."""
    if not line.startswith((b"{", b"\0")):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return True
    return False


def _after_last_end(descriptor: int, size: int) -> bytes:
    """The part of a file that follows the last end of a line."""
    tail = b""
    while len(tail) < size and b"\n" not in tail:
        start = max(0, size - len(tail) - READ_AT_ONCE)
        tail = os.pread(descriptor, size - len(tail) - start, start) + tail
    return tail.rpartition(b"\n")[2]


def _add(descriptor: int, content: bytes) -> None:
    """Write all of a content to a file; where that fails, leave nothing of it behind."""
    size = os.fstat(descriptor).st_size
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    except BaseException:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The objects in a file of JSON lines, oldest first; torn lines are left out."""
    found = []
    for line in path.read_text(errors="replace").splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):  # torn, a number of too many digits, nested too deep
            continue
        if isinstance(row, dict):
            found.append(row)
    return found
