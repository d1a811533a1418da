"""Samples of runs with class labels: which class each is asked for, from one seed to one class."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from cgan.assemble import Parts, assemble
from cgan.commands import sample
from cgan.config import Conditioning, ConfigError, Data, Discriminator, Experiment, Generator, Optim
from cgan.data import EMBEDDED as SOURCES
from cgan.rng import row_keys, stream_key
from cgan.sampling import pictures, runs, sampler
from cgan.sampling.labels import draw_labels, find_class
from cgan.sampling.ranking import rank_fakes
from cgan.sampling.runs import Run, asked_labels, draw_samples, draw_walks, load_run, stream_samples
from cgan.system import cli
from cgan.training import loop


def test_labels_follow_the_shares_and_the_first_do_not_depend_on_how_many_there_are() -> None:
    shares, n = np.array([0.5, 0.0, 0.3, 0.2, 0.0]), 4000
    keys = row_keys(stream_key(0, "labels"), jnp.arange(n))
    labels = draw_labels(shares, keys)
    found = np.bincount(labels, minlength=5) / n
    np.testing.assert_array_equal(found[[1, 4]], 0)
    np.testing.assert_allclose(found, shares, atol=4 * np.sqrt(0.25 / n))
    np.testing.assert_array_equal(draw_labels(shares, keys[:7]), labels[:7])


def test_a_class_is_found_by_name_and_else_by_index() -> None:
    names = ["2", "cat", "dog"]
    assert [find_class(names, wanted) for wanted in ("cat", "2", "1")] == [1, 0, 1]
    many = [f"{number:03d}" for number in range(1000)]
    assert [find_class(many, wanted) for wanted in ("003", "3")] == [3, 3]
    with pytest.raises(ConfigError, match=r"^class = 'cow': must be one of 2, cat, dog, or an"):
        find_class(names, "cow")
    for wanted in ("-1", "1000", "1.0", ""):
        with pytest.raises(ConfigError, match=r"018, \.\.\., 999, or an index from 0 to 999$"):
            find_class(many, wanted)


def trained(root: Path, source: str, **settings: Any) -> Run:
    """Two steps of training with labels."""
    loop.train(
        Experiment(
            workdir=root,
            data=Data(source),  # type: ignore[arg-type]
            conditioning=Conditioning(labels=True, compare="same_class", dimensions=4),
            generator=Generator(latent_dim=3, width=8, depth=1, **settings),
            discriminator=Discriminator(width=8, depth=1, **settings),
            optim=Optim(lr=0.05),
            batch_size=8,
            total_nimg=16,
        ),
        devices=jax.devices()[:1],
    )
    return load_run(root)


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("points") / "run", "ring8")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("images") / "run", "digits", architecture="conv")


def by_hand(run: Run, n: int, seed: int, labels: np.ndarray) -> np.ndarray:
    parts: Parts = run.sampler.parts
    latents = run.sampler.latents(n, seed, "latents/samples")
    made = parts.networks.generate(run.params, latents, jnp.asarray(labels))
    return parts.source.decode(np.asarray(made))


def test_samples_are_of_the_classes_that_were_asked_for(
    points: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampler, "CHUNK", 16)
    labels = asked_labels(points, 40, 5)
    assert labels is not None
    assert len(np.unique(labels)) > 4
    drawn = draw_samples(points, 40, 5)
    np.testing.assert_allclose(drawn, by_hand(points, 40, 5, labels), rtol=1e-4, atol=1e-5)
    streamed = np.concatenate(list(stream_samples(points, 40, 5)))
    np.testing.assert_allclose(streamed, drawn, rtol=1e-5, atol=1e-6)
    for n in (1, 17):
        np.testing.assert_allclose(draw_samples(points, n, 5), drawn[:n], rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(asked_labels(points, n, 5), labels[:n])
    only = draw_samples(points, 10, 5, label=3)
    np.testing.assert_allclose(only, by_hand(points, 10, 5, np.full(10, 3)), rtol=1e-4, atol=1e-5)
    assert np.abs(only - by_hand(points, 10, 5, np.full(10, 4))).max(axis=1).min() > 1e-4


def test_a_walk_keeps_to_the_class_that_it_starts_from(points: Run) -> None:
    labels = asked_labels(points, 6, 4)
    assert labels is not None
    walks = draw_walks(points, 3, 8, 4).reshape(3, 8, 2)
    for place, row in ((0, 0), (7, 1)):
        expected = by_hand(points, 6, 4, labels[0::2].repeat(2))[row::2]
        np.testing.assert_allclose(walks[:, place], expected, rtol=1e-4, atol=1e-5)
    named = draw_walks(points, 3, 8, 4, label=2).reshape(3, 8, 2)
    expected = by_hand(points, 6, 4, np.full(6, 2))
    np.testing.assert_allclose(named[:, 0], expected[0::2], rtol=1e-4, atol=1e-5)


def test_a_real_is_ranked_beside_fakes_of_its_own_class(points: Run) -> None:
    restored = runs.restore_run(points.config.workdir)
    state, source = restored.state, SOURCES["ring8"]("test")
    ranking = rank_fakes(restored, source, reals=3, fakes=5, seed=0)
    for real, fakes, margins in zip(ranking.reals, ranking.fakes, ranking.values, strict=True):
        label = source.labels[np.flatnonzero((source.points == real).all(axis=1))[:1]]  # type: ignore[attr-defined]
        samples = jnp.asarray(source.encode(np.concatenate([real[None], fakes])))
        discriminate = restored.parts.networks.discriminate
        said = discriminate(
            state.discriminator, state.discriminator_stats, samples, jnp.asarray(label.repeat(6))
        )
        scores = np.asarray(said.score)
        np.testing.assert_allclose(margins, scores[0] - scores[1:], rtol=1e-4, atol=1e-4)


Command = Callable[..., str]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`python -m cgan.sample` in this process; returns what it printed."""

    def call(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["cgan.sample", *map(str, arguments)])
        cli.run(sample.main)
        return capsys.readouterr().out

    return call


def npz_samples(path: Path) -> np.ndarray:
    with np.load(path) as archive:
        return archive["samples"]


def test_the_command_draws_one_class_by_name_or_index(
    command: Command, points: Run, tmp_path: Path
) -> None:
    name = points.sampler.parts.source.class_names[3]
    for number, wanted in enumerate((name, "3")):
        out = tmp_path / f"{number}.npz"
        command(points.config.workdir, "--out", out, "--n", 12, "--class", wanted)
        expected = draw_samples(points, 12, 0, label=3)
        np.testing.assert_array_equal(npz_samples(out), expected)
    out = tmp_path / "walks.npz"
    command(points.config.workdir, "--out", out, "--n", 16, "--class", 3, "--interpolate")
    np.testing.assert_array_equal(npz_samples(out), draw_walks(points, 2, 8, 0, label=3))


def test_a_grid_has_a_row_for_each_class(command: Command, images: Run, tmp_path: Path) -> None:
    root = images.config.workdir
    command(root, "--out", tmp_path / "grid.png", "--seed", 7)
    labels = np.arange(10, dtype=np.int32).repeat(8)
    latents = images.sampler.latents(80, 7, "latents/samples")
    expected = images.sampler.generate(images.params, latents, labels)
    with Image.open(tmp_path / "grid.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), pictures.image_grid(expected, 8)[..., 0])
    images.sampler.snapshot(images.params, tmp_path / "snapshot.png", "")
    latents = images.sampler.latents(80, 0, "latents/snapshot")
    expected = images.sampler.generate(images.params, latents, labels)
    with Image.open(tmp_path / "snapshot.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), pictures.image_grid(expected, 8)[..., 0])


def test_many_classes_are_drawn_by_their_shares(
    images: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampler, "GRID_CLASSES", 9)
    assert images.sampler.picture_size == 64
    drawn = runs.draw_picture(images, 3)
    np.testing.assert_array_equal(drawn, draw_samples(images, 64, 3))


@pytest.mark.parametrize("labels", [True, False])
def test_a_class_that_the_run_does_not_have_is_one_message(
    command: Command,
    points: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    labels: bool,
) -> None:
    root, expected = points.config.workdir, r"class = '8': must be one of (1, 0), "
    if not labels:
        root = tmp_path / "plain"
        loop.train(Experiment(root, Data("ring8"), batch_size=8, total_nimg=8), jax.devices()[:1])
        expected = "class = '8': must be left out for this run, which learnt without labels"
    with pytest.raises(SystemExit) as stop:
        command(root, "--out", tmp_path / "samples.npz", "--class", "8")
    assert stop.value.code == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "samples.npz").exists()


def test_runs_without_labels_ask_for_no_classes(tmp_path: Path) -> None:
    parts = assemble(Experiment(tmp_path, Data("ring8")))
    assert parts.classes == 0
    assert sampler.Sampler(parts).labels(5, 0, "latents/samples") is None
