"""Pretrainings by the loop: resume, devices, micro-batches, held-out figures, warm starts."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from PIL import Image

from cgan import parallel
from cgan.assemble import assemble
from cgan.axis import ONE_DEVICE as ALONE
from cgan.config import (
    Augment,
    ConfigError,
    Data,
    Descent,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
    Launch,
    Penalty,
    Pretext,
    Pretraining,
)
from cgan.data import load_source
from cgan.data.pipeline import load_batches
from cgan.pretext import parts as pretext_parts
from cgan.pretext.held_out import HeldOut
from cgan.pretext.runs import restore_pretraining
from cgan.pretext.step import PretextStep
from cgan.pretext.task import Answered
from cgan.run_folder.checkpoint import Checkpoints
from cgan.sampling import runs
from cgan.sinks import JsonLines
from cgan.training import loop, start
from tests import backbones

BATCH = 16
ONE_DEVICE = jax.devices()[:1]
TASKS = ("contrastive", "jigsaw", "masked")


def pretraining(task: Any, path: Path = Path("unused"), **changes: Any) -> Pretraining:
    config = Pretraining(
        workdir=path,
        data=Data("digits"),
        pretext=Pretext(task),
        generator=Generator("conv", latent_dim=6, width=4, depth=1),
        discriminator=Discriminator("conv", width=4, depth=1, spectral_norm=True),
        augment=Augment(0.4),
        optim=Descent(lr=3e-3),
        batch_size=BATCH,
        total_nimg=8 * BATCH,
        steps_per_dispatch=2,
        log_nimg=4 * BATCH,
        snapshot_nimg=8 * BATCH,
        checkpoint_nimg=4 * BATCH,
        probe_nimg=4 * BATCH,
    )
    return dataclasses.replace(config, **changes)


def rows(config: Pretraining) -> list[dict[str, float]]:
    """Without the speeds."""
    lines = (config.workdir / "metrics.jsonl").read_text().splitlines()
    speeds = {"images_per_sec", "input_stall"}
    return [{k: v for k, v in json.loads(line).items() if k not in speeds} for line in lines]


def assert_same(found: Any, expected: Any) -> None:
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def assert_close(found: Any, expected: Any, **tolerances: float) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerances), found, expected)


class Whole(NamedTuple):
    """A run without a cut."""

    config: Pretraining
    state: Any


@pytest.fixture(scope="module")
def step_compiled_once() -> Iterator[None]:
    """Runs of one pretext share a step: this file changes nothing else that it computes."""
    kept: dict[Any, Any] = {}
    original = loop.compile_step

    def compile_step(procedure: Any, devices: Any, launch: Any) -> Any:
        key = getattr(procedure.config, "pretext", None), tuple(devices)
        if key not in kept or key[0] is None:
            kept[key] = original(procedure, devices, launch)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "compile_step", compile_step)
        yield


@pytest.fixture(scope="module", params=TASKS)
def whole(
    step_compiled_once: None,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Whole:
    config = pretraining(request.param, tmp_path_factory.mktemp(request.param) / "run")
    return Whole(config, loop.train(config, ONE_DEVICE))


def test_a_run_leaves_rows_pictures_and_checkpoints(whole: Whole) -> None:
    folder, figure = whole.config.workdir, "accuracy"
    if whole.config.pretext.task == "masked":
        figure = "explained"
    found = rows(whole.config)
    trained = [row for row in found if "pretext/loss" in row]
    held_out = [row for row in found if "held_out/loss" in row]
    assert [row["nimg"] for row in trained] == [row["nimg"] for row in held_out] == [64, 128]
    assert all(f"pretext/{figure}" in row for row in trained)
    assert all(f"held_out/{figure}" in row for row in held_out)
    assert Checkpoints(folder / "checkpoints").all() == [64, 128]
    names = ["0000000000.png", "0000000128.png"]
    first, last = (np.asarray(Image.open(folder / "samples" / name)) for name in names)
    assert (first != last).any()
    assert json.loads((folder / "config.json").read_text())["procedure"] == "pretraining"
    assert restore_pretraining(folder).parts.config == whole.config


@pytest.mark.parametrize(
    "whole",
    [pytest.param(task, marks=() if task == "contrastive" else pytest.mark.slow) for task in TASKS],
    indirect=True,
)
def test_it_goes_on_bit_for_bit(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(whole.config, workdir=tmp_path / "cut")
    original = JsonLines.scalars

    def scalars(self: JsonLines, nimg: int, row: Mapping[str, float]) -> None:
        original(self, nimg, row)
        if nimg == 128:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(JsonLines, "scalars", scalars)
        with pytest.raises(KeyboardInterrupt):
            loop.train(config, ONE_DEVICE)
    assert Checkpoints(config.workdir / "checkpoints").latest() == 64
    assert_same(loop.train(config, ONE_DEVICE), whole.state)
    assert rows(config) == rows(whole.config)


def test_held_out_figures_are_those_of_the_whole_split_at_once(whole: Whole) -> None:
    """What the run wrote down at its end, chunk by chunk, and what eight devices say then."""
    parts = pretext_parts.assemble(whole.config)
    held_out = load_source(whole.config.data, "test")
    chosen = np.random.default_rng(0).choice(360, 360, replace=False)
    stored, everyone = np.asarray(held_out[chosen].x), jnp.arange(360)
    images = jnp.asarray(held_out.encode(stored))

    @jax.jit
    def at_once(state: Any) -> Any:
        posed = parts.task.pose(parts.draws("held_out", everyone, 0, 8), images)
        answers = parts.task.answer(state.trained, state.discriminator_stats, posed)
        terms, readings = parts.task.grade(state.learnt, Answered(answers, answers, everyone))
        return readings | {"loss": sum(term.mean() for term in terms.values())}

    expected = {f"held_out/{name}": float(of) for name, of in at_once(whole.state).items()}
    assert rows(whole.config)[-1] == pytest.approx({"nimg": 128} | expected, rel=1e-4)
    placed = parallel.replicate(whole.state, jax.devices())
    look = HeldOut(parts, stored, jax.devices()).look(placed)
    assert {name: float(of) for name, of in look.items()} == pytest.approx(expected, rel=1e-4)


PLAIN = {"discriminator": Discriminator("conv", width=4, depth=1)}


@pytest.mark.parametrize(
    ("task", "splits"),
    [
        *(pytest.param(task, ((2, 4),), id=task) for task in TASKS),
        *(
            pytest.param(task, ((1, 4), (8, 1)), id=f"{task}-apart", marks=pytest.mark.slow)
            for task in TASKS
        ),
    ],
)
def test_the_gradient_is_that_of_the_whole_batch_written_plainly(
    task: Any, splits: tuple[tuple[int, int], ...]
) -> None:
    """By gradient descent of rate 1: what a step changes is the gradient, however it is split."""
    config = pretraining(task, **PLAIN)
    parts = pretext_parts.assemble(config)
    parts = parts._replace(optimizer=optax.sgd(1.0))
    state = parts.init_state()
    batches = load_batches(parts.source, BATCH, config.seed, 0, 1)
    images = jnp.asarray(parts.source.encode(batches.x[0]))
    everyone = jnp.arange(BATCH)

    def loss(trained: Any) -> Any:
        draws = parts.draws("train", everyone, 0, 0)
        answers = parts.task.answer(trained, {}, parts.task.pose(draws, images))
        terms, _ = parts.task.grade({}, Answered(answers, answers, everyone))
        return sum(term.mean() for term in terms.values())

    expected = jax.jit(jax.grad(loss))(state.trained)
    for num_devices, micro_batches in splits:
        devices = jax.devices()[:num_devices]
        other = parts._replace(config=dataclasses.replace(config, micro_batches=micro_batches))
        step = parallel.replicated_step(PretextStep(other, parallel.DEVICES), devices)
        after, _ = step(parallel.replicate(state, devices), parallel.shard(batches, devices))
        found = jax.tree.map(lambda a, b: a - b, state.trained, parallel.fetch(after).trained)
        scale = max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(expected))
        assert_close(found, expected, rtol=1e-4, atol=2e-5 * max(scale, 1))


def test_a_step_that_misses_rows_is_refused() -> None:
    parts = pretext_parts.assemble(pretraining("jigsaw"))
    batches = load_batches(parts.source, BATCH // 2, 0, 0, 1)
    with pytest.raises(ValueError, match="given 8 rows of a batch of 16"):
        PretextStep(parts, ALONE)(parts.init_state(), batches)


def test_a_pretext_is_learnt_on_held_out_images(tmp_path: Path) -> None:
    """Far above chance, 1 in 4 of orders that differ everywhere, after 200 small steps."""
    config = pretraining(
        "jigsaw",
        tmp_path / "run",
        pretext=Pretext("jigsaw", orders=4),
        discriminator=Discriminator("conv", width=8, depth=1),
        augment=Augment(),
        total_nimg=200 * BATCH,
        steps_per_dispatch=20,
        log_nimg=200 * BATCH,
        probe_nimg=200 * BATCH,
        snapshot_nimg=200 * BATCH,
        checkpoint_nimg=200 * BATCH,
    )
    loop.train(config, ONE_DEVICE)
    assert rows(config)[-1]["held_out/accuracy"] > 0.6


def gan(path: Path, start: Path, **changes: Any) -> Experiment:
    config = pretraining("masked")
    experiment = Experiment(
        workdir=path,
        data=config.data,
        generator=config.generator,
        discriminator=config.discriminator,
        penalty=Penalty(r1=0.0, r2=0.0),
        batch_size=8,
        total_nimg=8,
        probe_nimg=0,
        init_from=start,
    )
    return dataclasses.replace(experiment, **changes)


def test_a_gan_starts_from_what_was_pretrained(
    whole: Whole, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The discriminator's trunk and its stats always; all of the generator where it decoded."""
    there, task = whole.state, whole.config.pretext.task
    parts = assemble(gan(tmp_path / "gan", whole.config.workdir))
    fresh = jax.device_get(parts.init_state())
    state = start.begin(parts, fresh)
    assert_same(state.discriminator["trunk"], there.discriminator["trunk"])
    assert_same(state.discriminator["head"], fresh.discriminator["head"])
    assert_same(state.discriminator_stats["trunk"], there.discriminator_stats["trunk"])
    decoded = task == "masked"
    assert_same(state.generator, there.generator if decoded else fresh.generator)
    assert_same(state.generator_ema, state.generator)
    said = capsys.readouterr().err
    assert f"from {whole.config.workdir} after 128 images: " in said
    assert "average" not in said
    loaded, _, afresh = said.partition("starting afresh: ")
    assert "discriminator trunk" in loaded
    assert ("generator trunk, generator head" in loaded) == decoded
    assert ("generator trunk, generator head" in afresh) == (not decoded)
    assert ("left in" in said) == (task == "contrastive")


def test_the_embedding_head_goes_on_in_the_neighbour_game(tmp_path: Path) -> None:
    config = pretraining("contrastive", tmp_path / "pretrained", total_nimg=BATCH)
    there = loop.train(config, ONE_DEVICE)
    experiment = gan(tmp_path / "gan", config.workdir, embedding=Embedding(weight=1.0))
    parts = assemble(experiment)
    state = start.begin(parts, jax.device_get(parts.init_state()))
    assert_same(state.discriminator["head"]["embedding"], there.discriminator["head"]["embedding"])
    shorter = dataclasses.replace(experiment, embedding=Embedding(weight=1.0, dimensions=3))
    with pytest.raises(ConfigError, match=r"head/embedding/kernel has the shape .* there, and "):
        loop.train(shorter, ONE_DEVICE)
    players = dataclasses.replace(experiment, init_players="generator")
    said = "nothing there has a place here: its networks are no generator and 'conv', these 'conv'"
    with pytest.raises(ConfigError, match=said):
        loop.train(players, ONE_DEVICE)
    assert not experiment.workdir.exists()


def test_the_pair_starts_as_a_gans_of_the_same_seed_would() -> None:
    there = pretext_parts.assemble(pretraining("masked")).init_state()
    here = assemble(gan(Path("unused"), Path("unused"), init_from=None)).init_state()
    assert_same(there.generator, here.generator)
    assert_same(there.discriminator["trunk"], here.discriminator["trunk"])


@pytest.mark.parametrize(
    ("architecture", "task"),
    [
        pytest.param(architecture, task, marks=[] if (at + of) % 3 == 0 else pytest.mark.slow)
        for at, architecture in enumerate(backbones.PAIRS)
        for of, task in enumerate(TASKS)
    ],
)
def test_every_architecture_takes_every_pretext(architecture: str, task: Any) -> None:
    """All that is trained gets a finite gradient, from weights none of which starts at 0."""
    of_pair = backbones.experiment(architecture, labels=False)
    config = pretraining(task, generator=of_pair.generator, discriminator=of_pair.discriminator)
    parts = pretext_parts.assemble(config)
    state = parts.init_state()
    trained = backbones.randomized(architecture, state.trained)
    state = state._replace(discriminator=trained.discriminator, generator=trained.generator)
    batches = load_batches(parts.source, BATCH, 0, 0, 1)
    after, outcome = jax.jit(PretextStep(parts, ALONE))(state, batches)
    assert np.asarray(outcome.finite).all()
    moved = jax.tree.map(lambda a, b: bool((a != b).any()), state.trained, after.trained)
    assert all(jax.tree.leaves(moved)), moved


REFUSED: dict[str, tuple[dict[str, Any], Any, str]] = {
    "tiles": (
        {"pretext": Pretext("jigsaw", tiles=3)},
        Launch(),
        r"pretext.tiles = 3: must be one of 2 for images of 8x8",
    ),
    "orders": (
        {"pretext": Pretext("jigsaw", orders=25)},
        Launch(),
        "pretext.orders = 25: must be at most 24, the orders of 2x2 tiles",
    ),
    "gap": (
        {"pretext": Pretext("jigsaw", gap=3)},
        Launch(),
        "pretext.gap = 3: must be at most 2: of 4 pixels of a tile 2 must be left",
    ),
    "patch": (
        {"pretext": Pretext("masked", patch=3)},
        Launch(),
        "pretext.patch = 3: must be one of 1, 2, 4 for images of 8x8",
    ),
    "depth": (
        {"discriminator": Discriminator("conv", width=4, depth=4)},
        Launch(),
        "discriminator.depth = 4: images of 8x8 can't be halved that often; must be at most 3",
    ),
    "stop": ({}, Launch(on_collapse="stop"), "on_collapse = 'stop': must be warn with procedure"),
    "rows": ({"batch_size": 12}, Launch(), "batch_size = 12: must be a multiple of the 8 devices"),
    "parts": (
        {"micro_batches": 8},
        Launch(),
        "micro_batches = 8: must divide the 2 rows of each of the 8 devices: one of 1, 2",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    changes, launch, said = REFUSED[name]
    with pytest.raises(ConfigError, match=f"^{said}"):
        loop.train(pretraining("jigsaw", tmp_path / "run", **changes), jax.devices(), launch)
    assert not (tmp_path / "run").exists()


def test_its_folder_is_no_gans(whole: Whole) -> None:
    with pytest.raises(ConfigError, match="procedure = 'pretraining': must be 'gan' to be read"):
        runs.load_run(whole.config.workdir)


def test_other_settings_are_refused_and_a_longer_run_keeps_its_ramp(
    whole: Whole, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"another config .optim.lr is 0.003 there, not 0.1"):
        loop.train(dataclasses.replace(whole.config, optim=Descent(lr=0.1)), ONE_DEVICE)
    longer = dataclasses.replace(whole.config, total_nimg=160)
    with pytest.raises(ConfigError, match="ramp_nimg = 128 keeps it"):
        loop.train(longer, ONE_DEVICE)
