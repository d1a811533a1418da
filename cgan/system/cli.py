"""Frame of all command lines: bad input ends with one message and exit code 2."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from cgan.config import ConfigError, require
from cgan.system import compilation_cache, ctrl_c, platforms, terminal
from cgan.system.errors import EndedError, reason

LESS_MEMORY = (
    "training takes less with more --micro-batches, a smaller --batch-size or smaller networks, "
    "sampling and evaluation with a smaller --n"
)


def run(main: Callable[[], None]) -> None:
    """Call a program's main function, and turn its errors into messages and exit codes.

    A `ConfigError` ends it with exit code 2: what was asked for can't be done. Its message alone
    goes to standard error; devices that JAX does not find are bad input too. A file that can't be
    read or written ends it with 1, as do memory that runs out and training that had to end early
    (75 if a signal asked for it), and Ctrl-C with 130 at once, as shells expect; a pipe that nobody
    reads on, quietly with 141. What JAX compiles is kept for the next start.
    """
    terminal.prepare()
    compilation_cache.keep()
    try:
        with ctrl_c.ends_at_once():
            main()
            terminal.flush()
    except (ConfigError, EndedError) as error:
        _end(f"error: {error}", error.exit_code)
    except OSError as error:
        if isinstance(error, BrokenPipeError) and terminal.is_closed():
            sys.exit(terminal.CLOSED_PIPE)
        if error.strerror is None:
            raise
        where = "" if error.filename is None else f"{error.filename}: "
        _end(f"error: {where}{error.strerror}", 1)
    except (MemoryError, RuntimeError, AssertionError) as error:
        if is_out_of_memory(error):
            _end(f"error: out of memory ({reason(error)}); {LESS_MEMORY}", 1)
        refusal = platforms.refusal()
        if refusal is None:
            raise
        _end(f"error: {refusal}", refusal.exit_code)
    except KeyboardInterrupt:
        _end(ctrl_c.STOPPED, ctrl_c.EXIT_CODE)
    finally:
        terminal.finish()


def _end(message: str, exit_code: int) -> NoReturn:
    terminal.complain(message)
    sys.exit(exit_code)


def is_out_of_memory(error: Exception) -> bool:
    """Whether the host's memory ran out, or a device's: XLA says so by this status alone."""
    return isinstance(error, MemoryError) or str(error).startswith("RESOURCE_EXHAUSTED")


def require_out(out: Path, *suffixes: str, name: str = "out") -> None:
    """Refuse a file that could not be written, before the work that would fill it.

    Raises:
        ConfigError: another suffix, a folder in its place, or none above it that can be written.
    """
    require(out.suffix in suffixes, name, str(out), f"a {' or '.join(suffixes)} file")
    try:
        require(not out.is_dir(), name, str(out), "a file, not a folder")
        above = next(path for path in out.absolute().parents if path.exists())
    except OSError as error:
        raise ConfigError(f"{name} = {str(out)!r}: must be a path ({error.strerror})") from None
    require(above.is_dir(), name, str(out), f"in a folder; {above} is a file")
    try:
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        reason = f"{above} can't ({error.strerror})"
        expected = f"below a folder that can be written; {reason}"
        raise ConfigError(f"{name} = {str(out)!r}: must be {expected}") from None
