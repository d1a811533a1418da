"""The tables of what was measured, as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.accelerator.part import ENTRIES, NOTE, Column, Facts, Part
from benchmarks.accelerator.results import Book, Entry

NOTES = "notes"


def in_words(part: Part, facts: Facts) -> str:
    """The facts of a row on one line; of a list of facts the first ones."""
    first = (facts.get(ENTRIES) or [facts])[0]
    told = [
        f"{column.heading} {cell(column, first)}" for column in part.columns if column.key in first
    ]
    return "; ".join([*told, facts[NOTE]] if NOTE in facts else told)


def cell(column: Column, facts: Mapping[str, Any]) -> str:
    """A fact as a table shows it: a number, or of several the median with the quartiles."""
    value = facts.get(column.key)
    if value is None:
        return ""
    if isinstance(value, list):
        low, middle, high = (
            column.form.format(each) for each in np.percentile(value, [25, 50, 75])
        )
        return f"{middle} ({low} to {high})"
    return column.form.format(value)


def markdown(parts: Sequence[Part], book: Book, level: int = 3) -> str:
    """The machine, and of each part of which something is known its heading, words and table."""
    blocks = [told(book.machine)] if book.machine is not None else []
    for part in parts:
        entries = {
            row: book.entries[part.name, row] for row in part.rows if _known(book, part, row)
        }
        if entries:
            blocks += [f"{'#' * level} {part.title}", part.told, "\n".join(_lines(part, entries))]
    return "\n\n".join(blocks)


def told(machine: Mapping[str, Any]) -> str:
    """A machine in a sentence."""
    count, torch = machine["devices"], machine["torch"]
    versions = f"jax {machine['jax']}, {f'torch {torch}' if torch else 'no torch'}"
    sentence = (
        f"{f'{count} x ' if count > 1 else ''}{machine['device']}, cores: {machine['cores']}, "
        f"{versions}, Python {machine['python']}."
    )
    if machine["tiny"]:
        sentence += " In tiny sizes, that show that all of it runs: the figures mean nothing."
    return sentence


def _known(book: Book, part: Part, row: str) -> bool:
    return (part.name, row) in book.entries


def _lines(part: Part, entries: Mapping[str, Entry]) -> Iterator[str]:
    """The lines of a part's table; a column that no row has anything for is left out."""
    lines = [(row, facts, note) for row, entry in entries.items() for facts, note in _split(entry)]
    columns = [
        column for column in part.columns if any(column.key in facts for _, facts, _ in lines)
    ]
    has_notes = any(note for *_, note in lines)
    headings = [part.heading, *(column.heading for column in columns), *([NOTES] * has_notes)]
    yield _line(headings)
    yield "|" + "---|" * len(headings)
    for row, facts, note in lines:
        cells = [cell(column, facts) for column in columns]
        yield _line([row, *cells, *([note] * has_notes)])


def _split(entry: Entry) -> Iterator[tuple[Facts, str]]:
    """The lines of a row with their notes: one, or one for each of its entries."""
    failed = f"failed: {entry.failed}" if entry.failed else ""
    cut = "" if entry.whole or entry.failed else "not measured to the end"
    notes = "; ".join(filter(None, [entry.facts.get(NOTE, ""), failed, cut]))
    listed = entry.facts.get(ENTRIES)
    if listed is None:
        yield entry.facts, notes
        return
    for number, facts in enumerate(listed):
        yield facts, "" if number else notes


def _line(cells: Sequence[str]) -> str:
    """A row of a table, in which nothing a cell says can look like the next cell."""
    return "| " + " | ".join(text.replace("|", "\\|").replace("\n", " ") for text in cells) + " |"
