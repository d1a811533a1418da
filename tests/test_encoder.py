"""The first half of a translating generator as a discriminator's trunk, to be pretrained for it."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from cgan import networks
from cgan.assemble import assemble
from cgan.config import ConfigError, Data, Descent, Discriminator, Generator, Pretext, Pretraining
from cgan.pretext.runs import restore_pretraining
from cgan.training import loop, start
from tests.test_translation import BATCH, SMALL

PUZZLES = Pretraining(
    workdir=Path("runs/test"),
    data=Data("digits"),
    pretext=Pretext(task="jigsaw"),
    generator=Generator(),
    discriminator=Discriminator(architecture="resnet", width=4),
    optim=Descent(lr=1e-2),
    batch_size=BATCH,
    total_nimg=4 * BATCH,
    steps_per_dispatch=1,
    log_nimg=4 * BATCH,
    snapshot_nimg=4 * BATCH,
    checkpoint_nimg=4 * BATCH,
)


LEVELS = {"resnet": [f"level_{n}" for n in range(4)], "unet": [f"level_{n}" for n in range(3)]}
"""The taps of both halves, of pictures of 16x16: halvings, and of resnet two of its blocks."""


@pytest.mark.parametrize("architecture", ["resnet", "unet"])
def test_an_encoder_is_the_first_half_of_its_generator(architecture) -> None:
    encoder = Discriminator(architecture, width=4)
    config = dataclasses.replace(
        SMALL, generator=Generator(architecture, width=4), discriminator=encoder
    )
    shape = (16, 16, 3)
    pair = networks.build(config, shape)
    generator = pair.init_generator(jax.random.key(0))
    discriminator, stats = pair.init_discriminator(jax.random.key(1))
    ours, theirs = generator["trunk"], discriminator["trunk"]
    assert theirs.keys() < ours.keys()
    assert jax.tree.map(jnp.shape, theirs) == {
        name: jax.tree.map(jnp.shape, ours[name]) for name in theirs
    }
    assert all(name.startswith("up_") for name in ours.keys() - theirs.keys() - {"block_2"})
    taken = discriminator | {"trunk": {name: ours[name] for name in theirs}}
    pictures = jax.random.uniform(jax.random.key(2), (2, *shape), minval=-1, maxval=1)
    for name in LEVELS[architecture]:
        seen = pair.features(taken, stats, pictures, name)
        of_generator = pair.generator_features(generator, pictures, tap=name)
        np.testing.assert_allclose(seen, of_generator, rtol=1e-5, atol=1e-5)
    features = np.asarray(pair.features(taken, stats, pictures)).reshape(2, 16, -1)
    np.testing.assert_allclose(features.mean(axis=1), seen.mean(axis=(1, 2)), atol=1e-5)


def test_a_generator_starts_from_an_encoder_that_solved_puzzles(tmp_path: Path) -> None:
    loop.train(dataclasses.replace(PUZZLES, workdir=tmp_path / "puzzles"))
    learnt = restore_pretraining(tmp_path / "puzzles").state.discriminator["trunk"]
    config = dataclasses.replace(
        SMALL, workdir=tmp_path / "run", init_from=tmp_path / "puzzles", init_players="encoder"
    )
    parts = assemble(config)
    fresh = jax.device_get(parts.init_state())
    state = start.begin(parts, fresh)
    for name, layer in state.generator["trunk"].items():
        drawn = fresh.generator["trunk"][name]
        jax.tree.map(np.testing.assert_array_equal, layer, learnt.get(name, drawn))
        moved = not np.array_equal(ravel_pytree(layer)[0], ravel_pytree(drawn)[0])
        assert moved == (name in learnt), name
    jax.tree.map(np.testing.assert_array_equal, state.generator_ema, state.generator)
    jax.tree.map(np.testing.assert_array_equal, state.discriminator, fresh.discriminator)


def test_an_encoder_of_another_architecture_is_refused_though_some_of_it_fits(
    tmp_path: Path,
) -> None:
    conv = Discriminator(architecture="conv", width=4, depth=1)
    other = tmp_path / "other"
    loop.train(dataclasses.replace(PUZZLES, workdir=other, discriminator=conv))
    config = dataclasses.replace(
        SMALL, workdir=tmp_path / "run", init_from=other, init_players="encoder"
    )
    parts = assemble(config)
    with pytest.raises(ConfigError, match="its discriminator is 'conv'; must be 'resnet' with"):
        start.read(parts)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"init_parts": "head"}, "^init_parts = 'head': must be 'all' or 'trunk' with"),
        ({"init_frozen": 1}, "^init_frozen = 1: must be 0 with init_players = 'encoder'"),
        (
            {"generator": Generator("conv"), "translation": type(SMALL.translation)()},
            "^generator.architecture = 'conv': must be a generator that translates",
        ),
    ],
)
def test_an_encoder_is_of_generators_that_translate(changes, message) -> None:
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(SMALL, init_from=Path("run"), init_players="encoder", **changes)
