"""The step without a map over devices: what a notebook does with it."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from cgan import parallel
from cgan.assemble import Parts, assemble
from cgan.config import Data, Discriminator, Experiment, Generator, Objective
from cgan.data.pipeline import load_batches
from tests.plain_step import plain_step

EXPERIMENT = Experiment(
    workdir=Path("unused"),
    data=Data("ring8"),
    generator=Generator(latent_dim=3, width=8, depth=1),
    discriminator=Discriminator(width=8, depth=1, spectral_norm=True),
    objective=Objective(fakes_per_real=3, temperature_bounds=(0.5, 2.0)),
    batch_size=16,
)


@pytest.fixture(scope="module")
def parts() -> Parts:
    return assemble(EXPERIMENT)


def batches_of(parts: Parts, steps: int):
    return load_batches(parts.source, parts.config.batch_size, parts.config.seed, 0, steps)


def test_jit_alone_gives_what_the_mapped_step_gives_bit_for_bit(parts):
    devices = jax.devices()[:1]
    alone, outcome = jax.jit(parts.train_step())(parts.init_state(), batches_of(parts, 2))
    mapped = parallel.replicated_step(parts.train_step(axis=parallel.DEVICES), devices)
    placed = parallel.shard(batches_of(parts, 2), devices)
    expected = parallel.fetch(mapped(parallel.replicate(parts.init_state(), devices), placed))
    found = parallel.fetch((alone, outcome))
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    assert outcome.finite.shape == (2, 1, 5)


def test_gradients_go_through_the_step(parts):
    """Of the loss that it tells, with respect to the discriminator that it starts from."""
    start, batches, step = parts.init_state(), batches_of(parts, 1), parts.train_step()

    def told(discriminator):
        _, outcome = step(start._replace(discriminator=discriminator), batches)
        return outcome.metrics["discriminator/loss"][0]

    def plainly(discriminator):
        state = start._replace(discriminator=discriminator)
        stats = parts.networks.update_stats(discriminator, state.discriminator_stats)
        state = state._replace(discriminator_stats=stats)
        return plain_step(parts).discriminator_loss((discriminator, state.learnt), state)

    found, expected = (
        ravel_pytree(jax.jit(jax.grad(loss))(start.discriminator))[0] for loss in (told, plainly)
    )
    assert jnp.linalg.norm(found - expected) < 1e-4 * jnp.linalg.norm(expected)


def test_a_step_without_the_axis_of_its_devices_is_refused(parts):
    """It would learn from each device's rows alone, and nobody would notice."""
    devices = jax.devices()[:2]
    step = parallel.replicated_step(parts.train_step(), devices)
    state = parallel.replicate(parts.init_state(), devices)
    with pytest.raises(ValueError, match=r"given 8 rows of a batch of 16.*axis=parallel\.DEVICES"):
        step(state, parallel.shard(batches_of(parts, 1), devices))
