"""Configs as JSON text, and the differences between two of them."""

import dataclasses
import json
import typing
from pathlib import Path
from typing import Any, TypeVar

from cgan.config.checks import ConfigError, require
from cgan.config.experiment import Experiment
from cgan.config.renamed import renamed
from cgan.config.run_config import GAN, RunConfig

PROCEDURE = "procedure"
"""The key of what kind of training a config is of; that of a GAN has none."""

Kind = TypeVar("Kind")


def to_json(config: RunConfig) -> str:
    """The resolved config as JSON text."""
    kind = {} if config.procedure == GAN else {PROCEDURE: config.procedure}
    return json.dumps(kind | dataclasses.asdict(config), indent=2, default=str) + "\n"


def from_json(text: str) -> Experiment:
    """Read back what `to_json` wrote of a GAN, now or when some settings had other names.

    Raises:
        ConfigError: text that is not JSON, a config of another procedure, a field that is unknown
            or missing, a wrong value.
    """
    return read_as(Experiment, text)


def procedure_of(text: str) -> Any:
    """Name of the kind of training that a config is of, as far as the text says one."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return GAN
    return values.get(PROCEDURE, GAN) if isinstance(values, dict) else GAN


def read_as(kind: type[Kind], text: str) -> Kind:
    """Read back what `to_json` wrote of a config of this class.

    Raises:
        ConfigError: as for `from_json`.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"not a config in JSON: {error}; must be what train.py wrote into config.json"
        ) from None
    if isinstance(values, dict):
        expected: str = kind.procedure  # type: ignore[attr-defined]
        found = values.pop(PROCEDURE, GAN)
        require(found == expected, PROCEDURE, found, f"{expected!r} to be read here")
    return _from_dict(kind, renamed(values), "")


def _from_dict(cls: Any, values: Any, prefix: str) -> Any:
    require(isinstance(values, dict), prefix.rstrip(".") or "config", values, "an object")
    hints = typing.get_type_hints(cls)
    for name in values:
        require(name in hints, prefix + name, values[name], f"one of {', '.join(hints)}")
    converted = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(hints[name]):
            value = _from_dict(hints[name], value, f"{prefix}{name}.")
        elif isinstance(value, str) and _takes_paths(hints[name]):
            value = Path(value)
        elif isinstance(value, list):
            value = tuple(value)
        converted[name] = value
    for item in dataclasses.fields(cls):
        if item.name not in converted and not _has_default(item):
            raise ConfigError(f"{prefix}{item.name}: is missing; must be given")
    return cls(**converted)


def _has_default(item: dataclasses.Field[Any]) -> bool:
    """Whether a setting that came after a run was made may be missing in its config."""
    return (item.default, item.default_factory) != (dataclasses.MISSING, dataclasses.MISSING)


def _takes_paths(annotation: Any) -> bool:
    return Path in (annotation, *typing.get_args(annotation))


def differences(old: RunConfig, new: RunConfig) -> dict[str, tuple[Any, Any]]:
    """The fields in which two configs differ, as `{"optim.lr": (old, new)}`."""

    def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
        flat: dict[str, Any] = {}
        for item in dataclasses.fields(config):
            value = getattr(config, item.name)
            if dataclasses.is_dataclass(value):
                flat |= flatten(value, f"{prefix}{item.name}.")
            else:
                flat[prefix + item.name] = value
        return flat

    before, after = flatten(old), flatten(new)
    return {name: (before[name], after[name]) for name in after if before[name] != after[name]}
