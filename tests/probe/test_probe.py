"""A probe of players that are known: what it looks at, and that it looks at nothing else."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan import parallel
from cgan.assemble import assemble
from cgan.config import (
    Conditioning,
    Data,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
    Objective,
    Penalty,
)
from cgan.data import load_source
from cgan.data.decoded import DecodedImages
from cgan.kinds import IMAGE
from cgan.probe import Probe, fixed_splits, reals
from cgan.probe.columns import (
    COVERAGE,
    DUPLICATES,
    EFFECTIVE,
    HELD_OUT_GAP,
    MODES,
    SCORE_GAP,
    UNCOVERED,
)
from cgan.probe.measures import measure, reference
from cgan.probe.space import coordinates
from cgan.probe.uncovered import uncovered
from cgan.sampling.sampler import Sampler
from cgan.state import TrainState

CONFIG = Experiment(
    workdir=Path("none"),
    data=Data("digits"),
    conditioning=Conditioning(labels=True, dimensions=4),
    generator=Generator(latent_dim=4, width=8, depth=1),
    discriminator=Discriminator(width=8, depth=1, spectral_norm=True),
    batch_size=160,
    seed=3,
)


def assembled(config):
    """An experiment's parts, and its players before training: all that a probe looks at."""
    parts = assemble(config)
    generator = parts.networks.init_generator(jax.random.key(1))
    discriminator, stats = parts.networks.init_discriminator(jax.random.key(2))
    nothing = dict.fromkeys(TrainState._fields) | {"learnt": parts.game.init()}
    players = {"generator": generator, "generator_ema": generator, "discriminator": discriminator}
    return parts, TrainState(**nothing | players | {"discriminator_stats": stats})


def looked(parts, state, devices=1):
    """The figures of a state."""
    devices = jax.devices()[:devices]
    probe = Probe(parts, fixed_splits(parts), devices)
    return probe.figures(parallel.fetch(probe.look(parallel.replicate(state, devices))))


def averaged(state):
    """Another averaged generator than the one in training."""
    scaled = jax.tree.map(lambda leaf: 1.7 * leaf + 0.05, state.generator)
    return state._replace(generator_ema=scaled)


@pytest.fixture(scope="module")
def whole():
    """Parts, state, reals, and what a probe finds."""
    parts, state = assembled(CONFIG)
    state = averaged(state)
    return parts, state, fixed_splits(parts), looked(parts, state)


def asked(parts):
    sampler = Sampler(parts)
    labels = sampler.labels(512, CONFIG.seed, "latents/probe")
    return sampler.latents(512, CONFIG.seed, "latents/probe"), jnp.asarray(labels)


def test_it_looks_at_fixed_latents_through_the_averaged_generator(whole):
    parts, state, splits, figures = whole
    train, held_out = (coordinates(jnp.asarray(parts.source.encode(of.x)), IMAGE) for of in splits)
    known = reference(parts.source, np.asarray(train), np.asarray(held_out))
    fakes = parts.networks.generate(state.generator_ema, *asked(parts))
    found, of_reals = (
        parallel.fetch(measure(of, known)) for of in (coordinates(fakes, IMAGE), train)
    )
    assert figures[COVERAGE] == pytest.approx(found.captured / of_reals.captured, rel=1e-4)
    assert figures[EFFECTIVE] == pytest.approx(found.effective / of_reals.effective, rel=1e-4)
    assert figures[DUPLICATES] == pytest.approx(found.duplicates, abs=0.003)


def test_gaps_are_of_mean_scores_on_both_splits_as_the_classes_that_they_are(whole):
    parts, state, splits, figures = whole
    latents, labels = asked(parts)
    assert set(labels.tolist()) == set(range(10))

    def mean_score(samples, labels):
        players = state.discriminator, state.discriminator_stats
        said = parts.networks.discriminate(*players, jnp.asarray(samples), jnp.asarray(labels))
        return float(said.score.mean())

    train, held_out = (
        mean_score(parts.source.encode(of.x[:128]), of.labels[:128]) for of in splits
    )
    fakes = parts.networks.generate(state.generator_ema, latents[:128], labels[:128])
    fake = mean_score(fakes, labels[:128])
    assert figures[SCORE_GAP] == pytest.approx(train - fake, abs=1e-5)
    assert figures[HELD_OUT_GAP] == pytest.approx(train - held_out, abs=1e-5)
    others = mean_score(parts.source.encode(splits.train.x[:128]), labels[:128])
    assert others != pytest.approx(train, abs=1e-3)


def test_the_reals_are_of_each_split_and_the_same_in_every_run(whole):
    parts, _, splits, _ = whole
    assert (len(splits.train.x), len(splits.held_out.x)) == (512, 360)  # all that are held out
    held_out = load_source(CONFIG.data, "test")
    for of, source in ((splits.train, parts.source), (splits.held_out, held_out)):
        known = {image.tobytes() for image in source.images}
        chosen = [image.tobytes() for image in of.x]
        assert set(chosen) <= known
        assert len(set(chosen)) >= len({image.tobytes() for image in source.images}) * 0.3
    again = fixed_splits(assemble(dataclasses.replace(CONFIG, seed=9)))
    assert np.array_equal(again.train.x, splits.train.x)


def test_figures_do_not_depend_on_devices_and_memory(whole):
    parts, state, _, figures = whole
    parts = parts._replace(config=dataclasses.replace(CONFIG, micro_batches=4))
    assert looked(parts, state, devices=4) == pytest.approx(figures, rel=1e-4, abs=1e-5)


def test_a_constant_generator_is_one_sample_that_repeats(whole):
    parts, state, *_ = whole
    constant = jax.tree.map(jnp.zeros_like, state.generator_ema)
    figures = looked(parts, state._replace(generator_ema=constant))
    assert figures[DUPLICATES] == 1
    assert figures[EFFECTIVE] < 0.01
    assert figures[COVERAGE] < 0.05


def test_real_samples_are_healthy(whole):
    """Of a generator that draws train reals, whatever its parameters are."""
    parts, state, *_ = whole
    drawn = jnp.asarray(parts.source.encode(parts.source.images))

    def draw(params, latents, labels=None):
        return drawn[jnp.abs(latents[:, 0] * 1e6).astype(int) % len(drawn)]

    parts = parts._replace(networks=parts.networks._replace(generate=draw))
    figures = looked(parts, state)
    assert 0.9 < figures[COVERAGE] < 1.05
    assert 0.5 < figures[EFFECTIVE] < 1.1  # some are drawn more than once
    assert figures[DUPLICATES] > 0.2


def test_points_are_told_by_their_modes_and_a_run_without_scores_has_no_gaps():
    config = Experiment(
        CONFIG.workdir,
        Data("ring8"),
        generator=Generator(latent_dim=2, width=8, depth=1),
        discriminator=Discriminator(width=8, depth=1),
        objective=Objective(weight=0.0),
        embedding=Embedding(1.0),
        penalty=Penalty(0.0, 0.0),
        batch_size=512,
    )
    figures = looked(*assembled(config))
    assert set(figures) == {MODES, EFFECTIVE, DUPLICATES, UNCOVERED}
    assert 0 <= figures[MODES] < 0.6


@pytest.fixture(scope="module")
def embedding():
    """Parts and state of a run with both heads, whose embedding learns its temperature."""
    learnt = Embedding(1.0, temperature=0.2, temperature_bounds=(0.05, 1.0), dimensions=6)
    return assembled(dataclasses.replace(CONFIG, embedding=learnt, penalty=Penalty(0.0, 0.0)))


@pytest.mark.parametrize("devices", [1, 4])
def test_reals_without_a_near_fake_are_counted_by_the_discriminators_embedding(embedding, devices):
    parts, state = embedding
    state = averaged(state)
    state.learnt["embedding"]["log_temperature"] = jnp.log(0.3)
    figures = looked(parts, state, devices)
    latents, labels = asked(parts)
    splits = fixed_splits(parts)

    def embed(samples, labels):
        players = state.discriminator, state.discriminator_stats
        said = parts.networks.discriminate(*players, jnp.asarray(samples), jnp.asarray(labels))
        return said.embedding

    fakes = embed(parts.networks.generate(state.generator_ema, latents, labels), labels)
    train, held_out = (embed(parts.source.encode(of.x), of.labels) for of in splits)
    expected = uncovered(train, fakes[:180], held_out, 0.3)
    assert figures[UNCOVERED] == pytest.approx(float(expected.share), abs=0.003)
    at_start = uncovered(train, fakes[:180], held_out, 0.2)
    assert float(at_start.bound) != pytest.approx(float(expected.bound), abs=1e-3)
    alone, _ = assembled(dataclasses.replace(CONFIG, penalty=Penalty(0.0, 0.0)))
    assert UNCOVERED not in looked(alone, assembled(CONFIG)[1], devices)


def test_a_generator_of_reals_leaves_few_of_them_uncovered(embedding):
    parts, state = embedding
    held_out = load_source(CONFIG.data, "test")
    drawn = jnp.asarray(held_out.encode(held_out.images))

    def draw(params, latents, labels=None):
        return drawn[jnp.abs(latents[:, 0] * 1e6).astype(int) % len(drawn)]

    parts = parts._replace(networks=parts.networks._replace(generate=draw))
    assert looked(parts, state)[UNCOVERED] < 0.1
    constant = parts.networks._replace(generate=lambda *_: drawn[jnp.zeros(len(_[1]), int)])
    assert looked(parts._replace(networks=constant), state)[UNCOVERED] > 0.3


def images(count, side=8):
    pixels = np.random.default_rng(0).integers(256, size=(count, side, side, 1), dtype=np.uint8)
    unknown = np.zeros((count, 32), np.uint8)
    return DecodedImages("noise", pixels, np.zeros(count, np.int32), (), 0, unknown)


@pytest.mark.parametrize(("train", "held_out", "enough"), [(64, 64, True), (64, 63, False)])
def test_too_few_reals_are_not_probed(train, held_out, enough, monkeypatch):
    parts = assemble(CONFIG)._replace(source=images(train))
    monkeypatch.setattr(reals, "load_held_out", lambda data, train: images(held_out))
    assert (fixed_splits(parts) is not None) == enough


def test_very_large_images_are_fewer(monkeypatch):
    monkeypatch.setattr(reals, "BYTES_AT_MOST", 100 * 64)
    assert len(reals.fixed_reals(images(200), CONFIG).x) == 100


def test_reals_are_mirrored_where_training_mirrors_them():
    data = Data("folder", path=Path("x"), flip=True)
    mirrored = reals.fixed_reals(images(300), dataclasses.replace(CONFIG, data=data)).x
    plain = reals.fixed_reals(images(300), CONFIG).x
    same = (mirrored == plain).all(axis=(1, 2, 3))
    assert 0.4 < same.mean() < 0.6
    assert np.array_equal(mirrored[~same], plain[~same][:, :, ::-1])


def test_pieces_have_one_length_and_hold_all_rows_in_order():
    pieces = [
        piece["rows"].tolist() for piece in parallel.chunks({"rows": np.arange(6), "no": None}, 4)
    ]
    assert pieces == [[0, 1, 2, 3], [4, 5, 0, 1]]
    (only,) = parallel.chunks(np.arange(3), size=8)
    assert only.tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
