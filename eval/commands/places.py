"""Paths that the commands on a run write to: its folder, another folder, or one file.

`--out` names a folder, in which files have the names that they have in a run's; or the file of the
command itself, by its suffix: the others stay in the run's folder then.
"""

import contextlib
from pathlib import Path

from cgan.config import ConfigError, require
from cgan.system import cli


def is_folder(out: Path) -> bool:
    """Whether `--out` names a folder: one that is there, or a name without the suffix of a file.

    Dots stand in folders' names too, as in `lr0.1` or `run.v2`: a suffix is of letters alone.
    """
    try:
        return out.is_dir() or not out.suffix[1:].isalpha()
    except OSError as error:
        raise ConfigError(f"out = {str(out)!r}: must be a path ({error.strerror})") from None


def require_out(out: Path, suffix: str) -> None:
    """Refuse an `--out` that is neither a folder nor such a file, or can't be written.

    Raises:
        ConfigError: saying what it must be.
    """
    if not is_folder(out):
        require(out.suffix == suffix, "out", str(out), f"a {suffix} file, or a folder")
        cli.require_out(out, suffix)


def folder_of(root: Path, out: Path | None) -> Path:
    """The folder that a command writes to: the run's, or the one of `--out`."""
    return root if out is None or not is_folder(out) else out


def file_of(root: Path, out: Path | None, name: str) -> Path:
    """The path of the command's own file: `--out`, or this name in the folder written to."""
    return out if out is not None and not is_folder(out) else folder_of(root, out) / name


def require_files(root: Path, *files: Path) -> None:
    """Refuse files that could not be written, before the work that would fill them.

    A run that is not there is not complained of here.

    Raises:
        ConfigError: naming the way out, where it is the run's folder that can't be written.
    """
    with contextlib.suppress(OSError):
        if not root.exists() or root.is_dir():
            for file in files:
                _require_writable(root, file)


def _require_writable(root: Path, file: Path) -> None:
    if file.is_dir():
        raise ConfigError(f"{file}: is a folder; must be a file, or nothing yet")
    try:
        cli.require_out(file, file.suffix, name="file")
        if file.suffix == ".jsonl" and file.exists():
            _require_appendable(file)
    except ConfigError as error:
        if file.parent != root:
            raise
        raise ConfigError(f"{error}; --out FOLDER writes to another one") from None


def _require_appendable(file: Path) -> None:
    try:
        file.open("ab").close()
    except OSError as error:
        expected = f"a file that can be added to ({error.strerror})"
        raise ConfigError(f"file = {str(file)!r}: must be {expected}") from None
