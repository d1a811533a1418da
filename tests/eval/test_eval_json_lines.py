"""Files of JSON lines that are added to: all of it or nothing, whatever the last writer left."""

import errno
import json
import os
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from cgan.system.errors import DiskError
from eval.files import json_lines
from eval.files.json_lines import append_lines, opened, read_rows, whole_lines
from eval.files.records import append_records, read_records

NEW = ['{"a": 1}\n', '{"b": "' + "x" * 5_000 + '"}\n']


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        (b"", b""),
        (b'{"old": 1}\n', b'{"old": 1}\n'),
        (b'{"old": 1}\n{"metric": "torn', b'{"old": 1}\n'),
        (b'{"metric": "torn', b""),
        (b'{"old": 1}\n{"whole": 2}', b'{"old": 1}\n{"whole": 2}\n'),
        (b'{"old": 1}\n\0\0\0\0', b'{"old": 1}\n'),
        (b'{"old": 1}\n{"m": "\xe9', b'{"old": 1}\n'),
        (b'{"torn\n{"old": 1}\n{"', b'{"torn\n{"old": 1}\n'),
        (b"somebody's notes", b"somebody's notes\n"),
        (b'{"old": 1}\n{"' + b"x" * 200_000, b'{"old": 1}\n'),
        (b'{"' + b"x" * 200_000, b""),
        (b'{"old": "' + b"x" * 200_000 + b'"}', b'{"old": "' + b"x" * 200_000 + b'"}\n'),
    ],
    ids=range(12),
)
def test_a_torn_last_line_is_healed_and_loses_no_other(tmp_path, before, kept):
    path = tmp_path / "x.jsonl"
    path.write_bytes(before)
    ends = [line.decode(errors="replace") for line in kept.split(b"\n")[:-1]]
    assert whole_lines(path) == ends
    append_lines(path, NEW)
    assert path.read_bytes() == kept + "".join(NEW).encode()
    assert read_rows(path)[-2:] == [json.loads(line) for line in NEW]


def test_short_writes_go_on_where_they_ended(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(json_lines.os, "write", lambda file, content: write(file, content[:7]))
    append_lines(tmp_path / "made" / "x.jsonl", NEW)
    assert (tmp_path / "made" / "x.jsonl").read_text() == "".join(NEW)


@pytest.mark.parametrize("stops", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_full_disk_leaves_nothing_torn_and_says_what_is_lost(tmp_path, monkeypatch, stops):
    path, write, calls = tmp_path / "x.jsonl", os.write, []
    append_lines(path, ['{"old": 1}\n'])

    def full(file, content):
        calls.append(content)
        if len(calls) > 1:
            raise stops
        return write(file, content[:10])

    monkeypatch.setattr(json_lines.os, "write", full)
    expected = DiskError if isinstance(stops, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as error:
        append_lines(path, NEW)
    if expected is DiskError:
        assert str(error.value) == (
            f"{path}: can't be written (No space left); its lines are as they were, and 2 new ones "
            "are lost"
        )
    assert path.read_text() == '{"old": 1}\n'


def test_a_file_that_can_not_be_opened_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match=r"file/x\.jsonl: can't be written"):
        append_lines(tmp_path / "file" / "x.jsonl", NEW)


def test_those_who_add_at_once_wait_for_each_other(tmp_path, monkeypatch):
    """Writes of a few bytes each: without a lock, lines of four writers would mix."""
    path, write = tmp_path / "x.jsonl", os.write
    monkeypatch.setattr(json_lines.os, "write", lambda file, content: write(file, content[:5]))
    rows = [[f'{{"writer": {w}, "row": {n}}}\n' for n in range(20)] for w in range(4)]

    def add(own):
        for line in own:
            append_lines(path, [line])

    writers = [threading.Thread(target=add, args=(own,)) for own in rows]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = path.read_text().splitlines(keepends=True)
    assert sorted(lines) == sorted(line for own in rows for line in own)


def test_one_may_hold_a_file_and_nobody_adds_to_it_meanwhile(tmp_path):
    path = tmp_path / "x.jsonl"
    with opened(path, wait=False) as file:
        file.append(NEW[:1])
        with pytest.raises(json_lines.InUse), opened(path, wait=False):
            pass
        other = threading.Thread(target=append_lines, args=(path, NEW[1:]))
        other.start()
        other.join(timeout=0.1)
        assert other.is_alive()
        assert path.read_text() == NEW[0]
    other.join()
    assert path.read_text() == "".join(NEW)


@dataclass(frozen=True)
class Kept:
    """A record with every kind of field that records have."""

    name: str
    pairs: tuple[tuple[float, str], ...] | None
    few: tuple[int, ...]
    details: dict[str, Any]


def test_records_come_back_as_they_were_and_those_of_others_do_not(tmp_path):
    """Tuples within tuples too; lists within details stay lists."""
    path = tmp_path / "x.jsonl"
    records = [
        Kept("a", ((0.1, "x"), (2.0, "y")), (), {"missing": ["b"], "by": {"c": [1]}}),
        Kept("b", None, (3, 4), {}),
    ]
    append_records(path, records[:1])
    append_lines(path, ['{"name": "of another version"}\n'])
    append_records(path, records[1:])
    assert read_records(Kept, path) == records
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        append_records(path, [records[0], Kept("c", ((float("nan"), ""),), (), {})])
    assert path.read_bytes() == before
