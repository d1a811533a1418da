"""What was computed is kept before it is printed, where the user wants it, whoever reads of it."""

import errno
import json
import os
import sys
import tempfile
from contextlib import contextmanager

import numpy as np
import pytest

from cgan.config import Data
from cgan.data import EMBEDDED
from cgan.system import terminal
from eval.files import json_lines
from eval.verdict.judge import EXIT_CODES
from tests.eval.commands import exit_code, make_run

RING = EMBEDDED["ring8"]("train")
N = ("--n", "400")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run that covers three modes of eight, in a folder whose name markup would misread."""
    root = tmp_path / "[red]$x$ {name}"
    root.mkdir()
    kept = RING.points[np.isin(RING.labels, (0, 1, 2))]
    draw = lambda n, seed: kept[np.random.default_rng(seed).integers(len(kept), size=n)]  # noqa: E731
    make_run(monkeypatch, root, Data("ring8"), draw)
    return root


@contextmanager
def unread():
    """Standard output is a pipe whose reader is gone."""
    read, write = os.pipe()
    os.close(read)
    with pytest.MonkeyPatch.context() as patch, os.fdopen(write, "w") as stream:
        patch.setattr(sys, "stdout", stream)
        yield


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_figures_are_kept_where_nobody_reads_the_table(run):
    with unread():
        assert exit_code(run, *N) == terminal.CLOSED_PIPE
    assert {row["samples"] for row in rows(run / "eval.jsonl")} == {"generated", "real", "noise"}


def test_scripts_see_the_verdict_where_nobody_reads_it(run):
    with unread():
        assert exit_code("collapse", run, *N) == EXIT_CODES["collapsed"]
    assert rows(run / "collapse.jsonl")[0]["verdict"] == "collapsed"
    assert (run / "collapse.png").is_file()


def test_a_comparison_is_kept_where_nobody_reads_it(tmp_path):
    for name in ("real", "fake"):
        np.savez(tmp_path / f"{name}.npz", features=np.random.default_rng(0).normal(size=(40, 3)))
    files = (tmp_path / "real.npz", tmp_path / "fake.npz", "--metrics", "frechet_distance")
    with unread():
        code = exit_code("compare", *files, "--out", tmp_path / "x.jsonl")
    assert code == terminal.CLOSED_PIPE
    assert len(rows(tmp_path / "x.jsonl")) == 3


def test_an_ascii_terminal_gets_the_table_too(run, monkeypatch, tmp_path):
    with (tmp_path / "out").open("w", encoding="ascii") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert exit_code(run, *N) == 0
        assert exit_code("collapse", run, *N) == EXIT_CODES["collapsed"]
    printed = (tmp_path / "out").read_text(encoding="ascii")
    assert " +- " in printed
    assert f"{run}: 12,800 images seen" in printed
    assert len(rows(run / "eval.jsonl")) == 36


def test_what_can_not_be_kept_is_printed_all_the_same(run, monkeypatch, capsys):
    def full(file, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(json_lines.os, "write", full)
    assert exit_code(run, *N) == 1
    printed = capsys.readouterr()
    assert "3 of 8 modes" in printed.out
    assert f"error: {run}/eval.jsonl: can't be written (No space left on device)" in printed.err
    assert exit_code("collapse", run, *N) == 70
    printed = capsys.readouterr()
    assert printed.out.startswith("Collapsed: drops 5 of 8 modes")
    assert "collapse.jsonl: can't be written" in printed.err
    assert not (run / "eval.jsonl").read_bytes()


def test_another_folder_takes_what_is_written_and_the_runs_stays_as_it_is(run, tmp_path):
    out = tmp_path / "made" / "lr0.1"
    assert exit_code(run, *N, "--out", out) == 0
    assert exit_code("collapse", run, *N, "--out", out) == EXIT_CODES["collapsed"]
    assert sorted(path.name for path in out.iterdir()) == [
        "collapse.jsonl",
        "collapse.png",
        "eval.jsonl",
    ]
    assert exit_code(run, *N, "--out", tmp_path / "mine.jsonl") == 0
    assert rows(tmp_path / "mine.jsonl") == rows(out / "eval.jsonl")
    assert list(run.iterdir()) == []


def test_two_sets_of_samples_have_a_verdict_in_a_folder(tmp_path, capsys):
    for name in ("real", "fake"):
        np.savez(tmp_path / f"{name}.npz", features=np.random.default_rng(0).normal(size=(90, 3)))
    files = ("--real", tmp_path / "real.npz", "--fake", tmp_path / "fake.npz")
    code = exit_code("collapse", *files, "--out", tmp_path / "out")
    assert [row["exit_code"] for row in rows(tmp_path / "out" / "collapse.jsonl")] == [code]
    assert "picture" not in capsys.readouterr().out


@pytest.mark.parametrize("command", [(), ("collapse",), ("report",)])
def test_a_folder_that_can_not_be_written_is_told_before_the_work(
    run, tmp_path, monkeypatch, capsys, command
):
    temporary = tempfile.TemporaryFile

    def read_only(dir):
        if dir == run:
            raise OSError(errno.EROFS, "Read-only file system")
        return temporary(dir=dir)

    monkeypatch.setattr(tempfile, "TemporaryFile", read_only)
    assert exit_code(*command, run, *N) == 2
    printed = capsys.readouterr()
    assert "can't (Read-only file system); --out FOLDER writes to another one" in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    if command != ("report",):
        assert exit_code(*command, run, *N, "--out", tmp_path / "out") in (0, 1)
    assert list(run.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "out", "expected"),
    [
        ((), "x.txt", "out = 'x.txt': must be a .jsonl file, or a folder"),
        (("collapse",), "x.jpg", "out = 'x.jpg': must be a .png file, or a folder"),
        (("report",), "x.htm", "out = 'x.htm': must be a .html file, or a folder"),
        ((), "file/x", "is a file"),
        ((), "o" * 300, "File name too long"),
    ],
)
def test_what_is_neither_a_folder_nor_the_commands_file_is_refused(
    run, tmp_path, monkeypatch, capsys, command, out, expected
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert exit_code(*command, run, *N, "--out", out) == 2
    assert expected in capsys.readouterr().err
    assert list(run.iterdir()) == []
