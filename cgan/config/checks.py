"""Tools that the config classes share: checks of types and ranges, and the error they raise."""

import dataclasses
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

WHOLE_AT_MOST = 2**53
"""Largest value of any count: clocks are floats, which skip whole numbers beyond."""
SIZE_AT_MOST = 2**16
"""Largest layer or vector: the weights between two such layers take 16 GiB."""
DEPTH_AT_MOST = 2**8
"""Most layers of a network: each is traced and compiled by itself."""
FLOAT_AT_LEAST, FLOAT_AT_MOST = 2.0**-126, 2.0**128 - 2.0**104
"""Range of float32's normal numbers, in which all is computed: beyond are zero and infinity."""
SHOWN_AT_MOST = 200
"""Most characters of a name or value in a message: a file can hold any."""


class ConfigError(Exception):
    """A setting can't be used; the message names the field, the value and what would be right.

    Not a `ValueError`: those the command-line parser would wrap in words of its own.
    """

    exit_code = 2


def require(condition: bool, name: str, value: object, expected: str) -> None:
    """Raise a `ConfigError` unless the condition holds."""
    if not condition:
        raise ConfigError(f"{_printable(name)} = {shown(value)}: must be {expected}")


def shown(value: object) -> str:
    """A value as messages show it: on one line, and cut where it is long."""
    try:
        text = repr(str(value) if isinstance(value, Path) else value)
    except ValueError:  # a whole number of thousands of digits
        text = "a number of too many digits"
    return text if len(text) <= SHOWN_AT_MOST else text[:SHOWN_AT_MOST] + "..."


def _printable(name: str) -> str:
    """A field's name; one that came from a file may hold line breaks or a terminal's commands."""
    return name if name.isprintable() and len(name) <= SHOWN_AT_MOST else shown(name)


def require_known(name: str, values: Iterable[str], known: Iterable[str]) -> None:
    """Raise a `ConfigError` unless all the values are known."""
    known = list(known)
    for value in values:
        require(value in known, name, value, f"one of {', '.join(known)}")


def require_seed(seed: int, name: str = "seed") -> None:
    """Raise a `ConfigError` unless JAX and NumPy both take the seed."""
    require(0 <= seed < 2**32, name, seed, "from 0 to 2**32 - 1")


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
        # True equals 1, and 1.0 does too, but they are other settings.
        return any(type(value) is type(of) and value == of for of in typing.get_args(annotation))
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
        kinds = typing.get_args(annotation)
        numbers = "whole numbers" if set(kinds) == {int} else "numbers"
        return f"a pair of {numbers}" if len(kinds) == 2 else f"{len(kinds)} {numbers}"
    names = {int: "a whole number", float: "a number", bool: "true or false"}
    names |= {Path: "a path", str: "text"}
    return names.get(annotation, "None" if annotation is type(None) else annotation.__name__)


def positive(config: Any, prefix: str, *names: str, at_most: int = WHOLE_AT_MOST) -> None:
    """Raise a `ConfigError` unless these fields are more than 0; counts have a largest value."""
    for name in names:
        value = getattr(config, name)
        require(0 < value < float("inf"), prefix + name, value, "more than 0")
        _computable(prefix + name, value, at_most)


def not_negative(config: Any, prefix: str, *names: str, at_most: int = WHOLE_AT_MOST) -> None:
    """Raise a `ConfigError` unless these fields are 0 or more, and at most what they may be."""
    for name in names:
        value = getattr(config, name)
        require(0 <= value < float("inf"), prefix + name, value, "0 or more")
        _computable(prefix + name, value, at_most)


def _computable(name: str, value: int | float, at_most: int) -> None:
    if isinstance(value, int) or at_most < WHOLE_AT_MOST:
        require(value <= at_most, name, value, f"at most {at_most}")
    if isinstance(value, int):
        return
    require(value <= FLOAT_AT_MOST, name, value, f"at most {FLOAT_AT_MOST:.3g}, as float32 is")
    expected = f"at least {FLOAT_AT_LEAST:.3g}, below which float32 is 0"
    require(value == 0 or value >= FLOAT_AT_LEAST, name, value, expected)


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


Vectors = tuple[int, int, int, int]
"""Two vectors in whole pixels, each down and right."""
VECTOR_AT_MOST = 2**11
"""Most pixels of a lattice vector down or to the right, as many as an image may have."""


def check_vectors(name: str, vectors: Vectors) -> None:
    """Raise a `ConfigError` for two vectors that are one, or longer than any image."""
    down, right, other_down, other_right = vectors
    fits = max(map(abs, vectors)) <= VECTOR_AT_MOST
    expected = f"two vectors that are not parallel, of at most {VECTOR_AT_MOST:,} pixels a side"
    independent = down * other_right != right * other_down
    require(fits and independent, name, vectors, expected)
