"""Folders of runs of all names that a file system takes: what is written there is found again."""

import errno
import io
import json
import os
import re
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from cgan.config import ConfigError, Data, Experiment
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.sinks import JsonLines, Sinks, TensorBoard
from cgan.state import TrainState
from cgan.training.progress import TrainingProgress

WEIGHTS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3)}
STATE = TrainState(jnp.int32(7), WEIGHTS, WEIGHTS, {}, {}, {}, WEIGHTS, (), ())
NAMES = [
    "sweep[lr=0.1]",
    "[red]x[/red]",
    "job_${SLURM_JOB_ID} %(asctime)s 100%",
    "{name}}{0}",
    "two\nlines\t\r\x1b[31m\x07\u202e",
    os.fsdecode(b"caf\xe9 \xff"),
    "\u65e5\u672c \U0001f600 :smile:",
    r"back\slash\x41",
    "-n *?#!;&|<>`$(x)'c'\"d\" ",
    "~",
    "gs:",
    "1.orbax-checkpoint-tmp.deleted",
    "n" * 255,
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_run_may_have_any_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root = tmp_path / name
    config = Experiment(root, Data("ring8"))
    workdir = Workdir(root)
    workdir.check(config)
    workdir.create(config)
    workdir.check(config)
    assert workdir.read_config() == config
    told = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="strict")
    monkeypatch.setattr(sys, "stdout", told)
    with (
        workdir.locked(),
        Checkpoints(workdir.checkpoints) as checkpoints,
        Sinks([JsonLines(workdir, 0), TensorBoard(workdir, 0)]) as sinks,
        TrainingProgress(root.name, 0, 64) as progress,
    ):
        progress.say(f"{root}: a line")
        for nimg in (16, 32):
            sinks.scalars(nimg, {"loss": 1.0})
            sinks.flush()
            checkpoints.save(nimg, STATE, {"at": nimg})
            progress.advance(nimg, {"D": 1.0})
        checkpoints.clean()
        assert checkpoints.all() == [16, 32]
    with Checkpoints(workdir.checkpoints) as checkpoints:  # another process
        found = checkpoints.restore(16, STATE)
        assert np.array_equal(found.state.generator_ema["w"], WEIGHTS["w"])
        assert found.pending == {"at": 16}
    lines = workdir.metrics.read_text().splitlines()
    assert [json.loads(line)["nimg"] for line in lines] == [16, 32]
    assert len(list(workdir.tensorboard.iterdir())) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [Path(name).parts[0]]
    told.seek(0)
    line, bar = told.read().splitlines()
    assert line.endswith(": a line")
    assert (line + bar).isprintable()
    if name.isprintable():
        assert str(root) in line
        assert root.name in bar or len(name) > 40


def test_a_relative_name_that_looks_like_an_address_is_a_folder_if_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for address in ("gs://bucket/run", "s3://bucket", "https://host/run"):
        config = Experiment(Path(address), Data("ring8"))
        with pytest.raises(ConfigError, match="an address; must be a folder in a file system"):
            Workdir(config.workdir).check(config)
    Path("gs:").mkdir()
    config = Experiment(Path("gs:/run"), Data("ring8"))
    Workdir(config.workdir).check(config)
    Workdir(config.workdir).create(config)
    workdir = Workdir(config.workdir)
    with Sinks([JsonLines(workdir, 0), TensorBoard(workdir, 0)]) as sinks:
        sinks.scalars(1, {"loss": 1.0})


def test_the_home_is_meant_by_its_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Workdir(Path("~/runs/x")).root == tmp_path / "runs/x"
    assert Workdir(Path("~no such user/x")).root == Path("~no such user/x")
    assert Workdir(Path("runs/~")).root == Path("runs/~")


@pytest.mark.parametrize("root", ["n" * 256, "/".join(["n" * 250] * 16)], ids=["name", "path"])
def test_a_name_that_is_too_long_is_refused_before_anything_is_written(
    root: str, tmp_path: Path
) -> None:
    config = Experiment(tmp_path / root, Data("ring8"))
    with pytest.raises(ConfigError, match=re.compile("too long", re.IGNORECASE)):
        Workdir(config.workdir).check(config)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_the_bar_is_drawn_in_any_encoding(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.TextIOWrapper(io.BytesIO(), encoding, errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", told)
    with TrainingProgress("r\xfcn \u4e00", 0, 64) as progress:
        progress.advance(64, {"D": 1.0})
        progress.note("coverage 50%")
    assert progress.lost is None
    told.seek(0)
    assert "64 of 64" in told.read()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "Broken pipe"),  # `| head -1`
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),  # a terminal that closed
        (OSError(errno.ENOSPC, "No space left on device"), "No space left"),
        (ValueError("I/O operation on closed file"), "closed file"),
    ],
)
def test_output_is_given_up_when_it_is_lost(
    error: Exception, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(io.StringIO):
        tries = 0

        def flush(self) -> None:
            self.tries += 1
            raise error

    gone = Gone()
    monkeypatch.setattr(sys, "stdout", gone)
    with TrainingProgress("run", 0, 64) as progress:
        for _ in range(3):
            progress.say("a line")
            progress.advance(32, {"D": 1.0})
        assert progress.lost is not None
        assert why in progress.lost
    assert gone.tries == 1
