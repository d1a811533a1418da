"""Unpaired translation: the patch contrast, what the generator is given, the step, the command."""

import dataclasses
import io
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree
from PIL import Image

from cgan import networks, parallel
from cgan.assemble import Parts, assemble
from cgan.commands import translate
from cgan.config import (
    ConfigError,
    Data,
    Discriminator,
    Experiment,
    Generator,
    Optim,
    Penalty,
    Translation,
    from_json,
    to_json,
)
from cgan.data import load_source
from cgan.data.pipeline import batch_indices
from cgan.networks.translators import at_places, blocks_of, halvings
from cgan.objectives.patch_contrast import within_batch, within_picture
from cgan.rng import row_keys, stream_key
from cgan.sampling import runs
from cgan.sampling.sampler import Sampler
from cgan.training import loop
from cgan.translation.contrast import PatchContrast
from configs import CONFIGS
from tests.test_loop import ONE_DEVICE, rows, train_until

BATCH, TAU = 8, 0.2
FLAT = Discriminator("mlp", width=2, depth=1)
SMALL = Experiment(
    workdir=Path("runs/test"),
    data=Data("digits"),
    translation=Translation(
        "mnist_8x8", patch_weight=2.0, identity_weight=0.5, temperature=TAU, patches=9, dimensions=6
    ),
    generator=Generator(architecture="resnet", width=4),
    discriminator=Discriminator(architecture="conv", width=4, depth=1),
    penalty=Penalty(r1=0.1, r2=0.1),
    optim=Optim(ema_halflife_nimg=100),
    batch_size=BATCH,
    total_nimg=6 * BATCH,
    steps_per_dispatch=1,
    log_nimg=2 * BATCH,
    snapshot_nimg=6 * BATCH,
    checkpoint_nimg=4 * BATCH,
    probe_nimg=0,
)
OF_BATCH = dataclasses.replace(
    SMALL, translation=dataclasses.replace(SMALL.translation, negatives="batch")
)
KEPT_GRADIENTS = optax.GradientTransformation(
    lambda params: jax.tree.map(jnp.zeros_like, params),
    lambda gradients, kept, params: (jax.tree.map(jnp.zeros_like, gradients), gradients),
)


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    vectors = rng.normal(size=shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def told(query: np.ndarray, others: np.ndarray, own: int) -> float:
    """One place's loss, as equation 4 has it."""
    weights = np.exp(others.astype(np.float64) @ query.astype(np.float64) / TAU)
    return -np.log(weights[own] / weights.sum())


def written_plainly(queries: list[np.ndarray], keys: list[np.ndarray], batch: bool) -> np.ndarray:
    """The patch contrast of each picture, place by place."""
    found = []
    for query, key in zip(queries, keys, strict=True):
        n, places, _ = query.shape
        for picture in range(n):
            others = np.concatenate(key) if batch else key[picture]
            first = picture * places if batch else 0
            found.append(
                np.mean([told(query[picture, at], others, first + at) for at in range(places)])
            )
    return np.mean(np.reshape(found, (len(queries), -1)), axis=0)


def test_the_patch_contrast_is_its_formula() -> None:
    rng = np.random.default_rng(0)
    queries, keys = ([unit(rng, 3, places, 5) for places in (4, 7)] for _ in range(2))
    arrays = tuple(map(jnp.asarray, queries)), tuple(map(jnp.asarray, keys))
    within = within_picture(*arrays, TAU)
    np.testing.assert_allclose(within, written_plainly(queries, keys, batch=False), rtol=1e-5)
    whole = written_plainly(queries, keys, batch=True)
    np.testing.assert_allclose(within_batch(*arrays, jnp.arange(3), TAU), whole, rtol=1e-5)
    some = tuple(query[1:] for query in arrays[0])
    of_rows = within_batch(some, arrays[1], jnp.array([1, 2]), TAU)
    np.testing.assert_allclose(of_rows, whole[1:], rtol=1e-5)


def test_places_are_drawn_once_each_and_the_same_for_a_picture_and_its_translation() -> None:
    keys = row_keys(stream_key(0, "patches"), jnp.arange(3))
    numbers = jnp.arange(3 * 20.0).reshape(3, 4, 5, 1)
    drawn = np.asarray(at_places(numbers, keys, 8))[..., 0]
    assert drawn.shape == (3, 8)
    for row, places in enumerate(drawn - 20 * np.arange(3)[:, None]):
        assert len(set(places)) == 8, row
        assert places.min() >= 0, row
        assert places.max() < 20, row
    assert not np.array_equal(drawn[0], drawn[1] - 20)
    np.testing.assert_array_equal(at_places(-numbers, keys, 8)[..., 0], -drawn)
    np.testing.assert_array_equal(at_places(numbers, keys, 20)[..., 0], numbers.reshape(3, 20))


@pytest.mark.parametrize("architecture", ["resnet", "unet"])
@pytest.mark.parametrize(
    ("shape", "halved", "blocks"),
    [
        ((8, 8, 1), {"resnet": 1, "unet": 1}, 3),
        ((28, 28, 3), {"resnet": 1, "unet": 2}, 3),
        ((30, 15, 1), {"resnet": 0, "unet": 0}, 3),
        ((128, 128, 3), {"resnet": 2, "unet": 5}, 6),
        ((256, 256, 3), {"resnet": 2, "unet": 6}, 9),
    ],
)
def test_depth_follows_the_resolution(architecture, shape, halved, blocks) -> None:
    assert blocks_of(shape) == blocks
    players = {"generator": Generator(architecture, width=2), "discriminator": FLAT}
    pair = networks.build(dataclasses.replace(SMALL, **players), shape)
    params = jax.eval_shape(pair.init_generator, jax.random.key(0))
    levels = [name for name in params["trunk"] if name.startswith("up_")]
    assert len(levels) == halved[architecture]
    pictures = jax.ShapeDtypeStruct((2, *shape), "float32")
    made = jax.eval_shape(pair.generate, params, pictures)
    assert made.shape == (2, *shape)
    keys = jax.eval_shape(lambda: row_keys(jax.random.key(0), jnp.arange(2)))
    vectors = jax.eval_shape(lambda *given: pair.patch_vectors(*given, 256), params, pictures, keys)
    assert len(vectors) >= 2
    assert all(of.shape[0] == 2 and of.shape[1] <= 256 and of.shape[2] == 6 for of in vectors)


def test_halvings_stop_where_a_side_is_odd() -> None:
    assert halvings((12, 12, 1), 5) == 2
    assert halvings((12, 7, 1), 5) == 0


def test_a_translation_depends_on_no_other_picture() -> None:
    pair = networks.build(SMALL, (8, 8, 1))
    params = pair.init_generator(jax.random.key(1))
    pictures = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 1)), "float32")
    whole = jax.jit(pair.generate)(params, pictures)
    alone = jax.jit(pair.generate)(params, pictures[2:3])
    np.testing.assert_allclose(whole[2:3], alone, atol=1e-5)
    with pytest.raises(ConfigError, match="translates pictures, and has no latents"):
        pair.draw_latents(row_keys(jax.random.key(0), jnp.arange(2)))


def step_of(config: Experiment, num_devices: int, optimizer=None):
    """State and metrics after one dispatch."""
    parts = assemble(config)
    parts = parts if optimizer is None else parts._replace(optimizer=optimizer)
    devices = jax.devices()[:num_devices]
    step = parallel.replicated_step(parts.train_step(axis=parallel.DEVICES), devices)
    batches = parallel.shard(parts.dispatches()[0], devices)
    state, outcome = parallel.fetch(step(parallel.replicate(parts.init_state(), devices), batches))
    assert outcome.finite.all()
    return state, outcome.metrics


def relative_error(found, expected) -> float:
    found, expected = (ravel_pytree(tree)[0] for tree in (found, expected))
    return float(jnp.linalg.norm(found - expected) / jnp.linalg.norm(expected))


CONFIGS_OF = {"picture": SMALL, "batch": OF_BATCH}
of_each_kind = pytest.mark.parametrize("negatives", CONFIGS_OF)


@cache
def alone(negatives: str):
    """State and metrics on one device, whose optimiser's state are the gradients."""
    return step_of(CONFIGS_OF[negatives], 1, KEPT_GRADIENTS)


@pytest.mark.parametrize(
    ("negatives", "num_devices", "micro_batches"),
    [
        ("batch", 2, 2),
        ("picture", 2, 2),
        *(
            pytest.param(negatives, *split, marks=pytest.mark.slow)
            for negatives in CONFIGS_OF
            for split in ((8, 1), (1, 4))
        ),
    ],
)
def test_gradients_depend_neither_on_devices_nor_on_micro_batches(
    negatives: str, num_devices: int, micro_batches: int
) -> None:
    expected, metrics = alone(negatives)
    config = dataclasses.replace(CONFIGS_OF[negatives], micro_batches=micro_batches)
    state, found = step_of(config, num_devices, KEPT_GRADIENTS)
    for player in ("generator_optim", "discriminator_optim"):
        assert relative_error(getattr(state, player), getattr(expected, player)) < 1e-5
    for name in ("generator/patches", "generator/identity", "generator/loss"):
        np.testing.assert_allclose(found[name], metrics[name], rtol=1e-5)


@of_each_kind
def test_the_terms_are_those_of_the_pictures_that_were_given(negatives: str) -> None:
    """By the generator before its update, at the places that the step drew, in NumPy."""
    config = CONFIGS_OF[negatives]
    parts = assemble(config)
    pair, params = parts.networks, parts.init_state().generator
    batch, (_, metrics) = parts.dispatches()[0], alone(negatives)
    keys = row_keys(stream_key(config.seed, "patches", 0), jnp.arange(BATCH))
    vectors = jax.jit(lambda pictures: pair.patch_vectors(params, pictures, keys, 9))
    generate = jax.jit(lambda pictures: pair.generate(params, pictures))
    for name, stored, weight in (("patches", batch.given, 2.0), ("identity", batch.x, 0.5)):
        pictures = jnp.asarray(parts.source.encode(stored[0]))
        told_by, queries = (
            [*map(np.asarray, vectors(of))] for of in (pictures, generate(pictures))
        )
        expected = weight * written_plainly(queries, told_by, negatives == "batch").mean()
        np.testing.assert_allclose(metrics[f"generator/{name}"][0], expected, rtol=1e-4)


def test_without_weights_the_generator_is_tied_to_nothing() -> None:
    loose = Translation("mnist_8x8", patch_weight=0.0, identity_weight=0.0)
    contrast = PatchContrast(loose, networks.build(SMALL, (8, 8, 1)), lambda stored: stored)
    keys, pictures = row_keys(jax.random.key(0), jnp.arange(2)), jnp.zeros((2, 8, 8, 1))
    assert contrast.of_rows({}, keys, pictures, pictures, pictures) == ({}, {})


def test_what_is_given_is_read_in_epochs_of_its_own() -> None:
    parts = assemble(SMALL)
    given = load_source(Data("mnist_8x8"), "train")
    parts = parts._replace(config=dataclasses.replace(SMALL, steps_per_dispatch=2))
    batch = parts.dispatches()[3]
    rows_of_two = parts.dispatches(np.array([1, 6]))[3]
    np.testing.assert_array_equal(rows_of_two.given, batch.given[:, [1, 6]])
    np.testing.assert_array_equal(parts.dispatches()[3].given, batch.given)
    paired = batch_indices(len(given), BATCH, SMALL.seed, 6, 2)
    assert not np.array_equal(batch.given, given[paired.ravel()].x.reshape(batch.given.shape))
    epoch = -(-len(given) // (2 * BATCH))
    every = [parts.dispatches()[number].given.reshape(-1, 64) for number in range(epoch)]
    seen = np.concatenate(every)[: len(given)]
    whole = given[np.arange(len(given))].x.reshape(-1, 64)
    np.testing.assert_array_equal(seen[np.lexsort(seen.T)], whole[np.lexsort(whole.T)])


def test_samples_are_of_each_held_out_picture_before_any_comes_again() -> None:
    parts = assemble(SMALL)
    assert parts.given is not None
    size = len(parts.given.held_out)
    numbers = parts.given.rows(np.arange(2 * size + 3), 5, "latents/samples")
    assert sorted(numbers[:size]) == sorted(numbers[size : 2 * size]) == [*range(size)]
    assert not np.array_equal(numbers[:size], numbers[size : 2 * size])
    np.testing.assert_array_equal(parts.given.rows(np.arange(4), 5, "latents/samples"), numbers[:4])
    latents = np.asarray(Sampler(parts).latents(3, 5, "latents/samples"))
    held_out = load_source(Data("mnist_8x8"), "test")
    expected = held_out.encode(held_out[numbers[:3]].x)
    np.testing.assert_array_equal(latents, expected)


@pytest.fixture(scope="module")
def run_folder(one_step: None, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("translated") / "run"
    loop.train(dataclasses.replace(SMALL, workdir=folder), ONE_DEVICE)
    return folder


def test_a_run_goes_on_bit_for_bit(run_folder: Path, tmp_path: Path, monkeypatch) -> None:
    config = dataclasses.replace(SMALL, workdir=tmp_path / "cut")
    train_until(config, 6 * BATCH, monkeypatch)
    state = loop.train(config, ONE_DEVICE)
    whole = runs.restore_run(run_folder).state
    for leaf, expected in zip(jax.tree.leaves(state), jax.tree.leaves(whole), strict=True):
        np.testing.assert_array_equal(leaf, expected)
    assert rows(config) == rows(dataclasses.replace(config, workdir=run_folder))
    assert from_json(to_json(config)) == config


def test_a_picture_of_a_run_has_translations_below_what_they_are_of(run_folder: Path) -> None:
    run = runs.load_run(run_folder)
    shown = runs.draw_picture(run, seed=3).reshape(8, 8, 8, 8, 1)
    latents = np.asarray(run.sampler.latents(32, 3, "latents/samples"))
    made = run.sampler.generate(run.params, latents).reshape(4, 8, 8, 8, 1)
    np.testing.assert_array_equal(shown[1::2], made)
    np.testing.assert_array_equal(
        shown[::2], run.sampler.parts.source.decode(latents).reshape(4, 8, 8, 8, 1)
    )
    with pytest.raises(ConfigError, match=r"^interpolate = True: must be left out"):
        runs.draw_walks(run, 2, 4, seed=0)


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "png")
    return content.getvalue()


def test_the_command_translates_a_folder_by_its_names(run_folder: Path, tmp_path: Path) -> None:
    held_out = load_source(Data("mnist_8x8"), "test")
    stored = held_out[np.arange(3)].x
    pictures = tmp_path / "in"
    (pictures / "more").mkdir(parents=True)
    for name, image in zip(("a.png", "b.png", "more/c.png"), stored, strict=True):
        (pictures / name).write_bytes(png(image[..., 0]))
    out = tmp_path / "out"
    translate.main([str(run_folder), str(pictures), str(out)])
    run = runs.load_run(run_folder)
    expected = run.sampler.generate(run.params, np.asarray(held_out.encode(stored)))
    for name, image in zip(("a.png", "b.png", "more/c.png"), expected, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(out / name)), image[..., 0])
    translate.main([str(run_folder), str(pictures / "a.png"), str(tmp_path / "one")])
    one = np.asarray(Image.open(tmp_path / "one" / "a.png"))
    np.testing.assert_allclose(one, expected[0, ..., 0], atol=1)


def test_the_command_refuses_what_it_cannot_translate(run_folder: Path, tmp_path: Path) -> None:
    def refused(pictures: Path, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            translate.main([str(run_folder), str(pictures), str(tmp_path / "out")])

    pictures = tmp_path / "in"
    refused(pictures, "^pictures = .*in': is not there: .*; must be a folder or a .zip")
    pictures.mkdir()
    refused(pictures, "^pictures = .*must be a picture, or a folder or a .zip file of pictures")
    (pictures / "a.png").write_bytes(b"nothing")
    refused(pictures, "a.png: is no PNG, JPEG, WebP or BMP image; must be a picture")
    (pictures / "a.jpg").write_bytes(b"nothing")
    refused(pictures, "several would be written to a.png; must have names that differ")
    assert not (tmp_path / "out").exists()


def test_pictures_of_another_form_are_refused_before_anything_is_compiled() -> None:
    config = dataclasses.replace(SMALL, translation=Translation("mnist_5k"))
    parts: Parts = assemble(config)
    assert parts.given is not None
    with pytest.raises(ConfigError, match=r"its pictures are of \(28, 28, 1\), those of data of"):
        parts.given.check(Path("runs/test"))


def test_pictures_of_another_source_of_files_are_read_in_the_targets_form() -> None:
    target = Data("tfds", name="x", resolution=64, channels=3, background="black")
    given = Translation("folder", path=Path("given")).inputs(target)
    assert given == Data(
        "folder", path=Path("given"), resolution=64, channels=3, background="black"
    )
    assert Translation("mnist_8x8").inputs(target) == Data("mnist_8x8")


PRESETS = ("translate_digits", "horse2zebra", "day2night128", "day2night256")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_translates_from_one_data_set_to_another(name: str) -> None:
    config = CONFIGS[name]
    given = config.translation.inputs(config.data)
    assert config.generator.translates
    assert given != config.data
    assert (given.resolution, given.channels) == (config.data.resolution, config.data.channels)
    assert given.limit is None
    assert from_json(to_json(config)) == config


def test_horses_and_zebras_are_read_from_their_own_splits(tmp_path: Path, monkeypatch) -> None:
    from tests.tfds_sets import prepare  # loads tensorflow-datasets

    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    splits = ("trainA", "trainB", "testA", "testB")
    images = {split: rng.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8) for split in splits}
    made = prepare(tmp_path, "stand_in_horses", images, None, ())
    preset = CONFIGS["horse2zebra"]
    data = dataclasses.replace(preset.data, name=made, data_dir=tmp_path, resolution=16)
    shallow = dataclasses.replace(preset.discriminator, depth=4)
    parts = assemble(dataclasses.replace(preset, data=data, discriminator=shallow))
    assert parts.given is not None
    parts.given.check(tmp_path / "run")
    for source, split in (
        (parts.given.train, "trainA"),
        (parts.source, "trainB"),
        (parts.given.held_out, "testA"),
    ):
        found = np.asarray(source[np.arange(12)].x).reshape(12, -1)
        expected = images[split].reshape(12, -1)
        np.testing.assert_array_equal(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])


@pytest.mark.slow
def test_day_to_night_takes_a_step_on_folders_of_its_size(tmp_path: Path) -> None:
    """On pictures of noise, 128 pixels a side: that it runs, not that it learns."""
    rng = np.random.default_rng(0)
    for folder in ("day", "night"):
        (tmp_path / folder).mkdir()
        for number in range(12):
            noise = rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)
            (tmp_path / folder / f"{number}.png").write_bytes(png(noise))
    preset = CONFIGS["day2night128"]
    config = dataclasses.replace(
        preset,
        workdir=tmp_path / "run",
        data=dataclasses.replace(preset.data, path=tmp_path / "night"),
        translation=dataclasses.replace(preset.translation, path=tmp_path / "day"),
        batch_size=2,
        total_nimg=2,
        probe_nimg=0,
    )
    loop.train(config, ONE_DEVICE)
    translate.main([str(config.workdir), str(tmp_path / "day"), str(tmp_path / "out")])
    assert np.asarray(Image.open(tmp_path / "out" / "3.png")).shape == (128, 128, 3)
