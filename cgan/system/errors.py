"""Errors that end a run before its end. Each message is for the user: no traceback goes with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class EndedError(Exception):
    """Training ended early; what is on disk is whole, and the same command line goes on."""

    exit_code = 1


class NonFiniteError(EndedError):
    """A loss or gradient stopped being a number; the message names step, term and device."""


class DiskError(EndedError):
    """A file of the run could not be written."""


class DataError(EndedError):
    """A sample could not be read."""


class LostProcessError(EndedError):
    """Another process of the run died or can't be reached."""


class AgreedError(EndedError):
    """A run ended in a way that all its processes learnt of after the same step, to end alike."""


class StoppedError(AgreedError):
    """A signal asked the run to stop, and it saved what it had."""

    exit_code = 75
    """Exit code `EX_TEMPFAIL` of sysexits.h: try again later."""


class CollapseError(AgreedError):
    """The generator collapsed; no checkpoint was allowed since the figures began to say so."""

    exit_code = 3


SAME_COMMAND = "the same command goes on from there"


def reason(error: BaseException) -> str:
    """An error's message in one short line."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


@contextmanager
def writing(path: Path, *failures: type[Exception]) -> Iterator[None]:
    """Turn errors of writing into a `DiskError` that names the path.

    Args:
        path: the file or folder.
        failures: what its writer raises beside an `OSError`.

    Raises:
        DiskError: it failed.
    """
    caught: tuple[type[Exception], ...] = (OSError, *failures)
    try:
        yield
    except caught as error:
        raise DiskError(f"{path}: can't be written ({reason(error)})") from None
