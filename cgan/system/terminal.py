"""Standard output and error as users have them: of any encoding, closed, or a pipe nobody reads.

What is printed is never worth an error: characters that a terminal can't show are replaced, and a
stream that is closed takes everything and shows nothing.
"""

import codecs
import contextlib
import io
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

from cgan.system.legible import plain

CLOSED_PIPE = 128 + signal.SIGPIPE
"""Exit code of a program whose output nobody reads on, as shells know it: 141."""
LEGIBLE = "cgan.system.legible"
"""Name of the error handler for characters that an encoding does not have."""
SIGNS = {"±": "+-", "\N{MINUS SIGN}": "-", "…": "..."}
"""Signs of the project's own tables, in ASCII."""


def _legibly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    told = (
        SIGNS.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in missing
    )
    return "".join(told), error.end


codecs.register_error(LEGIBLE, _legibly)


def prepare() -> None:
    """Make both streams fit to print on; a file that is opened later never takes their place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    sys.stdout, sys.stderr = _usable(sys.stdout), _usable(sys.stderr)


def _usable(stream: Any) -> Any:
    """The stream, or one that takes all characters, if only to forget them."""
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=LEGIBLE)
    return stream


def shown(text: str, encoding: str) -> str:
    """A line as a terminal of this encoding shows it."""
    return plain(text).encode(encoding, LEGIBLE).decode(encoding)


def say(text: str) -> None:
    """Print one line on standard output."""
    print(plain(text))


def complain(text: str) -> None:
    """Print one line on standard error, if anybody reads it."""
    with contextlib.suppress(OSError, ValueError):
        print(plain(text), file=sys.stderr, flush=True)


def flush() -> None:
    """Write out all that was printed.

    Raises:
        OSError: it can't be; a `BrokenPipeError` where nobody reads it.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        error.filename = "standard output"
        raise


def is_closed() -> bool:
    """Whether one of the streams is a pipe, or a terminal, that nobody reads from any more."""
    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            poll.register(stream.fileno(), 0)  # what it is told of unasked: errors, hang-ups
    return bool(poll.poll(0))


def finish() -> None:
    """Write out what is pending; where that fails, let the interpreter's end not fail of it too."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with contextlib.suppress(OSError), Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
        except ValueError:  # closed by the program itself
            continue
