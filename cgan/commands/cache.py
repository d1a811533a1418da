"""List what is kept in the cache folder, or clear it: `python -m cgan.cache [clear ...]`."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from cgan.config import ConfigError, require
from cgan.system import terminal
from cgan.system.cache import kept
from cgan.system.errors import DiskError, reason
from cgan.system.files import cache_folder

DAY_SEC = 24 * 3600
UNITS = ("kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class List:
    """List what is kept: kind, size, when it was made and last used, and name."""


@dataclass(frozen=True)
class Clear:
    """Remove what is kept, but not what a process uses; says what it removed, and asks nothing.

    Whatever is removed is made again when it is needed. Files that are not of this project's making
    are left alone.
    """

    names: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Names or kinds as the list shows them, or names of data sets."""
    all: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Remove everything."""
    older_than: float | None = None
    """Remove what was not used for so many days."""
    dry_run: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Only say what would be removed."""

    def __post_init__(self) -> None:
        days = self.older_than
        require(days is None or days >= 0, "older_than", days, "0 or more days")
        ways = (bool(self.names), self.all, days is not None)
        if sum(ways) != 1:
            raise ConfigError("clear: must be given names, or --older-than DAYS, or --all")

    def chosen(self, entries: Sequence[kept.Entry]) -> list[kept.Entry]:
        """Choose the entries that are to be removed.

        Raises:
            ConfigError: a name that nothing has.
        """
        if self.older_than is not None:
            since = time.time() - self.older_than * DAY_SEC
            return [entry for entry in entries if entry.used < since]
        if self.all:
            return list(entries)
        for name in self.names:
            fits = any(_is_named(entry, name) for entry in entries)
            expected = f"a name in {cache_folder()}, as python -m cgan.cache shows them"
            require(fits, "name", name, expected)
        return [entry for entry in entries if any(_is_named(entry, n) for n in self.names)]


def _is_named(entry: kept.Entry, name: str) -> bool:
    return name in (entry.name, entry.path.name, entry.kind, entry.subject)


Command = (
    Annotated[List, tyro.conf.subcommand(name="list", default=List())]
    | Annotated[Clear, tyro.conf.subcommand(name="clear")]
)


def main(argv: Sequence[str] | None = None) -> None:
    """List what is kept in the cache folder, or clear it.

    Raises:
        ConfigError: nothing of such a name, or arguments that do not say what to remove.
        DiskError: something can't be removed.
    """
    command = tyro.cli(Command, default=List(), args=argv, prog="python -m cgan.cache")
    if isinstance(command, Clear):
        _clear(command)
    else:
        _list()


def _list() -> None:
    entries = kept.entries()
    for entry in entries:
        size, days = _bytes(entry.size), [_day(entry.made), _day(entry.used)]
        terminal.say(f"{entry.kind:<17} {size:>9}  made {days[0]}  used {days[1]}  {entry.name}")
    total = _bytes(sum(entry.size for entry in entries))
    terminal.say(f"{len(entries)} entries, {total}, in {cache_folder()}")
    if others := kept.others():
        terminal.say(f"besides, {others} files that are not of this project's making")


def _clear(command: Clear) -> None:
    removed, in_use, refused = 0, 0, []
    for entry in command.chosen(kept.entries()):
        what = f"{entry.name} ({entry.kind}, {_bytes(entry.size)})"
        if command.dry_run:
            terminal.say(f"would remove {what}")
            continue
        try:
            done = kept.remove(entry.path)
        except OSError as error:
            refused.append(f"{entry.path}: can't be removed ({reason(error)})")
            continue
        terminal.say(f"removed {what}" if done else f"in use, left: {what}")
        removed += done
        in_use += not done
    if not command.dry_run:
        terminal.say(f"{removed} removed, {in_use} in use, from {cache_folder()}")
    if refused:
        raise DiskError("; ".join(refused))


def _bytes(size: int) -> str:
    if size < 1000:
        return f"{size} B"
    power = min(int(math.log(size, 1000)), len(UNITS))
    return f"{size / 1000**power:,.1f} {UNITS[power - 1]}"


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(seconds))
