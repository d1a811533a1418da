"""A discriminator or generator of one's own: plain functions, trained right or refused."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

from cgan import parallel
from cgan.assemble import Parts, assemble
from cgan.config import (
    Conditioning,
    ConfigError,
    Data,
    Discriminator,
    Experiment,
    Generator,
    Penalty,
)
from cgan.data.pipeline import load_batches
from cgan.types import DiscriminatorOutput
from tests.plain_step import plain_step

KEY, BATCH, UNITS = jax.random.key(0), 8, 6
RECORDER = optax.GradientTransformation(
    lambda params: jax.tree.map(jnp.zeros_like, params),
    lambda gradients, kept, params: (jax.tree.map(jnp.zeros_like, gradients), gradients),
)
"""Keeps the gradient and moves nothing."""


def parts(labels: bool = False) -> Parts:
    config = Experiment(
        workdir=Path("unused"),
        data=Data("digits" if labels else "ring8"),
        conditioning=Conditioning(labels=labels),
        generator=Generator(latent_dim=3, width=4, depth=1),
        discriminator=Discriminator(width=4, depth=1),
        penalty=Penalty(r1=0.5, r2=0.2),
        batch_size=BATCH,
    )
    return assemble(config)._replace(optimizer=RECORDER)


def init(key: jax.Array, inputs: int = 2) -> dict[str, jax.Array]:
    first, second = jax.random.split(key)
    return {
        "w": jax.random.normal(first, (inputs, UNITS)) * inputs**-0.5,
        "b": jnp.zeros(UNITS),
        "v": jax.random.normal(second, (UNITS,)),
    }


def without_factors(params: Any, samples: jax.Array) -> jax.Array:
    """Leaky ReLUs and no factors."""
    return jax.nn.leaky_relu(samples @ params["w"] + params["b"]) @ params["v"]


def bent(params: Any, samples: jax.Array) -> DiscriminatorOutput:
    """A layer that is not homogeneous, and no factors."""
    return DiscriminatorOutput(jnp.tanh(samples @ params["w"] + params["b"]) @ params["v"], None)


def factors_behind(params: Any, samples: jax.Array, factors: Any = None) -> jax.Array:
    """Not homogeneous either: the factors go in behind it."""
    hidden = jnp.tanh(samples @ params["w"] + params["b"])
    return (hidden if factors is None else hidden * factors[:, None]) @ params["v"]


def by_class(params: Any, samples: jax.Array, labels: jax.Array) -> jax.Array:
    hidden = jax.nn.leaky_relu(samples.reshape(len(samples), -1) @ params["w"] + params["b"])
    return jnp.sum(hidden * params["v"] * (1 + labels[:, None]), axis=1)


def half_way(params: Any, samples: jax.Array, factors: Any = None) -> jax.Array:
    """The inputs are multiplied and the bias is not."""
    scaled = samples if factors is None else samples * factors[:, None]
    return without_factors(params, scaled)


def ignoring(params: Any, samples: jax.Array, factors: Any = None) -> jax.Array:
    """Takes factors, and does nothing with them."""
    return without_factors(params, samples)


def recorded(own: Parts) -> Any:
    """The state after one step: its optimizers hold the gradients."""
    devices = jax.devices()[:1]
    step = parallel.replicated_step(own.train_step(axis=parallel.DEVICES), devices)
    batches = parallel.shard(load_batches(own.source, BATCH, 0, 0, 1), devices)
    return parallel.fetch(step(parallel.replicate(own.init_state(), devices), batches)[0])


@pytest.mark.parametrize("function", [without_factors, bent, factors_behind, by_class])
def test_a_function_of_ones_own_is_trained_on_the_gradient_written_plainly(function: Any) -> None:
    labeled = function is by_class
    base = parts(labeled)
    networks = base.networks.with_discriminator(
        lambda key: init(key, 64 if labeled else 2), function
    )
    assert networks.scales_with_factors == (function is factors_behind)
    own = base._replace(networks=networks)
    start, plain = own.init_state(), plain_step(own)

    def loss(params: Any) -> jax.Array:
        return plain.discriminator_loss((params, start.learnt), start)

    expected = np.asarray(ravel_pytree(jax.jit(jax.grad(loss))(start.discriminator))[0])
    found = np.asarray(ravel_pytree(recorded(own).discriminator_optim)[0])
    assert np.linalg.norm(found - expected) < 1e-5 * np.linalg.norm(expected)
    # Its adversarial part is there: the gradient of the penalty alone is another one.
    fakes = plain.fakes(start.generator, "discriminator")

    def penalty(params: Any) -> jax.Array:
        return plain.penalties(start._replace(discriminator=params), fakes)

    of_penalty = np.asarray(ravel_pytree(jax.jit(jax.grad(penalty))(start.discriminator))[0])
    assert np.linalg.norm(found - of_penalty) > 1e-2 * np.linalg.norm(found)


ASKED = r"must multiply its scores by `factors` .*scales_with_factors = False$"


@pytest.mark.parametrize("function", [half_way, ignoring, without_factors, bent])
def test_one_that_says_it_scales_with_factors_and_does_not_is_refused(function: Any) -> None:
    base = parts()
    networks = base.networks.with_discriminator(init, function)
    own = base._replace(networks=networks._replace(scales_with_factors=True))
    message = rf"^networks\.discriminate = {function.__name__}: scores of .* became .*; {ASKED}"
    with pytest.raises(ConfigError, match=message):
        own.train_step()


def test_one_that_cannot_take_factors_and_says_it_scales_with_them_is_refused() -> None:
    """Put in place of a discriminator of this package's: the claim stays behind."""
    base = parts()

    def discriminate(params: Any, stats: Any, samples: Any, labels: Any = None) -> Any:
        return bent(params, samples)

    own = base._replace(
        networks=base.networks._replace(
            init_discriminator=lambda key: (init(key), {}), discriminate=discriminate
        )
    )
    with pytest.raises(ConfigError, match=rf"discriminate: takes no factors; {ASKED}"):
        own.train_step()
    honest = own._replace(networks=own.networks._replace(scales_with_factors=False))
    assert np.isfinite(ravel_pytree(recorded(honest).discriminator_optim)[0]).all()


def test_the_check_works_where_the_step_is_made_while_another_is_traced() -> None:
    base = parts()
    own = base._replace(networks=base.networks.with_discriminator(init, half_way))

    @jax.jit
    def traced(seed: jax.Array) -> jax.Array:
        own.train_step(seed)
        return seed

    with pytest.raises(ConfigError, match="half_way: scores of"):
        traced(jnp.uint32(0))


@pytest.mark.parametrize("labeled", [False, True])
def test_a_generator_of_ones_own_is_any_function(labeled: bool) -> None:
    base = parts(labeled)
    shape = base.source.sample_shape
    size = int(np.prod(shape))

    def plain(params: Any, latents: jax.Array) -> jax.Array:
        return jnp.tanh(latents @ params).reshape(-1, *shape)

    def by_label(params: Any, latents: jax.Array, labels: jax.Array) -> jax.Array:
        return plain(params, latents) * (labels + 1).reshape(-1, *[1] * len(shape))

    own = base._replace(
        networks=base.networks.with_generator(
            lambda key: jax.random.normal(key, (3, size)), by_label if labeled else plain
        )
    )
    gradient = recorded(own).generator_optim
    assert gradient.shape == (3, size)
    assert np.abs(gradient).max() > 0
    labels = jnp.array([1, 0]) if labeled else None
    made = own.networks.generate(jnp.ones((3, size)), jnp.ones((2, 3)), labels)
    np.testing.assert_allclose(made[0], np.tanh(3) * (2 if labeled else 1), rtol=1e-6)


def test_a_network_of_ones_own_has_no_taps() -> None:
    networks = parts().networks.with_discriminator(init, bent)
    with pytest.raises(ConfigError, match=r"^tap: "):
        networks.features(init(KEY), {}, jnp.zeros((1, 2)))
