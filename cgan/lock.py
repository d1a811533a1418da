"""One run a folder: an advisory lock that the system lets go when its holder ends, however."""

import fcntl
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cgan.config import ConfigError


@contextmanager
def hold(path: Path, name: str, value: str) -> Iterator[None]:
    """Hold the lock of this file; its content says who does.

    Args:
        path: the file; made if it is not there, and left behind.
        name: the setting that led here, for the message.
        value: the setting's value.

    Raises:
        ConfigError: another process holds it, on this machine or on one that shares the folder.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 200).decode(errors="replace").strip() or "another process"
            raise ConfigError(
                f"{name} = {value!r}: in use by {holder}; must be another folder, "
                "or wait until that run has ended"
            ) from None
        os.ftruncate(file, 0)
        os.write(file, f"process {os.getpid()} on {platform.node()}\n".encode())
        yield
    finally:
        os.close(file)
