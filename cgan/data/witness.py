"""Witnesses that show that files changed without reading them, as git's index does.

A program may set a file's size and time of change back (`cp -p`, `rsync`, `touch -r`), but not the
time at which its inode changed, nor which inode a name leads to.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

SETTLED_NS = 2 * 10**9
"""Age in nanoseconds from which on a change of a file shows.

File systems count in ticks of up to two seconds: a younger file may change within its own.
"""


class Witness(NamedTuple):
    """A witness of some files: while it is the same, so is what they hold."""

    fingerprint: str
    youngest_ns: int
    """Time of the last change of any of them, on the file system's clock."""

    def is_settled(self, now_ns: int) -> bool:
        """Whether a change of the files from now on would show."""
        return self.youngest_ns < now_ns - SETTLED_NS


def seen(stat: os.stat_result) -> list[int]:
    """Size of a file, time of its change, inode, and time of the inode's change, which is last."""
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_ctime_ns]


def witness_of(stats: Iterable[os.stat_result], described: Any = None) -> Witness:
    """A witness of files and of how they are read.

    Args:
        stats: of the files, in an order that stays.
        described: their names, and whatever else decides what is read; as JSON knows it.
    """
    told = [seen(stat) for stat in stats]
    return Witness(fingerprint_of([told, described]), max((one[-1] for one in told), default=0))


def fingerprint_of(described: Any) -> str:
    """A hash of a value that JSON can hold."""
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()
