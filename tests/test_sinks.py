"""Where rows and pictures go: a user's sinks, TensorBoard, Weights & Biases; sinks that fail."""

import dataclasses
import errno
import io
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image
from tensorboardX.proto import event_pb2

from cgan.config import ConfigError, Data, Experiment, Launch
from cgan.run_folder.workdir import Workdir
from cgan.sinks import JsonLines, Sinks, TensorBoard, require_sinks, trackers
from cgan.system.errors import DiskError, NonFiniteError
from cgan.training import loop
from tests import wandb_files
from tests.autoencoder import Autoencoding, build
from tests.event_files import events
from tests.recorder import Recorder

ONE_DEVICE = jax.devices()[:1]
CONFIG = Autoencoding(
    workdir=Path("replaced"),
    data=Data("digits"),
    batch_size=8,
    total_nimg=32,
    log_nimg=16,
    snapshot_nimg=16,
    checkpoint_nimg=16,
)


@pytest.fixture(scope="module", autouse=True)
def step_compiled_once():
    kept, original = {}, loop.compile_step

    def compile_step(*arguments: Any) -> Any:
        return kept.setdefault("step", kept.get("step") or original(*arguments))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "compile_step", compile_step)
        yield


def in_folder(path: Path, **changes: Any) -> Autoencoding:
    return dataclasses.replace(CONFIG, workdir=path, **changes)


def train(config: Autoencoding, *sinks: Any, **launch: Any) -> Any:
    how = Launch(**launch)
    return loop.run(build(config, ONE_DEVICE, how), ONE_DEVICE, how, sinks=sinks)


def rows(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def snapshots(folder: Path) -> list[tuple[int, bytes]]:
    return [(int(p.stem), p.read_bytes()) for p in sorted((folder / "samples").iterdir())]


def test_a_users_sink_is_given_the_rows_and_the_pictures(tmp_path: Path) -> None:
    sink, folder = Recorder(), tmp_path / "run"
    train(in_folder(folder), sink)
    given = [seen[1] | {"nimg": seen[0]} for seen in sink.seen if len(seen) == 2]
    assert given == rows(folder)
    drawn = [(nimg, png) for nimg, name, png in (s for s in sink.seen if len(s) == 3)]
    assert drawn == snapshots(folder)
    words = [seen for seen in sink.seen if isinstance(seen, str)]
    assert words == ["flushed", "flushed", "closed"]
    again = Recorder()
    train(in_folder(folder), again)  # which is trained already
    assert again.seen == ["closed"]


class Unreachable(Recorder):
    """Fails at everything."""

    def scalars(self, nimg: int, row: Mapping[str, float]) -> None:
        super().scalars(nimg, row)
        raise ConnectionError(errno.ENETUNREACH, "Network is unreachable")

    def image(self, nimg: int, name: str, png: bytes) -> None:
        raise ValueError("no such project")

    def flush(self) -> None:
        raise TimeoutError

    close = flush


def test_a_sink_that_fails_is_told_of_once_and_the_run_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sink, after = Unreachable(), Recorder()
    state = train(in_folder(tmp_path / "run"), sink, after)
    assert state.step == 4
    out = capsys.readouterr().out
    assert out.count("Unreachable") == 1
    said = "Unreachable failed (no such project); all else goes on, and the run's folder has all"
    assert said in out
    assert [nimg for nimg, _ in sink.seen] == [16, 32]  # it was asked again
    assert after.seen[-1] == "closed"
    assert [row["nimg"] for row in rows(tmp_path / "run")] == [16, 32]


def test_what_lacks_a_method_of_a_sink_is_refused() -> None:
    class Half:
        def scalars(self, nimg: int, row: Mapping[str, float]) -> None:
            """Nothing more."""

    require_sinks([Recorder()])
    with pytest.raises(ConfigError, match=r"^sinks = 'Half': must be an object with scalars"):
        require_sinks([Recorder(), Half()])


def test_sinks_are_closed_where_a_run_ends_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> None:
        raise NonFiniteError

    monkeypatch.setattr(loop._Session, "check_finite", fail)
    sink = Recorder()
    with pytest.raises(NonFiniteError):
        train(in_folder(tmp_path / "run"), sink)
    assert sink.seen[-1] == "closed"


def test_a_folder_that_can_not_be_written_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, folder = os.fsync, tmp_path / "run"

    def full(number: int) -> None:
        monkeypatch.setattr(os, "fsync", fsync)  # there is room again for what follows
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    said = rf"^{folder}/metrics.jsonl: can't be written \(No space left .*no checkpoint was saved"
    with pytest.raises(DiskError, match=said):
        train(in_folder(folder))


def test_a_resumed_run_tells_tensorboard_from_where_it_goes_on(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path)
    with Sinks([JsonLines(workdir, 0), TensorBoard(workdir, 48)]):
        pass
    (path,) = workdir.tensorboard.iterdir()
    (start,) = (event for event in events(path) if event.HasField("session_log"))
    assert (start.step, start.session_log.status) == (49, event_pb2.SessionLog.START)


def test_a_tracker_whose_package_is_missing_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    said = "^track = 'wandb': must be left out without the package wandb, which `pip install wandb`"
    for start in (
        lambda: train(in_folder(tmp_path / "run"), track="wandb"),
        lambda: loop.train(Experiment(tmp_path / "run"), launch=Launch(track="wandb")),
    ):
        with pytest.raises(ConfigError, match=said):
            start()
    assert not (tmp_path / "run").exists()


def test_a_tracker_that_can_not_be_reached_does_not_keep_a_run_from_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(*arguments: Any) -> None:
        raise ConnectionError("no such host")

    monkeypatch.setattr(trackers, "open_tracker", unreachable)
    assert train(in_folder(tmp_path / "run"), track="wandb").step == 4
    said = "wandb failed (no such host); all else goes on, and the run's folder has all of it"
    assert capsys.readouterr().out.count(said) == 1


def test_weights_and_biases_has_config_rows_and_pictures_and_goes_on_as_the_same_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offline, read back from its own files: a run cut after 16 images, and its second half."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    folder = tmp_path / "run"
    train(in_folder(folder, total_nimg=16), track="wandb")
    train(in_folder(folder), track="wandb")
    halves = wandb_files.of_folder(folder)
    history = [row for half in halves for row in wandb_files.history(half)]
    assert [row for row in history if "loss" in row] == rows(folder)
    pictures = [(row["nimg"], row["samples"]) for row in history if "samples" in row]
    assert [nimg for nimg, _ in pictures] == [nimg for nimg, _ in snapshots(folder)] == [0, 16, 32]
    for (_, png), (_, kept) in zip(snapshots(folder), pictures, strict=True):
        (path,) = folder.glob(f"wandb/offline-run-*/files/{kept['path']}")
        assert np.array_equal(Image.open(path), Image.open(io.BytesIO(png)))
    told = [next(r.run for r in half if r.WhichOneof("record_type") == "run") for half in halves]
    assert len(told) == 2
    assert len({run.run_id for run in told}) == 1
    assert told[0].run_id == json.loads((folder / "tracker.json").read_text())["wandb"]
    assert {run.display_name for run in told} == {"run"}
    assert set(told[0].tags) == {"autoencoder", "digits"}
    config = {item.key: json.loads(item.value_json) for item in told[0].config.update}
    assert config["procedure"] == "autoencoder"
    assert config["data"]["source"] == "digits"
