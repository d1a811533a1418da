"""Trackers by name. Each package is optional, and imported only where its tracker is asked for."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cgan.config import ConfigError, RunConfig, TrackerName, to_json
from cgan.sinks.base import Guarded, Sink, failed
from cgan.system import files

FILE = "tracker.json"
"""In a run's folder: by which name each tracker knows the run, so that it goes on as the same."""


class About(NamedTuple):
    """What a tracker is told of a run."""

    folder: Path
    """The run's folder, whose name is the run's."""
    config: Mapping[str, Any]
    """The run's resolved config, in JSON's types."""
    tags: Sequence[str]
    """A few words to find the run by."""

    @classmethod
    def run(cls, folder: Path, config: RunConfig) -> "About":
        """The run of a config in this folder."""
        tags = (config.procedure, config.data.name or config.data.source)
        return cls(folder, json.loads(to_json(config)), tags)


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


def tracking(
    name: TrackerName | None, folder: Path, config: RunConfig, say: Callable[[str], None]
) -> list[Sink]:
    """The sink of a run's tracker; none without a tracker, or where it can't be reached.

    Args:
        name: of the tracker.
        folder: the run's.
        config: the run's.
        say: prints a line, where the tracker fails now or later.
    """
    if name is None:
        return []
    try:
        return [Guarded(open_tracker(name, About.run(folder, config)), say, name)]
    except Exception as error:  # whatever a tracker does without a network, or an account
        say(failed(name, error))
        return []


def open_tracker(name: TrackerName, about: About) -> Sink:
    """The sink of this tracker, which goes on with the run where it knows it already."""
    from cgan.sinks.weights_and_biases import WeightsAndBiases

    return WeightsAndBiases(about, _run_id(about.folder, name))


def _run_id(folder: Path, name: TrackerName) -> str:
    """The name by which this tracker knows the run: made once, and kept in the run's folder."""
    file = folder / FILE
    known = json.loads(file.read_text()) if file.is_file() else {}
    if name not in known:
        known[name] = secrets.token_hex(4)
        files.replace(file, (json.dumps(known) + "\n").encode())
    return str(known[name])
