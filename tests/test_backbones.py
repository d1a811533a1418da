"""The architectures for images at scale: sizes, heads, independent rows, slopes of penalties."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan import networks
from cgan.config import ConfigError, Embedding, Experiment
from cgan.types import DiscriminatorOutput, present
from configs import CONFIGS
from tests.backbones import AT_SCALE, PAIRS, experiment, randomized

KEY = jax.random.key(0)
CLASSES, ROWS = 3, 3


def abstract(config: Experiment, shape: tuple[int, ...], classes: int) -> tuple[Any, Any, Any]:
    """The pair, and the shapes of its generator's and its discriminator's variables."""
    pair = networks.build(config, shape, classes)
    generator = jax.eval_shape(pair.init_generator, KEY)
    return pair, generator, jax.eval_shape(pair.init_discriminator, KEY)


def count(shapes: Any) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(shapes))


@pytest.mark.parametrize(
    ("name", "side", "classes", "generator", "discriminator"),
    [
        ("r3gan_cifar10", 32, 10, 20.8e6, 21.3e6),
        ("r3gan_ffhq64", 64, 0, 22.4e6, 22.4e6),
        ("r3gan_ffhq256", 256, 0, 23.1e6, 23.0e6),
        ("r3gan_imagenet32", 32, 1000, 82.9e6, 86.6e6),
        ("r3gan_imagenet64", 64, 1000, 103.6e6, 107.2e6),
    ],
)
def test_the_presets_of_r3gan_have_the_published_numbers_of_parameters(
    name: str, side: int, classes: int, generator: float, discriminator: float
) -> None:
    config = CONFIGS[name]
    assert bool(classes) == config.conditioning.labels
    _, of_generator, (of_discriminator, _) = abstract(config, (side, side, 3), classes)
    assert count(of_generator) == pytest.approx(generator, rel=0.01)
    assert count(of_discriminator) == pytest.approx(discriminator, rel=0.01)


def test_stylegan2_at_its_published_size_has_about_the_published_number_of_parameters() -> None:
    """Configuration F at 1024x1024: 30.37 M and 29.01 M, as the authors' program prints them.

    That generator has a number more a layer, for its noise, and that discriminator a channel more.
    """
    small = experiment("stylegan2", labels=False)
    wide = {"width": 32, "max_width": 512}
    generator = dataclasses.replace(small.generator, latent_dim=512, depth=8, **wide)
    discriminator = dataclasses.replace(small.discriminator, **wide)
    config = dataclasses.replace(
        small, generator=generator, discriminator=discriminator, embedding=Embedding()
    )
    _, of_generator, (of_discriminator, _) = abstract(config, (1024, 1024, 3), 0)
    assert count(of_generator) == 30_370_060 - 17
    assert count(of_discriminator) == 29_012_513 - 9 * 512 - 1


@pytest.mark.parametrize(
    ("side", "classes", "precision"), [(4, 0, "bfloat16"), (16, CLASSES, "float32")]
)
@pytest.mark.parametrize("architecture", AT_SCALE)
def test_samples_and_outputs_have_their_shapes_and_are_float32(
    architecture: str, side: int, classes: int, precision: str
) -> None:
    config = experiment(architecture, labels=classes > 0, precision=precision)
    if architecture == "sngan":
        players = {
            player: dataclasses.replace(getattr(config, player), attention=8 if side > 8 else 0)
            for player in ("generator", "discriminator")
        }
        config = dataclasses.replace(config, **players)
    shape = (side, side, 3)
    pair, generator, (discriminator, stats) = abstract(config, shape, classes)
    latents = jax.ShapeDtypeStruct((ROWS, 6), jnp.float32)
    labels = jax.ShapeDtypeStruct((ROWS,), jnp.int32) if classes else None
    samples = jax.eval_shape(pair.generate, generator, latents, labels)
    assert samples == jax.ShapeDtypeStruct((ROWS, *shape), jnp.float32)
    output = jax.eval_shape(pair.discriminate, discriminator, stats, samples, labels)
    assert output == DiscriminatorOutput(
        score=jax.ShapeDtypeStruct((ROWS,), jnp.float32),
        embedding=jax.ShapeDtypeStruct((ROWS, 3), jnp.float32),
    )
    assert bool(stats) == config.discriminator.spectral_norm
    leaves = jax.tree.leaves((generator, discriminator, stats))
    assert {leaf.dtype for leaf in leaves} == {jnp.dtype("float32")}


def random_pair(architecture: str) -> tuple[networks.Networks, Any, tuple[Any, Any]]:
    """A small pair with random variables."""
    pair, *shapes = abstract(experiment(architecture), (8, 8, 1), CLASSES)
    generator, (params, stats) = (randomized(architecture, of, seed=3) for of in shapes)
    return pair, generator, (params, stats)


@pytest.mark.parametrize("architecture", AT_SCALE)
def test_a_row_depends_on_its_latents_and_label_and_on_no_other_row(architecture: str) -> None:
    pair, generator, (discriminator, stats) = random_pair(architecture)

    @jax.jit
    def observe(latents: jax.Array, labels: jax.Array) -> tuple[jax.Array, DiscriminatorOutput]:
        samples = pair.generate(generator, latents, labels)
        return samples, pair.discriminate(discriminator, stats, samples, labels)

    latents = jax.random.normal(jax.random.key(3), (ROWS, 6))
    labels = np.array([2, 0, 1], np.int32)
    first = np.arange(ROWS) == 0
    one = observe(latents, jnp.asarray(labels))
    others_moved = observe(jnp.where(first[:, None], latents, -latents), jnp.asarray(labels))
    others_renamed = observe(latents, jnp.asarray(np.where(first, labels, 2)))
    for other in (others_moved, others_renamed):
        for before, after in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
            change = np.abs(np.asarray(after) - np.asarray(before)).reshape(ROWS, -1).max(axis=1)
            assert change[0] < 1e-6
            assert change[1:].min() > 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("architecture", AT_SCALE)
def test_the_slope_of_a_gradient_penalty_backwards_is_that_forwards(architecture: str) -> None:
    pair, _, (params, stats) = random_pair(architecture)
    labels = jnp.arange(ROWS) % CLASSES
    samples = jax.random.normal(jax.random.key(3), (ROWS, 8, 8, 1))

    def penalty(params: Any) -> jax.Array:
        def total(samples: jax.Array) -> jax.Array:
            output = pair.discriminate(params, stats, samples, labels)
            return jnp.sum(present(output.score)) + jnp.sum(present(output.embedding)[:, 0])

        return jnp.sum(jnp.square(jax.grad(total)(samples)))

    rng = np.random.default_rng(2)
    direction = jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape), jnp.float32), params)
    forward = jax.jit(lambda params: jax.jvp(penalty, (params,), (direction,))[1])(params)
    backward = jax.jit(jax.grad(penalty))(params)
    products = jax.tree.map(lambda a, b: float(jnp.vdot(a, b)), backward, direction)
    size = math.sqrt(sum(float(jnp.vdot(leaf, leaf)) for leaf in jax.tree.leaves(backward)))
    assert size > 1e-3
    assert sum(jax.tree.leaves(products)) == pytest.approx(float(forward), abs=1e-4 * size)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
@pytest.mark.parametrize("architecture", AT_SCALE)
def test_samples_that_are_no_square_image_of_such_a_side_are_refused(
    architecture: str, player: str
) -> None:
    small = experiment("mlp", labels=False)
    config = dataclasses.replace(small, **{player: getattr(experiment(architecture), player)})
    start = rf"^{player}\.architecture = '{architecture}': needs "
    for shape, message in [
        ((2,), r"images, .*\(2,\); must be 'mlp'$"),
        ((28, 28, 1), r"square images .*8, 16, 32, .*28x28; must be 'mlp' or 'conv'$"),
        ((8, 16, 3), r"square images .*8x16"),
        ((36, 36, 1), r"square images .*36x36"),
        ((2, 2, 1), r"square images .*2x2"),
    ]:
        with pytest.raises(ConfigError, match=start + message):
            networks.build(config, shape)


@pytest.mark.parametrize(
    ("player", "attention", "known"),
    [("generator", 4, "0 or 8 or 16"), ("discriminator", 16, "0 or 4 or 8")],
)
def test_attention_is_refused_on_maps_that_are_not_there(
    player: str, attention: int, known: str
) -> None:
    small = experiment("sngan", labels=False)
    settings = dataclasses.replace(getattr(small, player), attention=attention)
    other = {"generator": "discriminator", "discriminator": "generator"}[player]
    config = dataclasses.replace(
        small,
        **{player: settings, other: dataclasses.replace(getattr(small, other), attention=8)},
    )
    message = rf"^{player}\.attention = {attention}: images of 16x16 .* must be {known}$"
    with pytest.raises(ConfigError, match=message):
        networks.build(config, (16, 16, 1))


def test_every_architecture_has_a_small_pair() -> None:
    of_sequences = {"conv1d"}  # whose tests are in test_conv1d.py
    assert set(PAIRS) | of_sequences == set(networks.GENERATORS) == set(networks.DISCRIMINATORS)
