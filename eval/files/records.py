"""Frozen dataclasses as lines of strict JSON, one a record, and back."""

import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from eval.files.json_lines import append_lines, read_rows

Kind = TypeVar("Kind")


def to_json(record: Any) -> str:
    """The record as one line of strict JSON, with its end."""
    return json.dumps(asdict(record), allow_nan=False) + "\n"


def append_records(path: Path, records: Iterable[Any]) -> None:
    """Append each record as a line: all of them or, with a `DiskError`, none."""
    append_lines(path, [to_json(record) for record in records])


def read_records(kind: type[Kind], path: Path) -> list[Kind]:
    """The records of one kind in a file, oldest first; other versions' and torn lines are left out.

    What a field says is a tuple comes back as one, however deep.
    """
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    tuples = {name for name, hint in get_type_hints(kind).items() if _is_tuple(hint)}
    return [
        kind(**row | {name: _as_tuple(row[name]) for name in tuples})
        for row in read_rows(path)
        if set(row) == names
    ]


def _is_tuple(hint: Any) -> bool:
    """Whether a type is a tuple, or one where it is not None."""
    return get_origin(hint) is tuple or any(map(_is_tuple, get_args(hint)))


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value
