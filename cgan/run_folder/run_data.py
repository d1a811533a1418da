"""A run's memory of the data that it learns: `data.json`, beside its config.

Samples are drawn from it without the data. Whatever reads the data again, on resume and in
evaluation, holds them against it: where they lie may change, what they are may not.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from cgan.config import OF_CLASSES, ConfigError, Data, DataChanged, RunConfig, require
from cgan.data import FROM_FILES, HANDED_IN, Source, limited, load_held_out, load_source
from cgan.data.identity import Identity, changes, from_json, identify, to_json
from cgan.data.remembered import Remembered
from cgan.data.source import check_source
from cgan.datasets import DATASETS, OWN
from cgan.run_folder.workdir import Workdir
from cgan.system import files
from cgan.system.cache import note
from cgan.system.errors import writing

VERSION = 1
MOST_BYTES = 2**26
"""Most bytes of a data.json: one of a thousand classes has some hundred thousand."""
HISTORY = "before"
"""Key of what the data were before other ones were accepted, the oldest first."""
ACCEPT = "--data-changed accept goes on with these"


def read(workdir: Workdir) -> Identity | None:
    """Read which data the run learnt; None for a run of before data were remembered.

    Raises:
        ConfigError: the file can't be read.
    """
    values = _values(workdir)
    if values is None:
        return None
    try:
        return from_json(values)
    except ValueError as error:
        raise _unreadable(workdir, str(error)) from None


def check(
    root: Path, known: Identity | None, config: RunConfig, found: Identity, changed: DataChanged
) -> None:
    """Refuse data that are not those that a run learnt, or that its networks were not made for.

    Args:
        root: the run's folder.
        known: what it knows of them, if anything.
        config: the run's, which names them as they are named now.
        found: what they are.
        changed: what to do where they are others.

    Raises:
        ConfigError: saying what changed.
    """
    listed = [] if known is None else changes(known, found)
    if known is None or not listed:
        return
    said = f"{_called(config.data)}: not the data that {root} learnt ({'; '.join(listed)})"
    if changed == "refuse":
        raise ConfigError(f"{said}; must be the same, wherever they lie. {ACCEPT}")
    _require_fitting(root, config, known, found)
    note(f"{said}: going on with these")


def _called(data: Data) -> str:
    """Words by which the settings name the data set."""
    if data.path is not None:
        return f"data.path = {str(data.path)!r}"
    return f"data.name = {data.name!r}" if data.name else f"data.source = {data.source!r}"


def _require_fitting(
    root: Path, config: RunConfig, known: Identity, found: Identity | Source
) -> None:
    """Refuse samples of another shape, or another number of classes, accepted or not."""
    where = f"{root}: its networks"
    if known.sample_shape != found.sample_shape:
        raise ConfigError(
            f"{where} are made for samples of {known.sample_shape}, not {found.sample_shape}; "
            "must be another folder for these data"
        )
    were, are = len(known.class_names), len(found.class_names)
    if config.reads_labels and were != are:
        raise ConfigError(
            f"{where} are made for {were} classes, not {are}; must be another folder for these data"
        )


def write(workdir: Workdir, found: Identity) -> None:
    """Remember these data, beside those that were remembered before.

    Raises:
        DiskError: the file can't be written.
    """
    before = _values(workdir) or {}
    if before and from_json(before) == found:
        return
    history = before.pop(HISTORY, [])
    if before:
        history = [*history, before]
    values = {"version": VERSION, **to_json(found), HISTORY: history}
    with writing(workdir.data):
        files.replace(workdir.data, (json.dumps(values, indent=1) + "\n").encode())


def _values(workdir: Workdir) -> dict[str, Any] | None:
    try:
        size = workdir.data.stat().st_size
        require(size <= MOST_BYTES, "size", size, f"at most {MOST_BYTES:,} bytes")
        values = json.loads(workdir.data.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(workdir, str(error)) from None
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise _unreadable(workdir, f"is not of version {VERSION}")
    return values


def _unreadable(workdir: Workdir, reason: str) -> ConfigError:
    return ConfigError(
        f"{workdir.data}: can't be read ({reason}); must be what train.py wrote there. "
        "Without this file the run takes its data for those that it learnt"
    )


def own_source(root: Path, config: RunConfig, source: Source | None) -> Source | None:
    """The object that a run learnt; None for a run that learnt a data set by its name.

    Args:
        root: the run's folder.
        config: the run's.
        source: the object, where the caller has one.

    Raises:
        ConfigError: it is missing, or there is nothing to be learnt from one.
    """
    if config.data.source != OWN:
        expected = f"left out: {root} learnt data.source = {config.data.source!r}"
        require(source is None, "source", source, expected)
        return None
    if source is None:
        raise ConfigError(
            f"{root}: learnt {HANDED_IN}; must be read by a program that hands it in again: "
            "load_run(root, source=...), or a command's main(arguments, source=...)"
        )
    return check_source(source)


def source_of(workdir: Workdir, config: RunConfig, source: Source | None = None) -> Source:
    """The train split of a run, which is not opened before one of its images is read.

    Args:
        workdir: the run's folder.
        config: the run's.
        source: what it learnt, where a program handed that in.

    Raises:
        ConfigError: there is no record of it, and the data can't be loaded.
    """
    remembered = config.data.source in (*FROM_FILES, OWN)
    known = read(workdir) if remembered else None
    own = own_source(workdir.root, config, source)
    if own is not None and known is not None:
        _require_fitting(workdir.root, config, known, own)
    if own is not None:
        return limited(own, config.data)
    if known is None:
        return load_source(config.data, "train")

    def opened() -> Source:
        return splits_of(workdir, config, Whereabouts())[0]

    name, kind = config.data.name or config.data.source, DATASETS[config.data.source].kind
    return Remembered(name, known, opened, kind)


class Whereabouts(NamedTuple):
    """Options of a command line on the data of a run."""

    path: Path | None = None
    """Path of the data now; None where the run's config still says it."""
    changed: DataChanged = "refuse"
    """Whether to go on where the data are not those that the run learnt."""


def splits_of(
    workdir: Workdir, config: RunConfig, where: Whereabouts, source: Source | None = None
) -> tuple[Source, Source]:
    """What a run trained on and what was held out, which are what it knows of them.

    Args:
        workdir: the run's folder.
        config: the run's.
        where: what a command line says of them.
        source: what it learnt, where a program handed that in.

    Raises:
        ConfigError: they are not there, or others than those that it learnt.
    """
    data = moved(config.data, where.path)
    own = own_source(workdir.root, config, source)
    try:
        train = load_source(data, "train") if own is None else limited(own, data)
        held_out = load_held_out(data, train)
    except ConfigError as error:
        places = [path for path in (data.path, data.data_dir) if path is not None]
        if not all(map(_is_there, places)):
            raise ConfigError(f"{error}. --data-path says where this run's data lie now") from None
        raise
    known = read(workdir)
    if known is not None:
        found = identify(train, held_out)
        check(workdir.root, known, replace(config, data=data), found, where.changed)
    return train, held_out


def _is_there(path: Path) -> bool:
    try:
        return files.at_home(path).exists()
    except OSError:  # a name that is too long, a folder that is closed
        return False


def moved(data: Data, path: Path | None) -> Data:
    """Settings of data that lie elsewhere now.

    Raises:
        ConfigError: a path for data that lie nowhere.
    """
    if path is None:
        return data
    if data.source == "folder":
        return replace(data, path=path, classes=_moved_labels(data, path))
    has_own = data.source in ("dna", "lattice", "proteins")  # which need no path
    if has_own and data.path is not None:
        return replace(data, path=path)
    if data.source in FROM_FILES and not has_own:
        return replace(data, data_dir=path)
    expected = f"left out with data.source = {data.source!r}, which lies in no folder"
    raise ConfigError(f"data_path = {str(path)!r}: must be {expected}")


def _moved_labels(data: Data, path: Path) -> str:
    """The path now of a file of labels: one in the data's folder has moved with it."""
    assert data.path is not None
    file = Path(data.classes)
    if data.classes.lower().endswith(OF_CLASSES) and file.is_relative_to(data.path):
        return str(path / file.relative_to(data.path))
    return data.classes
