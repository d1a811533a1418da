"""Checkpoints of the whole training state, written by Orbax and named by images seen.

Each holds the state and notes: a fingerprint of every array, taken before it was written. They are
compared when a checkpoint has just been written and when it is read, so that a damaged one is
neither trusted nor a reason to delete an older one.
"""

import hashlib
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp

from cgan.config import ConfigError
from cgan.system.errors import DiskError, reason, writing

FormerName = Callable[[str], str]
"""From the name of an array of a state to the one that it had in checkpoints of before."""
KEEP = 3
"""Number of checkpoints that stay on disk: the newest ones."""

FAILURES = (ValueError, LookupError, TypeError, AttributeError, OSError, RuntimeError)
"""Errors of Orbax and TensorStore over files that are missing, damaged or can't be written."""


def unchanged(name: str) -> str:
    """The name of an array that was never called otherwise."""
    return name


class Checkpoint(NamedTuple):
    """The content of one checkpoint."""

    state: Any
    """Training state, as NumPy arrays on the host."""
    pending: dict[str, Any]
    """Sums of the metrics since the last row, in JSON's types."""


class Checkpoints:
    """The checkpoints of one run. A save that returned is complete on disk, and was read back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _orbax(self) -> ocp.Checkpointer:
        """Orbax's checkpointer, made when it is needed.

        Who only lists, as all processes but the first do, needs none.
        """
        many, own = jax.process_count() > 1, jax.process_index()
        # Each of many processes saves and restores by itself; it must not wait for the others.
        alone = ocp.options.MultiprocessingOptions(
            primary_host=own,
            active_processes={own} if many else None,
            barrier_sync_key_prefix=f"process-{own}" if many else None,
        )
        handlers = ocp.CompositeCheckpointHandler(
            composite_options=ocp.CompositeOptions(multiprocessing_options=alone),
            state=ocp.StandardCheckpointHandler(multiprocessing_options=alone),
            notes=ocp.JsonCheckpointHandler(multiprocessing_options=alone),
        )
        return ocp.Checkpointer(handlers, multiprocessing_options=alone)

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *exception: object) -> None:
        if "_orbax" in self.__dict__:
            self._orbax.close()

    def all(self) -> list[int]:
        """Images seen by each complete checkpoint, the oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(
            int(path.name)
            for path in self.folder.iterdir()
            if path.name.isascii() and path.name.isdigit() and path.is_dir()
        )

    def latest(self) -> int | None:
        """Images seen by the newest complete checkpoint, or None."""
        return max(self.all(), default=None)

    def save(self, nimg: int, state: Any, pending: dict[str, Any] | None = None) -> None:
        """Write the state, read it back, and only then delete what is older than the newest few.

        Orbax renames a finished folder into place, so none is ever half.

        Raises:
            DiskError: it can't be written, or reads back as something else.
        """
        host = jax.tree.map(np.asarray, state)
        notes = {"arrays": _describe(host), "pending": pending or {}}
        path = self.folder / str(nimg)
        items = ocp.args.Composite(
            state=ocp.args.StandardSave(host), notes=ocp.args.JsonSave(notes)
        )
        try:
            with writing(path, *FAILURES):
                self.folder.mkdir(parents=True, exist_ok=True)
                with _plainly_named(self.folder) as folder:
                    self._orbax.save(folder / path.name, args=items)
                _flush(path)
                self._read(path, host)
        except DiskError:
            self._discard(path)
            raise
        for old in self.all()[:-KEEP]:
            self._discard(self.folder / str(old))

    def clean(self) -> None:
        """Remove what a killed process left unfinished; only while no other process trains here."""
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if DELETED in path.name or ocp.utils.TMP_DIR_SUFFIX in path.name:
                    shutil.rmtree(path, ignore_errors=True)

    def restore(self, nimg: int, like: Any, former: FormerName = unchanged) -> Checkpoint:
        """Read what there was after `nimg` images.

        Args:
            nimg: which checkpoint.
            like: a state of the same shapes and dtypes.
            former: what arrays were called before: a checkpoint may have them by those names.

        Raises:
            ConfigError: there is no such checkpoint, it is damaged, or of another network.
        """
        existing = self.all()
        if nimg not in existing:
            found = ", ".join(str(step) for step in existing) or "none"
            raise ConfigError(f"checkpoint {nimg}: not in {self.folder}; it holds {found}")
        path = self.folder / str(nimg)
        try:
            return self._read(path, like, former)
        except FAILURES as error:
            raise ConfigError(
                f"{path}: can't be read ({reason(error)}); must be a complete checkpoint of this "
                "config: move it away to go on from the one before"
            ) from None

    def _read(self, path: Path, like: Any, former: FormerName = unchanged) -> Checkpoint:
        """Read a checkpoint; refused unless it is of the same form and as it was before writing."""
        names = {former(name): name for name, _ in _named(like)}
        with _without_abandoned_reads(), _plainly_named(path.parent) as folder:
            items = ocp.args.Composite(notes=ocp.args.JsonRestore())
            notes = self._orbax.restore(folder / path.name, args=items)["notes"]
            written = {names.get(name, name): how for name, how in notes["arrays"].items()}
            _require_same_form(written, like)
            items = ocp.args.Composite(state=ocp.args.StandardRestore())
            read = self._orbax.restore(folder / path.name, args=items)["state"]
            state = _in_form(read, like, names)
        found = _describe(state)
        for name, how in written.items():
            if found[name] != how:
                raise ValueError(f"{name} is not what was written")
        return Checkpoint(state, notes["pending"])

    def _discard(self, path: Path) -> None:
        """Delete a checkpoint.

        It loses its name first: without all its files it never looks complete.
        """
        if path.exists():
            shutil.rmtree(path.replace(path.with_name(path.name + DELETED)), ignore_errors=True)
        for unfinished in path.parent.glob(f"{path.name}*{ocp.utils.TMP_DIR_SUFFIX}*"):
            shutil.rmtree(unfinished, ignore_errors=True)


DELETED = ".deleted"


def _describe(state: Any) -> dict[str, str]:
    """Shape, dtype and fingerprint of each array, by its path in the state."""
    return {name: f"{_form(leaf)} {_fingerprint(leaf)}" for name, leaf in _named(state)}


def _fingerprint(leaf: np.ndarray) -> str:
    return hashlib.blake2b(np.ascontiguousarray(leaf), digest_size=16).hexdigest()


def _named(state: Any) -> list[tuple[str, Any]]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(state)
    return [(jax.tree_util.keystr(path, simple=True, separator="/"), leaf) for path, leaf in leaves]


def _in_form(arrays: Any, like: Any, names: dict[str, str]) -> Any:
    """Arrays by their names as a state; parts of it that hold none may be missing on disk."""
    by_name = {names.get(name, name): np.asarray(leaf) for name, leaf in _named(arrays)}
    return jax.tree.unflatten(jax.tree.structure(like), [by_name[name] for name, _ in _named(like)])


def _form(leaf: Any) -> str:
    return f"{np.dtype(leaf.dtype).name}[{','.join(map(str, leaf.shape))}]"


def _require_same_form(arrays: dict[str, str], like: Any) -> None:
    """Raise a `ValueError` on the first array that this config's state does not have like that."""
    expected = {name: _form(leaf) for name, leaf in _named(like)}
    for name in sorted(expected.keys() | arrays.keys()):
        there = arrays[name].partition(" ")[0] if name in arrays else "missing"
        if there != expected.get(name):
            wanted = expected.get(name, "no such array")
            raise ValueError(f"{name} is {there} there, and {wanted} in this config")


OPEN_FILES = Path("/proc/self/fd")
"""Folder in which Linux has every open folder under its number."""


@contextmanager
def _plainly_named(folder: Path) -> Iterator[Path]:
    """A path to a folder in which nothing stands for anything else.

    Orbax and TensorStore read brackets, backslashes and `gs:` as patterns and addresses, and take
    UTF-8 alone. Their messages name this path in place of the folder's.
    """
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    yield OPEN_FILES / str(file) if OPEN_FILES.is_dir() else folder.absolute()
    os.close(file)  # after a failure it stays open: other reads and writes end later


def _flush(folder: Path) -> None:
    """Have the system write all of a folder to the disk, for a machine that loses its power."""
    for path in (*folder.rglob("*"), folder, folder.parent):
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


@contextmanager
def _without_abandoned_reads() -> Iterator[None]:
    """A context that hides what Orbax's other reads say after one of them failed.

    They still report to an event loop that is closed.
    """
    inherited: Callable[[Any], object] = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if "Event loop is closed" not in str(unraisable.exc_value):
            inherited(unraisable)

    sys.unraisablehook = hook
    for name in ("absl", "asyncio"):  # they tell of the same failure once more, at length
        logging.getLogger(name).setLevel(logging.CRITICAL)
    yield  # after a failure the hook stays: the other reads end later
    sys.unraisablehook = inherited
