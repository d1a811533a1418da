"""Samples of a run on disk: which weights, which latents, and the files of `cgan.sample`."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from scipy.spatial import geometric_slerp

from cgan.assemble import assemble
from cgan.commands import sample
from cgan.config import ConfigError, Data, Discriminator, Experiment, Generator, Optim, Penalty
from cgan.rng import row_keys, stream_key
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.sampling import pictures, sampler
from cgan.sampling.interpolation import great_circle_walks, straight_walks
from cgan.sampling.runs import Run, draw_samples, load_run
from cgan.sampling.sampler import CHUNK, chunk_size
from cgan.state import TrainState
from cgan.system import cli
from cgan.training import loop
from configs import CONFIGS

LATENT_DIM = 3


class Trained(NamedTuple):
    root: Path
    final: TrainState


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Points: three steps of training, fast enough to leave the average behind the weights."""
    root = tmp_path_factory.mktemp("points") / "run"
    config = Experiment(
        workdir=root,
        data=Data("ring8"),
        generator=Generator(latent_dim=LATENT_DIM, width=8, depth=1),
        discriminator=Discriminator(width=8, depth=1),
        penalty=Penalty(r1=0.0, r2=0.0),
        optim=Optim(lr=0.3),
        batch_size=8,
        total_nimg=24,
        log_nimg=8,
        snapshot_nimg=24,
        checkpoint_nimg=8,
    )
    return Trained(root, loop.train(config, devices=jax.devices()[:1]))


@pytest.fixture(scope="module")
def run(trained: Trained) -> Run:
    return load_run(trained.root)


@pytest.fixture(scope="module")
def image_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Images of one channel."""
    return tiny_images(tmp_path_factory.mktemp("images") / "run", Data("digits"))


def tiny_images(root: Path, data: Data) -> Run:
    """Images: an untrained state, whose average is set apart from its weights."""
    config = Experiment(
        workdir=root,
        data=data,
        generator=Generator(latent_dim=4, width=8, depth=1),
        discriminator=Discriminator(width=8, depth=1),
    )
    workdir, state = Workdir(root), assemble(config).init_state()
    workdir.create(config)
    with Checkpoints(workdir.checkpoints) as checkpoints:
        average = jax.tree.map(lambda leaf: leaf * 2 + 0.1, state.generator)
        checkpoints.save(640, state._replace(generator_ema=average))
    return load_run(root)


def latents(n: int, seed: int, dim: int = LATENT_DIM) -> np.ndarray:
    """Normal latents of the stream of samples, row by row."""
    keys = row_keys(stream_key(seed, "latents/samples"), jnp.arange(n))
    return np.stack([np.asarray(jax.random.normal(key, (dim,))) for key in keys])


def by_hand(params: Any, z: np.ndarray, scale: float) -> np.ndarray:
    """The points that an MLP with one hidden layer makes."""
    first, last = params["trunk"]["layer_0"], params["head"]["out"]
    hidden = z.astype(float) @ np.asarray(first["kernel"]) + np.asarray(first["bias"])
    hidden = np.where(hidden > 0, hidden, 0.2 * hidden)
    return (hidden @ np.asarray(last["kernel"]) + np.asarray(last["bias"])) * scale


def test_samples_are_what_the_averaged_weights_make_of_the_latents(
    trained: Trained, run: Run
) -> None:
    scale = run.sampler.parts.source.scale  # type: ignore[attr-defined]
    z = latents(6, seed=5)
    samples = draw_samples(run, 6, seed=5)
    averaged = by_hand(trained.final.generator_ema, z, scale)
    raw = by_hand(trained.final.generator, z, scale)
    np.testing.assert_allclose(samples, averaged, rtol=1e-4, atol=1e-5)
    assert np.abs(averaged - raw).max() > 1e-3
    assert samples.dtype == np.float32


def test_the_newest_checkpoint_is_the_default_and_others_can_be_named(trained: Trained) -> None:
    newest, first = load_run(trained.root), load_run(trained.root, 8)
    assert (newest.nimg, first.nimg) == (24, 8)
    jax.tree.map(np.testing.assert_array_equal, newest.params, trained.final.generator_ema)
    assert np.abs(draw_samples(newest, 4, 0) - draw_samples(first, 4, 0)).max() > 1e-3
    assert newest.data == Data("ring8")


def test_a_checkpoint_that_does_not_exist_is_refused(trained: Trained) -> None:
    with pytest.raises(ConfigError, match=r"^checkpoint 7: not in .*; it holds 8, 16, 24$"):
        load_run(trained.root, 7)


def test_the_same_seed_gives_the_same_samples_and_another_seed_others(run: Run) -> None:
    first = draw_samples(run, 20, seed=1)
    np.testing.assert_array_equal(draw_samples(run, 20, seed=1), first)
    other = draw_samples(run, 20, seed=2)
    assert np.abs(other - first).max(axis=1).min() > 0


def test_the_first_samples_do_not_depend_on_how_many_there_are(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampler, "CHUNK", 16)
    many = draw_samples(run, 50, seed=3)
    assert many.shape == (50, 2)
    assert len(np.unique(many, axis=0)) == 50
    for n in (1, 16, 17):
        np.testing.assert_allclose(draw_samples(run, n, seed=3), many[:n], rtol=1e-5, atol=1e-6)


def test_networks_that_train_in_micro_batches_sample_a_few_of_those_at_once() -> None:
    config = CONFIGS["digits"]
    assert chunk_size(config) == CHUNK
    assert chunk_size(replace(config, micro_batches=16)) == 16
    assert chunk_size(replace(config, micro_batches=2, batch_size=2**12)) == CHUNK


def test_samples_of_images_are_pixels(image_run: Run) -> None:
    images = draw_samples(image_run, 5, seed=0)
    assert images.shape == (5, 8, 8, 1)
    assert images.dtype == np.uint8
    assert images.std() > 10


@pytest.mark.parametrize("dim", [2, 3, 64])
def test_walks_between_unit_vectors_are_great_circles(dim: int) -> None:
    ends = np.random.default_rng(dim).normal(size=(6, dim))
    ends /= np.linalg.norm(ends, axis=1, keepdims=True)
    walks = great_circle_walks(ends, 7).reshape(3, 7, dim)
    for walk, start, stop in zip(walks, ends[0::2], ends[1::2], strict=True):
        expected = geometric_slerp(start, stop, np.linspace(0, 1, 7))
        np.testing.assert_allclose(walk, expected, atol=1e-9)


def test_walks_start_and_stop_at_their_ends_and_keep_the_length_of_latents() -> None:
    ends = np.random.default_rng(0).normal(size=(10, 64))
    walks = great_circle_walks(ends, 8).reshape(5, 8, 64)
    np.testing.assert_allclose(walks[:, 0], ends[0::2], atol=1e-12)
    np.testing.assert_allclose(walks[:, -1], ends[1::2], atol=1e-12)
    # A straight line would fall to 0.7 of it half-way.
    assert np.linalg.norm(walks, axis=-1).min() > 0.85 * np.linalg.norm(ends, axis=-1).min()


def test_walks_between_parallel_or_opposite_ends_are_straight() -> None:
    v = np.array([3.0, 4.0])
    ends = np.stack([v, v, v, -v, v, 2 * v])
    walks = great_circle_walks(ends, 3).reshape(3, 3, 2)
    np.testing.assert_allclose(walks[0], [v, v, v])
    np.testing.assert_allclose(walks[1], [v, 0 * v, -v], atol=1e-12)
    np.testing.assert_allclose(walks[2], [v, 1.5 * v, 2 * v])


def test_straight_walks_stay_in_the_box_of_uniform_latents() -> None:
    ends = np.random.default_rng(0).uniform(-1, 1, size=(40, 2))
    walks = straight_walks(ends, 5).reshape(20, 5, 2)
    for walk, start, stop in zip(walks, ends[0::2], ends[1::2], strict=True):
        np.testing.assert_allclose(walk, np.linspace(start, stop, 5), atol=1e-12)
    assert np.abs(walks).max() <= np.abs(ends).max()


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
        assert archive.files == ["samples"]
        return archive["samples"]


def test_the_command_writes_the_samples_of_its_seed(
    command: Command, trained: Trained, run: Run, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "samples.npz"
    said = command(trained.root, "--out", out, "--n", 20, "--seed", 9)
    assert said == f"20 samples of {trained.root} at 24 images: {out}\n"
    np.testing.assert_array_equal(npz_samples(out), draw_samples(run, 20, seed=9))
    assert [path.name for path in out.parent.iterdir()] == ["samples.npz"]


def test_the_command_takes_the_named_checkpoint(
    command: Command, trained: Trained, tmp_path: Path
) -> None:
    out = tmp_path / "samples.npz"
    assert " at 8 images: " in command(trained.root, "--out", out, "--n", 4, "--checkpoint", 8)
    np.testing.assert_array_equal(npz_samples(out), draw_samples(load_run(trained.root, 8), 4, 0))


def test_interpolation_walks_from_one_sample_of_the_seed_to_the_next(
    command: Command, trained: Trained, run: Run, tmp_path: Path
) -> None:
    out = tmp_path / "walks.npz"
    command(trained.root, "--out", out, "--n", 24, "--seed", 4, "--interpolate")
    walks, ends = npz_samples(out).reshape(3, 8, 2), draw_samples(run, 6, seed=4)
    np.testing.assert_allclose(walks[:, 0], ends[0::2], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(walks[:, -1], ends[1::2], rtol=1e-4, atol=1e-5)
    steps = np.linalg.norm(np.diff(walks, axis=1), axis=-1).max(axis=1)
    assert (steps < np.linalg.norm(ends[0::2] - ends[1::2], axis=-1) + 1e-3).all()


@pytest.mark.parametrize(("interpolate", "columns"), [([], 8), (["--interpolate"], 8)])
def test_a_picture_of_images_is_the_grid_of_the_samples(
    command: Command, image_run: Run, tmp_path: Path, interpolate: list[str], columns: int
) -> None:
    root = image_run.config.workdir
    command(root, "--out", tmp_path / "grid.png", "--n", 16, *interpolate)
    command(root, "--out", tmp_path / "grid.npz", "--n", 16, *interpolate)
    with Image.open(tmp_path / "grid.png") as picture:
        pixels = np.asarray(picture)
    images = npz_samples(tmp_path / "grid.npz")
    assert images.shape == (16, 8, 8, 1)
    np.testing.assert_array_equal(pixels, pictures.image_grid(images, columns)[..., 0])


@pytest.mark.parametrize("interpolate", [[], ["--interpolate"]])
def test_a_picture_of_channels_is_the_grid_of_the_samples_and_theirs(
    command: Command, tmp_path: Path, interpolate: list[str]
) -> None:
    run = tiny_images(tmp_path / "run", Data("stacked_digits"))
    root = run.config.workdir
    command(root, "--out", tmp_path / "grid.png", "--n", 16, "--split-channels", *interpolate)
    command(root, "--out", tmp_path / "grid.npz", "--n", 16, *interpolate)
    with Image.open(tmp_path / "grid.png") as picture:
        pixels = np.asarray(picture)
    apart = pictures.beside_its_channels(npz_samples(tmp_path / "grid.npz"))
    np.testing.assert_array_equal(pixels, pictures.image_grid(apart, 8 if interpolate else 4))


def test_channels_are_drawn_of_images_that_have_three(
    image_run: Run, trained: Trained, tmp_path: Path
) -> None:
    out = tmp_path / "grid.png"
    for root in (image_run.config.workdir, trained.root):
        expected = rf"split_channels = True: must be False: samples of {root} are not images of 3"
        with pytest.raises(ConfigError, match=expected):
            sample.main([str(root), "--out", str(out), "--split-channels"])
    with pytest.raises(ConfigError, match=r"out = '.*npz': must be a \.png file with --split"):
        sample.main([str(image_run.config.workdir), "--out", "a.npz", "--split-channels"])
    assert not out.exists()


@pytest.mark.parametrize("interpolate", [[], ["--interpolate"]])
def test_a_picture_of_points_is_a_scatter(
    command: Command, trained: Trained, tmp_path: Path, interpolate: list[str]
) -> None:
    command(trained.root, "--out", tmp_path / "points.png", *interpolate)
    with Image.open(tmp_path / "points.png") as picture:
        assert picture.size == (600, 600)
        assert np.asarray(picture.convert("L")).std() > 5


def test_snapshots_show_the_same_latents_at_every_point_of_a_run(
    run: Run, image_run: Run, tmp_path: Path
) -> None:
    for number, (chosen, size) in enumerate([(run, None), (image_run, 64)]):
        paths = [tmp_path / f"{number}-{copy}.png" for copy in range(2)]
        for path in paths:
            chosen.sampler.snapshot(chosen.params, path, "a title")
        assert paths[0].read_bytes() == paths[1].read_bytes()
        if size:
            images = chosen.sampler.generate(
                chosen.params, chosen.sampler.latents(size, 0, "latents/snapshot")
            )
            with Image.open(paths[0]) as picture:
                np.testing.assert_array_equal(
                    np.asarray(picture), pictures.image_grid(images, 8)[..., 0]
                )
