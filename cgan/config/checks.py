"""What the config classes share: checks of types and ranges, and the error they raise."""

import dataclasses
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal


class ConfigError(Exception):
    """A setting that can't be used; the message names the field, the value and what would be.

    Not a `ValueError`: those the command-line parser would wrap in words of its own.
    """


def require(condition: bool, name: str, value: object, expected: str) -> None:
    """Raise a `ConfigError` unless the condition holds."""
    if not condition:
        raise ConfigError(f"{name} = {value!r}: must be {expected}")


def require_seed(seed: int) -> None:
    """Raise a `ConfigError` unless JAX and NumPy both take the seed."""
    require(0 <= seed < 2**32, "seed", seed, "from 0 to 2**32 - 1")


def check_types(config: Any, prefix: str) -> None:
    """Check every field of a config against its annotation (`int`, `float`, `Literal`, ...)."""
    for name, annotation in typing.get_type_hints(type(config)).items():
        value = getattr(config, name)
        options = (
            typing.get_args(annotation)
            if typing.get_origin(annotation) in (types.UnionType, typing.Union)
            else (annotation,)
        )
        expected = " or ".join(_describe(option) for option in options)
        require(any(_matches(value, option) for option in options), prefix + name, value, expected)


def _matches(value: object, annotation: Any) -> bool:
    if typing.get_origin(annotation) is Literal:
        return value in typing.get_args(annotation)
    if typing.get_origin(annotation) is tuple:
        inner = typing.get_args(annotation)
        return (
            isinstance(value, tuple)
            and len(value) == len(inner)
            and all(map(_matches, value, inner))
        )
    if isinstance(value, bool):
        return annotation is bool
    if annotation is float:
        return isinstance(value, int | float)
    return isinstance(value, annotation)


def _describe(annotation: Any) -> str:
    if typing.get_origin(annotation) is Literal:
        return "one of " + ", ".join(repr(choice) for choice in typing.get_args(annotation))
    if typing.get_origin(annotation) is tuple:
        return "a pair of numbers"
    names = {int: "a whole number", float: "a number", bool: "true or false"}
    names |= {Path: "a path", str: "text"}
    return names.get(annotation, "None" if annotation is type(None) else annotation.__name__)


def positive(config: Any, prefix: str, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        require(0 < value < float("inf"), prefix + name, value, "more than 0")


def not_negative(config: Any, prefix: str, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        require(0 <= value < float("inf"), prefix + name, value, "0 or more")


def only_defaults(config: Any, prefix: str, names: Iterable[str], when: str) -> None:
    """Raise a `ConfigError` if a setting was changed where nothing would read it.

    Args:
        config: the config that holds the settings.
        prefix: of its name, such as `"objective."`.
        names: the fields that must keep their defaults.
        when: what makes them idle, such as `"with loss = 'hinge'"`.
    """
    defaults = {item.name: item.default for item in dataclasses.fields(config)}
    for name in names:
        value = getattr(config, name)
        expected = f"{defaults[name]!r} {when}, which does not use it"
        require(value == defaults[name], prefix + name, value, expected)
