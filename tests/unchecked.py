"""What the tests of configs share: `cgan.config` without run-time type checks, and short forms.

The suite adds those checks to every function. They would refuse a value of a wrong type first, in
words of their own that a user never sees.
"""

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import cgan.config


def unchecked_copy() -> Any:
    """The package once more, past the suite's import hook; everything else stays as it was."""
    name = cgan.config.__name__
    loaded = {
        key: module for key, module in sys.modules.items() if f"{key}.".startswith(name + ".")
    }
    finders = sys.meta_path[:]
    for key in loaded:
        del sys.modules[key]
    sys.meta_path[:] = [
        finder for finder in finders if not type(finder).__module__.startswith("jaxtyping")
    ]
    try:
        return importlib.import_module(name)
    finally:
        sys.meta_path[:] = finders
        for key in [key for key in sys.modules if f"{key}.".startswith(name + ".")]:
            del sys.modules[key]
        sys.modules.update(loaded)
        cgan.config = loaded[name]


config = unchecked_copy()

SECTIONS: dict[str, Any] = {
    "data": config.Data,
    "conditioning": config.Conditioning,
    "generator": config.Generator,
    "discriminator": config.Discriminator,
    "objective": config.Objective,
    "embedding": config.Embedding,
    "bank": config.Bank,
    "penalty": config.Penalty,
    "augment": config.Augment,
    "optim": config.Optim,
    "prior": config.Prior,
    "alarm": config.Alarm,
    "federated": config.Federated,
    "translation": config.Translation,
    "graded": config.Graded,
}
AROUND = "two numbers with 0 < low <= temperature = {} <= high, not equal"


def make(settings: dict[str, Any]) -> Any:
    """An experiment with these settings, by their dotted names, and defaults for the others."""
    sections: dict[str, dict[str, Any]] = {}
    values: dict[str, Any] = {"workdir": Path("runs/test")}
    for name, value in settings.items():
        section, _, field = name.rpartition(".")
        (sections.setdefault(section, {}) if section else values)[field] = value
    values |= {section: SECTIONS[section](**fields) for section, fields in sections.items()}
    return config.Experiment(**values)


def default_of(name: str) -> Any:
    """The default of the field of this dotted name."""
    section, _, field = name.rpartition(".")
    return getattr(SECTIONS[section](), field)


def assert_refused(settings: dict[str, Any], name: str, expected: str) -> None:
    """Refused with one message, on the field of this dotted name."""
    value = settings[name] if name in settings else default_of(name)
    shown = str(value) if isinstance(value, Path) else value
    message = f"{name} = {shown!r}: must be {expected}"
    with pytest.raises(config.ConfigError, match=f"^{re.escape(message)}$"):
        make(settings)
