"""Advisory locks that the system lets go when their holder ends, however: none is ever stale.

They hold on one machine, and on those that share a folder where its file system passes them on
(NFS does). Where it has none at all, `hold` refuses and the cache goes without.
"""

import errno
import fcntl
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import finalize

from cgan.config import ConfigError

NO_LOCKS_HERE = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EBADF)
POLL_SEC = 0.2


@contextmanager
def hold(path: Path, name: str, value: str) -> Iterator[None]:
    """Hold the lock of this file, whose content says who does.

    Args:
        path: the file; made if it is not there, and left behind.
        name: the setting that led here, for the message.
        value: the setting's value.

    Raises:
        ConfigError: another process holds it, on this machine or on one that shares the folder.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        if not _take(file):
            raise ConfigError(
                f"{name} = {value!r}: in use by {_holder(file)}; must be another folder, "
                "or wait until that run has ended"
            )
        _sign(file)
        yield
    finally:
        os.close(file)


@contextmanager
def wait_for(path: Path, said: Callable[[str], None]) -> Iterator[bool]:
    """Wait for the lock of this file and hold it; yields whether the file is still there.

    Args:
        path: the file; made if it is not there. A holder may move or remove it.
        said: told once who holds it, where there is a wait.

    Raises:
        OSError: it can't be made, or the file system has no locks (one of `NO_LOCKS_HERE`).
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        told = False
        while not _take(file):
            if not told:
                said(_holder(file))
                told = True
            time.sleep(POLL_SEC)
        _sign(file)
        yield _is_at(file, path)
    finally:
        os.close(file)


class Shared:
    """A mark that a file is in use, for as long as this object lives."""

    def __init__(self, path: Path) -> None:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        finalize(self, os.close, file)
        # Where there are no locks, or it is being removed, a reader goes on with what it has.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


@contextmanager
def if_free(path: Path) -> Iterator[bool]:
    """Whether nobody holds or shares the lock of this file; held here until the `with` ends."""
    try:
        file = _open_existing(path)
    except FileNotFoundError:
        yield True
        return
    try:
        try:
            free = _take(file)
        except OSError as error:
            if error.errno not in NO_LOCKS_HERE:
                raise
            free = True
        yield free
    finally:
        os.close(file)


def _open_existing(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except PermissionError:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _take(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: int) -> str:
    return os.pread(file, 200, 0).decode(errors="replace").strip() or "another process"


def _sign(file: int) -> None:
    os.ftruncate(file, 0)
    os.pwrite(file, f"process {os.getpid()} on {platform.node()}\n".encode(), 0)


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
