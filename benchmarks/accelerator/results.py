"""What was measured so far: a file of JSON lines that only grows; the last word on a row counts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.accelerator.part import Facts, Part
from cgan.config import ConfigError, require
from eval.files import json_lines

FILE = "results.jsonl"
SAME = ("device", "tiny", "jax")
"""What must be the same of a machine for its figures to stand in one table."""


class Entry(NamedTuple):
    """What is known of one row."""

    facts: Facts
    whole: bool
    """Whether all of it was measured, and no part failed or was cut short."""
    failed: str | None = None
    """Why not."""


@dataclass
class Book:
    """All that a file of results says, and that file to add to."""

    path: Path
    machine: dict[str, Any] | None = None
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    """What is known of each row, by part and row."""
    file: json_lines.JsonLines | None = None

    def missing(self, part: Part) -> tuple[str, ...]:
        """Rows of a part that were not measured as a whole."""
        return tuple(row for row in part.rows if not self._is_whole(part.name, row))

    def _is_whole(self, part: str, row: str) -> bool:
        entry = self.entries.get((part, row))
        return entry is not None and entry.whole

    def meet(self, machine: Mapping[str, Any]) -> None:
        """Note the machine that measures from here on.

        Raises:
            ConfigError: one whose figures can't stand beside those that are there.
        """
        if self.machine is not None:
            for name in SAME:
                found, here = self.machine[name], machine[name]
                expected = f"another folder: it holds figures of {name} = {found!r}, not {here!r}"
                require(found == here, "out", str(self.path.parent), expected)
        if machine != self.machine:
            self._add({"machine": dict(machine)})

    def note(self, part: str, row: str, facts: Facts, whole: bool, failed: str | None) -> None:
        """Keep what is known of a row by now."""
        self._add({"part": part, "row": row, "facts": facts, "whole": whole, "failed": failed})

    def _add(self, line: dict[str, Any]) -> None:
        assert self.file is not None
        self.file.append([json.dumps(line) + "\n"])
        self.take(line)

    def take(self, line: dict[str, Any]) -> None:
        """Take in a line: facts of before stay where an attempt failed without any."""
        if "machine" in line:
            self.machine = line["machine"]
            return
        key = (line["part"], line["row"])
        before = self.entries.get(key, Entry({}, False))
        facts = line["facts"] or before.facts
        self.entries[key] = Entry(facts, line["whole"], line["failed"])


def read(out: Path) -> Book:
    """What the file of results in a folder says; nothing where there is none.

    Raises:
        ConfigError: a line that is not one of results.
    """
    book = Book(out / FILE)
    if not book.path.exists():
        return book
    for number, line in enumerate(json_lines.whole_lines(book.path), 1):
        try:
            book.take(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(f"{book.path}: line {number} is not one of results") from None
    return book


@contextmanager
def opened(out: Path) -> Iterator[Book]:
    """The results in a folder, to add to; nobody else does meanwhile.

    Raises:
        ConfigError: somebody else does, or a line that is not one of results.
        OSError: it can't be opened.
    """
    try:
        with json_lines.opened(out / FILE, wait=False) as file:
            book = read(out)
            book.file = file
            yield book
    except json_lines.InUse:
        raise ConfigError(f"out = {str(out)!r}: another process measures into it now") from None


def forget(book: Book, parts: Sequence[Part]) -> None:
    """Measure these parts anew: their rows count as missing, until they are measured."""
    for part in parts:
        for row in part.rows:
            entry = book.entries.get((part.name, row))
            if entry is not None:
                book.entries[part.name, row] = entry._replace(whole=False)
