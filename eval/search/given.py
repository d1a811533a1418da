"""A score that a user wrote: the function `score` in a Python file that a command line names.

It is a user's own code on the user's own machine, called as it is. This is the only file of the
project that runs code by a path.
"""

import ast
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
NONE: frozenset[str] = frozenset()


class Given(NamedTuple):
    """A user's file, and its function."""

    path: Path
    function: Callable[[Any], Any]
    fingerprint: str
    """Fingerprint of the file's text, and of the files beside it that it imports."""


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
    folders = (path.resolve().parent, Path.cwd())
    mark = _guarded(lambda: fingerprint(text, *_imported(text, folders)), name)
    return Given(path, lambda samples: _guarded(lambda: function(samples), name), mark)


def _imported(text: str, folders: tuple[Path, ...], known: frozenset[str] = NONE) -> list[str]:
    """Texts of the files that a text imports, and those that they import; of these folders alone.

    Installed packages are not among them, nor what is read in other ways than by an import.
    """
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    found = []
    for name in sorted(names - known):
        file = _file_of(name)
        near = file is not None and any(file.is_relative_to(folder) for folder in folders)
        if file is None or not near or {"site-packages", "dist-packages"} & set(file.parts):
            continue
        theirs = file.read_text("utf-8")
        found += [name, theirs, *_imported(theirs, folders, known | names)]
    return found


def _file_of(name: str) -> Path | None:
    """The Python file of a module, if there is one to be found."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    origin = None if spec is None else spec.origin
    return Path(origin).resolve() if origin is not None and origin.endswith(".py") else None


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
