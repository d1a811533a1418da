"""The path of the data: what is at `data.path`, or what is there instead."""

import os
from pathlib import Path

from cgan.config import ConfigError, Data
from cgan.data.decode import SUFFIXES
from cgan.data.listing.archive import below_archive
from cgan.data.listing.below import Below
from cgan.data.listing.folders import below_folder
from cgan.system import archives
from cgan.system.legible import plain

EXPECTED = "must be a folder or a .zip file of images"
PACKED = (".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".7z", ".rar")
ARRAYS = (
    *(".npz", ".npy", ".h5", ".hdf5", ".parquet", ".arrow", ".lmdb", ".mdb", ".mat"),
    *(".tfrecord", ".tfrecords", ".array_record", ".pt", ".pth", ".pkl", ".pickle"),
)


def given(data: Data) -> str:
    """Words that messages about `data.path` begin with."""
    return f"data.path = '{plain(str(data.path))}'"


def place(data: Data) -> Path:
    """The value of `data.path` with the home folder in place of `~`.

    Raises:
        ConfigError: `~NAME` of nobody.
    """
    assert data.path is not None
    try:
        return data.path.expanduser()
    except RuntimeError:
        raise ConfigError(f"{given(data)}: no user of this name; {EXPECTED}") from None


def look_below(data: Data) -> Below:
    """List what lies below `data.path`.

    Raises:
        ConfigError: nothing is there, or what is neither folder nor archive, or can't be read, or
            is or holds the folder of a run.
    """
    path = place(data)
    try:
        if path.is_dir():
            return below_folder(path)
        if path.suffix.lower() == ".zip" and path.is_file():
            return below_archive(path)
        reason = _is_instead(path)
    except ConfigError as error:
        raise ConfigError(f"{given(data)}: {error}") from None
    except archives.BrokenArchive as error:
        reason = f"is no zip archive ({plain(str(error))}); must be one, or a folder of images"
        raise ConfigError(f"{given(data)}: {reason}") from None
    except OSError as error:
        where = "" if error.filename is None else f"{plain(os.fsdecode(error.filename))} "
        reason = f"{where}can't be read ({error.strerror})"
        raise ConfigError(f"{given(data)}: {reason}; {EXPECTED}") from None
    raise ConfigError(f"{given(data)}: {reason}; {EXPECTED}")


def require_outside(data: Data, workdir: Path) -> None:
    """Refuse a run whose own pictures would become data.

    Raises:
        ConfigError: its folder lies in the data's.
    """
    path = place(data)
    inside = Path(os.path.realpath(workdir)).is_relative_to(os.path.realpath(path))
    if inside and path.is_dir():
        raise ConfigError(
            f"workdir = '{plain(str(workdir))}': lies in {given(data)}, so that the run's "
            "pictures would become data; must be a folder outside of it"
        )


def _is_instead(path: Path) -> str:
    """Words for what is at a path that holds no data set."""
    if path.is_symlink() and not path.exists():
        return f"is a link to {plain(str(path.readlink()))}, which is not there"
    if not path.exists():
        above = next(folder for folder in path.absolute().parents if folder.exists())
        missing = path.absolute().relative_to(above).parts[0]
        kind = "is no folder" if above.is_file() else f"holds no {plain(missing)!r}"
        return f"is not there: {plain(str(above))} {kind}"
    suffix = path.suffix.lower()
    if not path.is_file():
        return "is no regular file"
    if suffix in SUFFIXES:
        return "is a single image"
    if suffix in PACKED:
        return "is an archive of another kind, and has to be unpacked first"
    if suffix in ARRAYS:
        return f"is a {suffix} file, whose images have to be written to files of their own first"
    return "is a file"
