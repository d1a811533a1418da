"""The loop: what a run leaves on disk, exact resume, and a stop at the first wrong number."""

import dataclasses
import errno
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan.assemble import assemble
from cgan.config import (
    Augment,
    ConfigError,
    Data,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
    Objective,
    Optim,
    Penalty,
    from_json,
)
from cgan.data import pipeline
from cgan.data.digits import load_digits
from cgan.run_folder.checkpoint import Checkpoints
from cgan.sampling import runs, sampler
from cgan.sinks import JsonLines
from cgan.system.errors import NonFiniteError, StoppedError
from cgan.training import loop
from tests.event_files import events

BATCH = 16
TIMES = ("images_per_sec", "input_stall")
ONE_DEVICE = jax.devices()[:1]
CONFIG = Experiment(
    workdir=Path("replaced"),
    data=Data("digits"),
    generator=Generator(latent_dim=8, width=16, depth=1),
    discriminator=Discriminator(width=16, depth=1, spectral_norm=True),
    optim=Optim(ema_halflife_nimg=100),
    batch_size=BATCH,
    total_nimg=10 * BATCH,
    log_nimg=2 * BATCH,
    snapshot_nimg=5 * BATCH,
    checkpoint_nimg=5 * BATCH,
)
EVERYTHING = {
    "objective": Objective(fakes_per_real=5, temperature_bounds=(0.5, 2.0)),
    "embedding": Embedding(weight=0.5, dimensions=4, temperature_bounds=(0.05, 0.5), r1=0.01),
    "penalty": Penalty(estimator="hutchinson"),
    "augment": Augment(0.5),
    "micro_batches": 2,
}
"""All that draws random numbers in a step, and all that is learnt beside the networks."""


class PowerCutError(Exception):
    """Ends a run in a test, as a crash would."""


def in_folder(path: Path, **changes) -> Experiment:
    return dataclasses.replace(CONFIG, workdir=path, **changes)


def train_until(config: Experiment, nimg: int, monkeypatch) -> None:
    """Train, and crash when this many images have been seen and their metrics written."""
    original = JsonLines.scalars

    def scalars(self, seen, row):
        original(self, seen, row)
        if seen == nimg:
            raise PowerCutError

    with monkeypatch.context() as patch:
        patch.setattr(JsonLines, "scalars", scalars)
        with pytest.raises(PowerCutError):
            loop.train(config, ONE_DEVICE)


def rows(config: Experiment) -> list[dict]:
    """The metrics without the speed, which differs from run to run."""
    lines = (config.workdir / "metrics.jsonl").read_text().splitlines()
    return [
        {name: value for name, value in json.loads(line).items() if name not in TIMES}
        for line in lines
    ]


NAME = r"whole [b=1] {x} ${JOB} \ 100%"
"""Of a run: what is markup, a pattern, a field or a variable to some library."""


def uninterrupted(folder: Path, **changes):
    """A run without a cut: its config and final state."""
    config = in_folder(folder / NAME, **changes)
    return config, loop.train(config, ONE_DEVICE)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    return uninterrupted(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def whole_run_of_everything(one_step, tmp_path_factory):
    return uninterrupted(tmp_path_factory.mktemp("everything"), **EVERYTHING)


def test_a_run_leaves_its_config_metrics_checkpoints_and_pictures(whole_run):
    config, state = whole_run
    folder = config.workdir
    assert from_json((folder / "config.json").read_text()) == config
    assert state.step == 10
    assert {path.name for path in (folder / "samples").iterdir()} == {
        "0000000000.png",
        "0000000080.png",
        "0000000160.png",
    }
    assert {path.name for path in (folder / "checkpoints").iterdir()} == {"80", "160"}
    assert [row["nimg"] for row in rows(config)] == [32, 64, 96, 128, 160]
    assert all(np.isfinite(list(row.values())).all() for row in rows(config))


def test_pictures_show_the_fixed_latents_through_the_averaged_weights(whole_run, tmp_path):
    config, state = whole_run
    drawing = sampler.Sampler(assemble(config))
    latents = drawing.latents(64, config.seed, "latents/snapshot")
    for params, same in [(state.generator_ema, True), (state.generator, False)]:
        drawing.picture(drawing.generate(params, latents), tmp_path / "again.png", "")
        final = (config.workdir / "samples" / "0000000160.png").read_bytes()
        assert ((tmp_path / "again.png").read_bytes() == final) == same


def test_training_reads_the_train_split(whole_run):
    source = assemble(whole_run[0]).source
    assert np.array_equal(source.images, load_digits("train").images)


def test_a_damaged_checkpoint_is_named_with_the_way_out(whole_run, tmp_path):
    config = in_folder(tmp_path / "damaged")
    shutil.copytree(whole_run[0].workdir, config.workdir)
    for path in (config.workdir / "checkpoints" / "160").rglob("*"):
        if path.is_file() and path.parent.name == "d":
            path.write_bytes(b"")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "cgan.sample",
            str(config.workdir),
            "--out",
            str(tmp_path / "x.png"),
        ],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert re.fullmatch(
        r"error: .*checkpoints/160: can't be read .* move it away .*\n", done.stderr
    )
    assert not (tmp_path / "x.png").exists()


def test_a_state_that_is_not_finite_is_never_saved(tmp_path, monkeypatch):
    """The losses of a step are taken before its update: a bad update shows in the state only."""
    config = in_folder(tmp_path / "broken")
    original = loop.compile_step

    def breaking(*arguments):
        inner = original(*arguments)

        def broken(state, inputs):
            state, metrics = inner(state, inputs)
            with jax.transfer_guard("allow"):
                bad = jax.tree.map(lambda leaf: leaf * jnp.nan, state.generator_ema)
            return state._replace(generator_ema=bad), metrics

        return broken

    monkeypatch.setattr(loop, "compile_step", breaking)
    with pytest.raises(NonFiniteError, match="generator_ema is not finite after 80 images"):
        loop.train(config, ONE_DEVICE)
    with Checkpoints(config.workdir / "checkpoints") as checkpoints:
        assert checkpoints.latest() is None


def test_events_for_tensorboard_hold_the_same_numbers(whole_run):
    config, _ = whole_run
    (path,) = (config.workdir / "tensorboard").iterdir()
    found = {
        (event.step, value.tag): value.simple_value
        for event in events(path)
        for value in event.summary.value
    }
    for row in rows(config):
        for name in set(row) - {"nimg"}:
            np.testing.assert_allclose(found[row["nimg"], name], row[name], rtol=1e-6)


@pytest.mark.parametrize(
    ("whole", "cut_nimg"),
    [
        ("whole_run", 64),
        pytest.param("whole_run", 96, marks=pytest.mark.slow),
        ("whole_run", 128),
        ("whole_run_of_everything", 96),
    ],
)
def test_a_resumed_run_equals_the_uninterrupted_one_bit_for_bit(
    whole, cut_nimg, tmp_path, monkeypatch, request
):
    """Cut at 64: no checkpoint yet; at 96 and 128: the newest is at 80, in the middle of a row."""
    expected_config, expected_state = request.getfixturevalue(whole)
    config = dataclasses.replace(expected_config, workdir=tmp_path / "cut")
    train_until(config, cut_nimg, monkeypatch)
    state = loop.train(config, ONE_DEVICE)
    assert jax.tree.structure(state) == jax.tree.structure(expected_state)
    for found, expected in zip(
        jax.tree.leaves(state), jax.tree.leaves(expected_state), strict=True
    ):
        assert np.array_equal(found, expected)
    assert rows(config) == rows(expected_config)
    for picture in (expected_config.workdir / "samples").iterdir():
        assert (config.workdir / "samples" / picture.name).read_bytes() == picture.read_bytes()


def test_a_run_trained_on_for_longer_equals_one_of_that_length_bit_for_bit(
    whole_run, one_step, tmp_path
):
    """The first part took its schedules over its own length; the whole is told to keep them."""
    config, length = in_folder(tmp_path / "longer"), {"total_nimg": 15 * BATCH, "ramp_nimg": 160}
    shutil.copytree(whole_run[0].workdir, config.workdir)
    longer = dataclasses.replace(config, **length, log_nimg=3 * BATCH, checkpoint_nimg=7 * BATCH)
    state = loop.train(longer, ONE_DEVICE)
    assert from_json((config.workdir / "config.json").read_text()) == longer
    at_once, expected = uninterrupted(tmp_path, **length)
    for found, leaf in zip(jax.tree.leaves(state), jax.tree.leaves(expected), strict=True):
        assert np.array_equal(found, leaf)
    found, straight = ({row["nimg"]: row for row in rows(c)} for c in (longer, at_once))
    assert list(found) == [32, 64, 96, 128, 160, 192, 240]
    assert [found[nimg] for nimg in list(found)[:6]] == [straight[nimg] for nimg in list(found)[:6]]
    for name, value in found[240].items():  # two steps of one row there, and one of the next
        mean = (2 * straight[224][name] + straight[240][name]) / 3
        assert name == "nimg" or value == pytest.approx(mean, rel=1e-12)
    saved = sorted(int(path.name) for path in (config.workdir / "checkpoints").iterdir())
    assert saved == [160, 224, 240]


def test_output_that_nobody_can_read_any_more_ends_the_run_by_saving(
    one_step, tmp_path, monkeypatch
):
    """As with `| head -1`: the line on the picture after 80 images does not come out."""

    class Pipe(io.StringIO):
        def write(self, text):
            if f"{80:>10,} images" in text:
                raise BrokenPipeError(errno.EPIPE, "Broken pipe")
            return super().write(text)

    monkeypatch.setattr(sys, "stdout", Pipe())
    config = in_folder(tmp_path / "run", total_nimg=15 * BATCH, ramp_nimg=160)
    with pytest.raises(StoppedError) as ended:
        loop.train(config, ONE_DEVICE)
    assert ended.value.exit_code == 75
    assert str(ended.value) == (
        "stopped by standard output, which can't be written (Broken pipe): saved after 96 images; "
        "the same command goes on from there"
    )
    assert Checkpoints(config.workdir / "checkpoints").latest() == 96
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert loop.train(config, ONE_DEVICE).step == 15


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"total_nimg": 15 * BATCH}, r"total_nimg is 160 there, not 240, .*ramp_nimg = 160 keeps"),
        ({"total_nimg": 5 * BATCH, "ramp_nimg": 160}, "total_nimg = 80: must be at least 160, .*"),
    ],
)
def test_a_length_that_a_run_can_not_have_any_more_changes_nothing(
    changes, expected, whole_run, tmp_path
):
    config = in_folder(tmp_path / "run")
    shutil.copytree(whole_run[0].workdir, config.workdir)
    before = (config.workdir / "config.json").read_bytes()
    with pytest.raises(ConfigError, match=expected):
        loop.train(dataclasses.replace(config, **changes), ONE_DEVICE)
    assert (config.workdir / "config.json").read_bytes() == before


def test_metrics_show_each_game_and_the_temperatures_as_they_move(whole_run_of_everything):
    config, _ = whole_run_of_everything
    played = {
        "discriminator": {"contrast"},
        "generator": {"covering", "realism"},
    }
    for player, on_embedding in played.items():
        terms = {f"{player}/critic/{name}" for name in ("real_vs_fakes", "fake_vs_reals")}
        terms |= {f"{player}/embedding/{name}" for name in on_embedding}
        assert all(terms <= set(row) for row in rows(config))
    for section, game in ((config.objective, "critic"), (config.embedding, "embedding")):
        low, high = section.temperature_bounds
        seen = [row[f"discriminator/{game}/temperature"] for row in rows(config)]
        assert len(set(seen)) == len(seen)
        assert min(seen) >= low
        assert max(seen) <= high


def test_a_torn_last_line_of_metrics_is_dropped_on_resume(whole_run, tmp_path, monkeypatch):
    config = in_folder(tmp_path / "torn")
    train_until(config, 96, monkeypatch)
    with (config.workdir / "metrics.jsonl").open("a") as file:
        file.write('{"nimg": 112, "discrim')
    loop.train(config, ONE_DEVICE)
    assert rows(config) == rows(whole_run[0])


def test_a_checkpoint_of_one_device_goes_on_with_eight_and_is_sampled_on_one(
    whole_run, tmp_path, monkeypatch
):
    config = in_folder(tmp_path / "eight")
    train_until(config, 96, monkeypatch)
    state = loop.train(config, jax.devices())
    for found, expected in zip(
        jax.tree.leaves(state.generator), jax.tree.leaves(whole_run[1].generator), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    run = runs.load_run(config.workdir)  # and back on one
    for found, expected in zip(
        jax.tree.leaves(run.params), jax.tree.leaves(state.generator_ema), strict=True
    ):
        assert np.array_equal(found, expected)


def test_a_finished_run_is_left_as_it_is(whole_run):
    config, state = whole_run

    def times():
        paths = set(config.workdir.rglob("*")) - {config.workdir / ".lock"}
        return {path: path.stat().st_mtime_ns for path in paths}

    before = times()
    again = loop.train(config, ONE_DEVICE)
    assert np.array_equal(again.step, state.step)
    assert times() == before


def test_a_number_that_is_not_finite_stops_the_run_and_keeps_the_good_checkpoint(
    tmp_path, monkeypatch
):
    """From step 7 on the data hold NaN; the checkpoint after step 4 stays the newest."""
    config = in_folder(tmp_path / "nan")
    original = pipeline.load_batches

    def poisoned(source, batch_size, seed, step, num_steps, **others):
        batch = original(source, batch_size, seed, step, num_steps, **others)
        return batch._replace(x=batch.x * np.float32("nan")) if step >= 7 else batch

    def as_floats(*arguments, **others):
        batch = poisoned(*arguments, **others)
        return batch._replace(x=np.asarray(batch.x, np.float32))

    monkeypatch.setattr(pipeline, "load_batches", as_floats)
    with pytest.raises(NonFiniteError, match=r"step 7: .*discriminator/loss = nan.* 80 images"):
        loop.train(config, ONE_DEVICE)
    with Checkpoints(config.workdir / "checkpoints") as checkpoints:
        assert checkpoints.latest() == 80
    assert [row["nimg"] for row in rows(config)] == [32, 64, 96]


def test_the_step_is_named_where_a_dispatch_holds_several(tmp_path, monkeypatch):
    config = in_folder(tmp_path / "several", steps_per_dispatch=5)
    original = pipeline.load_batches

    def poisoned(*arguments, **others):
        batch = original(*arguments, **others)
        x = np.asarray(batch.x, np.float32)
        x[3] = np.inf
        return batch._replace(x=x)

    monkeypatch.setattr(pipeline, "load_batches", poisoned)
    with pytest.raises(NonFiniteError, match=r"step 3: .*no checkpoint was saved yet"):
        loop.train(config, ONE_DEVICE)


def test_intervals_are_kept_where_they_do_not_divide_the_dispatches(tmp_path):
    config = in_folder(
        tmp_path / "odd",
        total_nimg=150,
        steps_per_dispatch=3,
        log_nimg=50,
        snapshot_nimg=70,
        checkpoint_nimg=1_000,
    )
    state = loop.train(config, ONE_DEVICE)
    assert state.step == 12  # 150 images are 3.1 dispatches of 48: four of them
    assert [row["nimg"] for row in rows(config)] == [96, 144, 192]
    names = sorted(path.stem for path in (config.workdir / "samples").iterdir())
    assert [int(name) for name in names] == [0, 96, 144, 192]
    assert [path.name for path in (config.workdir / "checkpoints").iterdir()] == ["192"]
