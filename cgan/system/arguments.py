"""Command lines as dataclasses: `~` is the user's home, and names of before are refused."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from cgan.config import RENAMED_SETTINGS, RENAMED_VALUES, ConfigError
from cgan.system.files import at_home

T = TypeVar("T")

PATHS = ConstructorRegistry()
"""How tyro makes paths of arguments: as a shell would, which leaves `--out=~/x` as it is."""


@PATHS.primitive_rule
def _path(kind: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Path] | None:
    if kind.type is not Path:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="PATH",
        instance_from_str=lambda given: at_home(Path(given[0])),
        is_instance=lambda value: isinstance(value, Path),
        str_from_instance=lambda path: [str(path)],
    )


def parse(
    kind: type[T],
    arguments: Sequence[str] | None = None,
    *,
    prog: str,
    description: str | None = None,
    renamed: Mapping[str, str] | None = None,
) -> T:
    """What a command line says, as an instance of a dataclass.

    Args:
        kind: the dataclass.
        arguments: the command line; None for that of this process.
        prog: the program as users call it.
        description: of its help, in place of the dataclass's own.
        renamed: options of this command that had other names before, without dashes.

    Raises:
        ConfigError: an option or a value by a name that it had before.
        SystemExit: any other command line that can't be read, with code 2; or help, with 0.
    """
    arguments = current(arguments, renamed)
    return tyro.cli(kind, args=arguments, prog=prog, description=description, registry=PATHS)


def parse_one_of(
    presets: Mapping[str, tuple[str, T]],
    arguments: Sequence[str] | None = None,
    *,
    prog: str,
    description: str,
) -> T:
    """The preset that a command line names, with what it says otherwise.

    Args:
        presets: by their names, each with its line of help.
        arguments: the command line; None for that of this process.
        prog: the program as users call it.
        description: of its help.

    Raises:
        ConfigError: as for `parse`.
        SystemExit: as for `parse`.
    """
    return tyro.extras.overridable_config_cli(
        presets, args=current(arguments), prog=prog, description=description, registry=PATHS
    )


def current(
    arguments: Sequence[str] | None, renamed: Mapping[str, str] | None = None
) -> Sequence[str]:
    """The command line, or that of this process, if no name in it is one of before.

    Raises:
        ConfigError: such a name, and the one of now.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = RENAMED | _options(renamed or {})
    for number, argument in enumerate(arguments):
        option, given, value = argument.partition("=")
        if option in options:
            raise ConfigError(f"{option}: is no longer called so; must be {options[option]}")
        value = value if given else "".join(arguments[number + 1 : number + 2])
        new = OF_VALUES.get((option, value))
        if new is not None:
            name = option.removeprefix("--").replace("-", "_")
            raise ConfigError(f"{name} = {value!r}: is no longer called so; must be {new!r}")
    return arguments


def _options(renamed: Mapping[str, str]) -> dict[str, str]:
    """The options of settings, those that turn them off too: before, and now."""
    found = {}
    for dotted, new in renamed.items():
        section, dot, old = dotted.rpartition(".")
        for off in ("", "no-"):
            found[f"--{section}{dot}{off}{old}"] = f"--{section}{dot}{off}{new}"
    return found


RENAMED = _options(RENAMED_SETTINGS)
OF_VALUES = {
    (option, old): new
    for dotted, values in RENAMED_VALUES.items()
    for option in (f"--{dotted}", f"--{dotted.partition('.')[2]}")
    for old, new in values.items()
}
"""Values of before by the options that took them, and those of now."""
