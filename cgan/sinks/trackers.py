"""Trackers by name. Each package is optional, and imported only where its tracker is asked for."""

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cgan.config import ConfigError, TrackerName
from cgan.sinks.base import Sink
from cgan.system import files

FILE = "tracker.json"
"""In a run's folder: by which name each tracker knows the run, so that it goes on as the same."""


class About(NamedTuple):
    """What a tracker is told of a run."""

    folder: Path
    """The run's folder, whose name is the run's."""
    config: Mapping[str, Any]
    """Its resolved config, in JSON's types."""
    tags: Sequence[str]
    """A few words to find it by."""


def require_installed(name: TrackerName | None) -> None:
    """Refuse a tracker whose package is missing.

    Raises:
        ConfigError: saying how to install it.
    """
    if name is not None:
        try:
            import wandb  # noqa: F401
        except ImportError:
            expected = f"left out without the package {name}, which `pip install {name}` installs"
            raise ConfigError(f"track = {name!r}: must be {expected}") from None


def open_tracker(name: TrackerName, about: About) -> Sink:
    """The sink of this tracker, which goes on with the run where it knows it already.

    Raises:
        Exception: whatever the tracker does where it can't be reached.
    """
    from cgan.sinks.weights_and_biases import WeightsAndBiases

    return WeightsAndBiases(about, _run_id(about.folder, name))


def _run_id(folder: Path, name: TrackerName) -> str:
    """By which this tracker knows the run: made once, and kept in its folder."""
    file = folder / FILE
    known = json.loads(file.read_text()) if file.is_file() else {}
    if name not in known:
        known[name] = secrets.token_hex(4)
        files.replace(file, (json.dumps(known) + "\n").encode())
    return str(known[name])
