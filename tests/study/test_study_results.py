"""The file of results: whole lines, one writer, nothing lost by a kill."""

import errno
import json

import pytest

from cgan.config import ConfigError
from cgan.system.errors import DiskError
from eval.files import json_lines
from eval.study.results import opened, read
from tests.study.toy import row, whole


def test_rows_come_back_as_they_were_written(tmp_path):
    path = tmp_path / "new" / "study.jsonl"
    assert read(path) == []
    with opened(path) as results:
        for one in whole():
            results.append(one)
            assert read(path) == results.rows
    assert read(path) == whole()


def test_a_line_that_a_kill_cut_off_is_forgotten_and_its_run_written_again(tmp_path):
    path = tmp_path / "study.jsonl"
    lines = [json.dumps(row("plain", seed, 0.5)) + "\n" for seed in range(3)]
    path.write_text("".join(lines)[:-20])
    with opened(path) as results:
        assert [one["seed"] for one in results.rows] == [0, 1]
        results.append(row("plain", 2, 0.5))
    assert path.read_text() == "".join(lines)


@pytest.mark.parametrize("torn", [b'{"variant": "\xc3', b"\0\0\0"])
def test_what_a_crash_left_is_no_trouble(tmp_path, torn):
    path = tmp_path / "study.jsonl"
    lines = [json.dumps(row("plain", seed, 0.5)).encode() + b"\n" for seed in range(2)]
    path.write_bytes(lines[0] + torn)
    with opened(path) as results:
        assert [one["seed"] for one in results.rows] == [0]
        results.append(row("plain", 1, 0.5))
    assert path.read_bytes() == b"".join(lines)


def test_a_whole_row_that_lacks_its_end_is_kept(tmp_path):
    path = tmp_path / "study.jsonl"
    lines = [json.dumps(row("plain", seed, 0.5)) + "\n" for seed in range(2)]
    path.write_text(lines[0].strip())
    with opened(path) as results:
        assert [one["seed"] for one in results.rows] == [0]
        results.append(row("plain", 1, 0.5))
    assert path.read_text() == "".join(lines)


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("line", ["no json", "3", '{"variant": "plain"}'])
def test_a_file_of_something_else_is_refused_and_left_as_it_is(tmp_path, line, end):
    path = tmp_path / "study.jsonl"
    path.write_text(json.dumps(row("plain", 0, 0.5)) + f"\n{line}{end}")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="line 2 is no result of a study"), opened(path):
        pass
    assert path.read_bytes() == before


def test_a_row_that_can_not_be_kept_is_told_and_leaves_the_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "study.jsonl"

    def full(file, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    with opened(path) as results:
        results.append(row("plain", 0, 0.5))
        monkeypatch.setattr(json_lines.os, "write", full)
        with pytest.raises(DiskError, match=r"study\.jsonl: can't be written \(No space left"):
            results.append(row("plain", 1, 0.5))
        assert results.rows == read(path) == [row("plain", 0, 0.5)]


def test_a_file_has_one_writer(tmp_path):
    path = tmp_path / "study.jsonl"
    with (
        opened(path),
        pytest.raises(ConfigError, match="must be another file: a study that runs now"),
        opened(path),
    ):
        pass
