"""The file of results: whole lines, one writer, nothing lost by a kill."""

import json

import pytest

from cgan.config import ConfigError
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


def test_a_torn_character_is_no_trouble(tmp_path):
    path = tmp_path / "study.jsonl"
    path.write_bytes(json.dumps(row("plain", 0, 0.5)).encode() + b"\n" + "ä".encode()[:1])
    with opened(path) as results:
        assert len(results.rows) == 1
    assert path.read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("line", ["no json", "3", '{"variant": "plain"}'])
def test_a_file_of_something_else_is_refused_and_left_as_it_is(tmp_path, line):
    path = tmp_path / "study.jsonl"
    path.write_text(json.dumps(row("plain", 0, 0.5)) + f"\n{line}\n")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="line 2 is no result of a study"), opened(path):
        pass
    assert path.read_bytes() == before


def test_a_file_has_one_writer(tmp_path):
    path = tmp_path / "study.jsonl"
    with (
        opened(path),
        pytest.raises(ConfigError, match="must be another file: a study that runs now"),
        opened(path),
    ):
        pass
