"""What Weights & Biases wrote offline, read from its files: logs in LevelDB's format."""

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

HEADER = 7
"""Bytes before the first block's records, and of each record's own: checksum, length, kind."""
BLOCK = 2**15
FULL, LAST = 1, 4
"""Kinds of records that end an entry; others go on in the next."""


def records(path: Path) -> Iterator[Record]:
    """Of one file, in order."""
    content, at, entry = path.read_bytes(), HEADER, b""
    assert content.startswith(b":W&B")
    while at + HEADER <= len(content):
        if BLOCK - at % BLOCK < HEADER:  # too little is left for a record: filled with zeros
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", content[at : at + HEADER])
        entry += content[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in (FULL, LAST):
            yield Record.FromString(entry)
            entry = b""


def of_folder(folder: Path, timeout: float = 30) -> list[list[Record]]:
    """The records of each process that wrote into a run's folder, the oldest first.

    W&B's own process may write the last of them a moment after it said that it had.
    """
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        paths = sorted(folder.glob("wandb/offline-run-*/*.wandb"))
        found = [list(records(path)) for path in paths]
        if all(each and each[-1].WhichOneof("record_type") == "exit" for each in found):
            return found
        time.sleep(0.05)
    raise AssertionError("waited too long")


def history(found: list[Record]) -> list[dict[str, Any]]:
    """The rows of a run, without what W&B adds to them; an image is a dictionary."""
    of_rows = [r for r in found if r.WhichOneof("record_type") == "history"]
    return [_row(record) for record in of_rows]


def _row(record: Record) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for item in record.history.item:
        *above, last = item.nested_key or [item.key]
        inside = row
        for name in above:
            inside = inside.setdefault(name, {})
        inside[last] = json.loads(item.value_json)
    return {name: value for name, value in row.items() if not name.startswith("_")}
