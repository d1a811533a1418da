"""The loop trains what is no GAN: resume, many devices, wrong numbers, signals, foreign folders."""

import dataclasses
import json
import os
import re
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from cgan.config import ConfigError, Data, Experiment, Launch, RunSettings
from cgan.data import pipeline
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.sampling import runs
from cgan.sinks import JsonLines
from cgan.system.errors import NonFiniteError, StoppedError
from cgan.training import loop, procedures
from cgan.training.interrupt import Interrupt
from tests.autoencoder import Autoencoding, build
from tests.recorder import Recorder

BATCH = 16
ONE_DEVICE = jax.devices()[:1]
CONFIG = Autoencoding(
    workdir=Path("replaced"),
    data=Data("digits"),
    batch_size=BATCH,
    total_nimg=12 * BATCH,
    log_nimg=3 * BATCH,
    snapshot_nimg=6 * BATCH,
    checkpoint_nimg=4 * BATCH,
)


class Whole(NamedTuple):
    """A run without a cut."""

    config: Autoencoding
    state: Any


@pytest.fixture(scope="module")
def step_compiled_once():
    """Runs on the same devices share a step."""
    kept, original = {}, loop.compile_step

    def compile_step(procedure: Any, devices: Any, launch: Any) -> Any:
        key = tuple(devices)
        return kept.setdefault(key, kept.get(key) or original(procedure, devices, launch))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "compile_step", compile_step)
        yield


@pytest.fixture(scope="module")
def whole(step_compiled_once, tmp_path_factory) -> Whole:
    config = in_folder(tmp_path_factory.mktemp("whole") / "run")
    return Whole(config, train(config))


def in_folder(path: Path, **changes: Any) -> Autoencoding:
    return dataclasses.replace(CONFIG, workdir=path, **changes)


def train(config: Autoencoding, devices: Any = ONE_DEVICE, **how: Any) -> Any:
    launch = how.pop("launch", Launch())
    return loop.run(build(config, devices, launch), devices, launch, **how)


def rows(config: Autoencoding) -> list[dict[str, float]]:
    """Without the speeds."""
    lines = (config.workdir / "metrics.jsonl").read_text().splitlines()
    speeds = {"images_per_sec", "input_stall"}
    return [{k: v for k, v in json.loads(line).items() if k not in speeds} for line in lines]


def assert_equal(found: Any, expected: Any) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_a_plain_procedure_leaves_what_a_gan_leaves(whole: Whole) -> None:
    folder = whole.config.workdir
    assert whole.state.step == 12
    assert [row["nimg"] for row in rows(whole.config)] == [48, 96, 144, 192]
    losses = [row["loss"] for row in rows(whole.config)]
    assert losses[-1] < 0.7 * losses[0]
    names = {path.name for path in (folder / "samples").iterdir()}
    assert names == {"0000000000.png", "0000000096.png", "0000000192.png"}
    first, last = (np.asarray(Image.open(folder / "samples" / n)) for n in (min(names), max(names)))
    assert (first != last).any()
    assert Checkpoints(folder / "checkpoints").all() == [64, 128, 192]
    assert json.loads((folder / "config.json").read_text())["procedure"] == "autoencoder"
    assert Workdir(folder).read_config_as(Autoencoding) == whole.config
    assert (folder / "data.json").is_file()


@pytest.mark.parametrize("cut_nimg", [48, 96, 144])
def test_it_goes_on_bit_for_bit(
    cut_nimg: int, whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut before the first checkpoint, and where checkpoints hold a part of a row."""
    config, original = in_folder(tmp_path / "cut"), JsonLines.scalars

    def scalars(self: JsonLines, nimg: int, row: Mapping[str, float]) -> None:
        original(self, nimg, row)
        if nimg == cut_nimg:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(JsonLines, "scalars", scalars)
        with pytest.raises(KeyboardInterrupt):
            train(config)
    assert_equal(train(config), whole.state)
    assert rows(config) == rows(whole.config)


def test_eight_devices_train_as_one_does(whole: Whole, tmp_path: Path) -> None:
    config = in_folder(tmp_path / "eight")
    state = train(config, jax.devices())
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 1e-4, 1e-6), state, whole.state)
    found, expected = rows(config), rows(whole.config)
    assert [row["loss"] for row in found] == pytest.approx([row["loss"] for row in expected])


def test_it_says_what_it_trains_and_shows_its_own_loss(
    step_compiled_once: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = in_folder(tmp_path / "run")
    train(config)
    first, *_, bar = capsys.readouterr().out.splitlines()
    assert first == "digits: 1,437 samples; 1,024 parameters; 1 x cpu"
    assert re.search(r"left L 0\.\d{3}  input", bar)
    train(config)
    assert "is already trained to 192 images" in capsys.readouterr().out


def poisoned(change: Callable[[np.ndarray], None]) -> Any:
    """`load_batches` with a change of the samples from step 7 on."""
    original = pipeline.load_batches

    def load(source: Any, batch_size: int, seed: int, step: int, *others: Any, **more: Any) -> Any:
        batch = original(source, batch_size, seed, step, *others, **more)
        x = np.asarray(batch.x, np.float32)
        if step >= 7:
            change(x)
        return batch._replace(x=x)

    return load


def test_a_number_that_is_not_finite_is_traced_by_its_own_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plant(x: np.ndarray) -> None:
        x[:, 5, 0, 0, 0] = np.nan

    monkeypatch.setattr(pipeline, "load_batches", poisoned(plant))
    config = in_folder(tmp_path / "run")
    said = r"^step 7: loss = nan; it began with samples on device 2 of 8; .* is at 64 images"
    with pytest.raises(NonFiniteError, match=said):
        train(config, jax.devices())
    assert Checkpoints(config.workdir / "checkpoints").latest() == 64


def test_a_state_that_is_not_finite_is_named_and_not_saved(
    step_compiled_once: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = loop.compile_step

    def breaking(*arguments: Any) -> Any:
        inner = original(*arguments)

        def broken(state: Any, inputs: Any) -> Any:
            state, told = inner(state, inputs)
            with jax.transfer_guard("allow"):
                bad = jax.tree.map(lambda leaf: leaf * jnp.nan, state.weights)
            return state._replace(weights=bad), told

        return broken

    monkeypatch.setattr(loop, "compile_step", breaking)
    config = in_folder(tmp_path / "run", checkpoint_nimg=BATCH)
    with pytest.raises(NonFiniteError, match=r"^weights is not finite after 16 images; not"):
        train(config)
    assert not Checkpoints(config.workdir / "checkpoints").all()


def test_sigterm_saves_and_the_same_command_goes_on(whole: Whole, tmp_path: Path) -> None:
    class Signaling(Recorder):
        def scalars(self, nimg: int, row: Mapping[str, float]) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            while interrupt.asked_by is None:
                pass

    config = in_folder(tmp_path / "run", checkpoint_nimg=100 * BATCH)
    with (
        Interrupt(60) as interrupt,
        pytest.raises(StoppedError, match="by SIGTERM: saved after 64 images"),
    ):
        train(config, interrupt=interrupt, sinks=[Signaling()])
    assert Checkpoints(config.workdir / "checkpoints").all() == [64]
    assert_equal(train(config), whole.state)
    assert rows(config) == rows(whole.config)


def test_its_folder_is_no_gans_and_a_gans_is_not_its_own(whole: Whole, tmp_path: Path) -> None:
    folder = whole.config.workdir
    said = "config.json: procedure = 'autoencoder': must be 'gan' to be read here"
    with pytest.raises(ConfigError, match=said):
        runs.load_run(folder)
    gan = Experiment(folder, Data("digits"))
    with pytest.raises(ConfigError, match=said):
        loop.train(gan, ONE_DEVICE)
    other = Workdir(tmp_path / "gan")
    other.create(dataclasses.replace(gan, workdir=other.root))
    with pytest.raises(ConfigError, match="procedure = 'gan': must be 'autoencoder'"):
        train(in_folder(other.root))


def test_other_settings_are_refused_by_name(whole: Whole) -> None:
    with pytest.raises(ConfigError, match=r"another config .width is 8 there, not 9"):
        train(dataclasses.replace(whole.config, width=9))


@pytest.mark.parametrize(
    ("changes", "launch", "said"),
    [
        ({}, Launch(on_collapse="stop"), "on_collapse = 'stop': must be warn with procedure = "),
        ({}, Launch(workers=1), "workers = 1: must be 0 with data.cached = True"),
        ({"batch_size": 12}, Launch(), "batch_size = 12: must be a multiple of the 8 devices"),
    ],
)
def test_what_it_can_not_do_is_refused_before_anything_is_written(
    changes: dict[str, Any], launch: Launch, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=f"^{said}"):
        train(in_folder(tmp_path / "run", **changes), jax.devices(), launch=launch)
    assert not (tmp_path / "run").exists()


def test_a_config_is_trained_by_the_procedure_that_is_registered_for_it(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = in_folder(tmp_path / "run")
    with pytest.raises(ConfigError, match="config = 'Autoencoding': must be one of Experiment"):
        loop.train(config, ONE_DEVICE)
    monkeypatch.setitem(procedures.BUILDERS, Autoencoding, build)
    assert_equal(loop.train(config, ONE_DEVICE), whole.state)


def test_settings_of_all_procedures_have_the_defaults_of_an_experiment() -> None:
    of_gans = {item.name: item for item in dataclasses.fields(Experiment)}
    for item in dataclasses.fields(RunSettings):
        same = of_gans[item.name]
        assert (item.type, item.default) == (same.type, same.default)
        assert item.default_factory == same.default_factory
