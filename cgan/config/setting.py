"""Settings that not everything reads: who does is said at the field, and checked from there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, NamedTuple, TypeVar

from cgan.config.checks import only_defaults

T = TypeVar("T")


@dataclass(frozen=True)
class AllBut:
    """Every value but one."""

    idle: object

    def __contains__(self, value: object) -> bool:
        return value != self.idle


Values = tuple[Any, ...] | AllBut
"""Values of a setting with which another one is read."""


class Condition(NamedTuple):
    """What a field's being read depends on: the value of another setting."""

    field: str
    decider: str
    """The other setting, by its own name or a dotted one."""
    values: Values
    """Values of the other setting with which the field is read."""


def setting(default: T, *, read_by: Mapping[str, Values]) -> T:
    """A field of a config that is read only where other settings have some of their values.

    Elsewhere it must keep its default, since a change of it would change nothing:

        group_size: int = setting(16, read_by={"architecture": ("r3gan", "sngan")})

    Args:
        default: the field's default.
        read_by: by another setting, its values with which the field is read. That setting is one of
            the same section, or of the experiment, such as `"generator.architecture"`. A property
            of the experiment may stand for several settings, with their values by their names. All
            of them must have such values.
    """
    return field(default=default, metadata={"read_by": read_by})


def conditions(config: Any) -> Iterator[Condition]:
    """What the fields of a config, or of its class, say of who reads them."""
    for item in fields(config):
        for decider, values in item.metadata.get("read_by", {}).items():
            yield Condition(item.name, decider, values)


def is_read(section: Any, name: str) -> bool:
    """Whether the section's other settings let this field be read."""
    own = {item.name for item in fields(section)}
    return all(
        getattr(section, decider) in values
        for field, decider, values in conditions(section)
        if field == name and decider in own
    )


def check_read(section: Any, prefix: str) -> None:
    """Refuse a setting that nothing reads, so far as its own section decides.

    Args:
        section: the config.
        prefix: of its settings' names, such as `"generator."`.

    Raises:
        ConfigError: the setting has not its default.
    """
    own = {item.name for item in fields(section)}
    for condition in conditions(section):
        if condition.decider in own:
            value = getattr(section, condition.decider)
            _check(section, prefix, condition, {prefix + condition.decider: value})


def check_read_across(experiment: Any) -> None:
    """Refuse a setting of any section that nothing reads, where another section decides.

    Raises:
        ConfigError: the setting has not its default.
    """
    for item in fields(experiment):
        section = getattr(experiment, item.name)
        if not is_dataclass(section):
            continue
        own = {inner.name for inner in fields(section)}
        for condition in conditions(section):
            if condition.decider not in own:
                found = _named(experiment, condition.decider)
                _check(section, f"{item.name}.", condition, found)


def _named(experiment: Any, decider: str) -> Mapping[str, Any]:
    value = experiment
    for part in decider.split("."):
        value = getattr(value, part)
    return value if isinstance(value, Mapping) else {decider: value}


def _check(section: Any, prefix: str, condition: Condition, found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        if value not in condition.values:
            shown = f"{value:g}" if isinstance(value, float) else repr(value)
            only_defaults(section, prefix, (condition.field,), f"with {name} = {shown}")
