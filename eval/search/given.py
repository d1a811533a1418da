"""A score that a user wrote: the function `score` in a Python file that a command line names.

It is a user's own code on the user's own machine, called as it is. This is the only file of the
project that runs code by a path.
"""

import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cgan.config import ConfigError, require
from cgan.system.errors import reason
from cgan.system.files import at_home
from eval.files.fingerprint import fingerprint

FUNCTION = "score"


class Given(NamedTuple):
    """A user's file, and its function."""

    path: Path
    function: Callable[[Any], Any]
    fingerprint: str
    """Fingerprint of the file's text."""


def load(name: str) -> Given:
    """Run a Python file, and take its function `score` from samples to numbers.

    Raises:
        ConfigError: no such file, one that fails, or one without the function.
    """
    path = at_home(Path(name))
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"can't be read ({reason(error)}); must be a Python file"
        raise ConfigError(f"score = {name!r}: {message}") from None
    found = _guarded(lambda: _module(path), name)
    function: Any = getattr(found, FUNCTION, None)
    expected = f"a file that defines a function `{FUNCTION}` of samples"
    require(callable(function), "score", name, expected)
    return Given(path, lambda samples: _guarded(lambda: function(samples), name), fingerprint(text))


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"score_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # as dataclasses and pickles of the file expect
    spec.loader.exec_module(module)
    return module


def _guarded(call: Callable[[], Any], name: str) -> Any:
    """Call a user's code; where that fails, say on which of its lines."""
    try:
        return call()
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        ours = str(at_home(Path(name)))
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename.endswith(ours)
        ]
        where = f" in line {lines[-1]}" if lines else ""
        told = f"fails{where} ({type(error).__name__}: {reason(error)})"
        raise ConfigError(f"score = {name!r}: {told}; must be a file that runs") from None
