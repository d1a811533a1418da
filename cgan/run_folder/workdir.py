"""The folder of a run: its paths, and whether a config may go on there."""

import os
import re
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from cgan.config import (
    ConfigError,
    Experiment,
    RunConfig,
    changes_forbidden,
    procedure_of,
    read_as,
    require,
    to_json,
)
from cgan.system import files, lock
from cgan.system.errors import writing

Kind = TypeVar("Kind")

MOST_BYTES = 2**20
"""Most bytes of a config.json: ours have a few thousand."""
MAY_DIFFER = ("workdir", "data.cached")
"""Settings that say where things lie, and change nothing of what is learnt."""
WHERE_DATA_LIE = ("data.path", "data.data_dir", "data.classes", "data.splits")
"""Settings that say where data lie and how they are read.

They may differ for a run that knows its data by what they are.
"""

LONGEST_BELOW = 256
"""Most bytes that the paths of a run's files take below its folder."""
ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
"""Pattern of the beginning of addresses such as gs://bucket, as a path has them."""


class Workdir:
    """Paths inside `runs/NAME/`; making one touches nothing on disk.

    Args:
        root: the run's folder, of any name; `~` is the user's home.
    """

    def __init__(self, root: Path) -> None:
        root = files.at_home(root)
        self.root = root
        self.config = root / "config.json"
        self.data = root / "data.json"
        self.metrics = root / "metrics.jsonl"
        self.tensorboard = root / "tensorboard"
        self.checkpoints = root / "checkpoints"
        self.samples = root / "samples"
        self.lock = root / ".lock"

    def read_config(self) -> Experiment:
        """Read the config of the GAN in this folder.

        Raises:
            ConfigError: there is no run here, it is of another procedure, or its config can't be
                read.
        """
        return self.read_config_as(Experiment)

    def read_config_as(self, kind: type[Kind]) -> Kind:
        """The config of the run in this folder, of this class.

        Raises:
            ConfigError: as for `read_config`.
        """
        text = self._config_text()
        try:
            return read_as(kind, text)
        except ConfigError as error:
            raise ConfigError(f"{self.config}: {error}") from None

    def read_procedure(self) -> Any:
        """Name of the kind of training that the run in this folder is of.

        Raises:
            ConfigError: there is no run here, or its config can't be read.
        """
        return procedure_of(self._config_text())

    def _config_text(self) -> str:
        if not self._has_config():
            raise ConfigError(
                f"{self.root}: not a run, config.json is missing; must be a folder made by train.py"
            )
        try:
            size = self.config.stat().st_size
            require(size <= MOST_BYTES, "size", size, f"at most {MOST_BYTES:,} bytes")
            return self.config.read_text()
        except UnicodeDecodeError:
            raise ConfigError(f"{self.config}: not text in UTF-8; must be JSON") from None
        except (ConfigError, OSError) as error:
            raise ConfigError(f"{self.config}: {error}") from None

    def _has_config(self) -> bool:
        try:
            return self.config.is_file()
        except OSError as error:
            raise ConfigError(
                f"{self.root}: {error.strerror}; must be a folder made by train.py"
            ) from None

    def check(self, config: RunConfig) -> None:
        """Refuse to train in a folder that holds something else; writes nothing.

        Raises:
            ConfigError: the path is not a folder, or holds a run with another config.
        """
        try:
            self._check(config)
        except OSError as error:
            raise self._refusal(
                f"{error.strerror} ({error.filename}); "
                "must be a folder that can be read and written"
            ) from None

    def _check(self, config: RunConfig) -> None:
        for folder in (self.checkpoints, self.samples, self.tensorboard):
            if folder.exists() and not folder.is_dir():
                raise self._refusal(f"{folder} must be a folder")
        if self.metrics.exists() and not self.metrics.is_file():
            raise self._refusal(f"{self.metrics} must be a file")
        existing = next(
            path for path in (self.root, *self.root.absolute().parents) if path.exists()
        )
        if not existing.is_dir():
            raise self._refusal(f"{existing} is a file; must be a folder")
        if ADDRESS.match(str(self.root)) and not Path(self.root.parts[0]).exists():
            raise self._refusal("an address; must be a folder in a file system of this machine")
        longest = len(os.fsencode(self.root.absolute())) + LONGEST_BELOW
        if longest > os.pathconf(existing, "PC_PATH_MAX"):
            raise self._refusal("too long; must leave room for the names of files below it")
        if self.root.absolute() == Path(self.root.absolute().anchor):
            raise self._refusal("the root of the file system; must be a folder of the run's own")
        if not self.config.exists():
            if self.checkpoints.exists() or self.metrics.exists():
                raise self._refusal(
                    "holds checkpoints or metrics without a "
                    "config.json; must be a new folder or a complete run"
                )
            return
        found = changes_forbidden(_at_home(self.read_config_as(type(config))), _at_home(config))
        may_differ = MAY_DIFFER + (WHERE_DATA_LIE if self.data.exists() else ())
        differing = {name: how for name, how in found.items() if name not in may_differ}
        if differing:
            listed = "; ".join(f"{name} {how}" for name, how in differing.items())
            raise self._refusal(
                f"holds a run with another config ({listed}); "
                "must be another folder, or the same settings to resume"
            )

    def create(self, config: RunConfig) -> None:
        """Make the folder and write the resolved config, if it is not there yet.

        Raises:
            ConfigError: the folder can't be written.
        """
        try:
            self.samples.mkdir(parents=True, exist_ok=True)
            if not self.config.exists():
                files.replace(self.config, to_json(config).encode())
        except OSError as error:
            raise self._refusal(
                f"{error.strerror} ({error.filename}); must be a folder that can be written"
            ) from None

    def record(self, config: RunConfig) -> None:
        """Write down what the run is trained with from here on, where that has changed.

        Raises:
            DiskError: it can't be written.
        """
        if self.read_config_as(type(config)) != config:
            with writing(self.config):
                files.replace(self.config, to_json(config).encode())

    def locked(self) -> AbstractContextManager[None]:
        """Hold the folder against other runs.

        Raises:
            ConfigError: another run holds it.
        """
        return lock.hold(self.lock, "workdir", str(self.root))

    def _refusal(self, reason: str) -> ConfigError:
        return ConfigError(f"workdir = {str(self.root)!r}: {reason}")


def _at_home(config: RunConfig) -> RunConfig:
    """With the home in place of `~`, which a config.json may hold from before it was replaced."""
    path, data_dir = (
        None if where is None else files.at_home(where)
        for where in (config.data.path, config.data.data_dir)
    )
    return replace(config, data=replace(config.data, path=path, data_dir=data_dir))
