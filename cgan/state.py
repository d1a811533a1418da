"""The training state: one pytree of arrays, nothing callable inside."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from cgan.bank import Ring
from cgan.networks import Networks
from cgan.prior import Anchor
from cgan.rng import stream_key
from cgan.types import Params


class TrainState(NamedTuple):
    """All that training changes. Random keys are not in it: they follow from seed and step."""

    step: Int[Array, ""]
    generator: Params
    discriminator: Params
    discriminator_stats: Params
    learnt: Params
    """Values that the discriminator learns beside its weights, such as a temperature."""
    adaptive: Params
    """State of an adaptive probability of augmentation; often empty."""
    generator_ema: Params
    generator_optim: optax.OptState
    discriminator_optim: optax.OptState
    """Optimiser's state over the pair of `discriminator` and `learnt`."""
    prior: dict[str, Anchor] = {}  # noqa: RUF012
    """What each player's weights are pulled towards; often empty."""
    bank: Ring | None = None
    """What the discriminator saw in earlier steps; None where nothing is kept."""


def init_state(
    seed: int,
    networks: Networks,
    learnt: Params,
    adaptive: Params,
    optimizer: optax.GradientTransformation,
) -> TrainState:
    """Make the state before step 0.

    Args:
        seed: the experiment's seed.
        networks: the pair to initialise.
        learnt: the game's learnt values before step 0.
        adaptive: what an adaptive augmentation carries, before step 0.
        optimizer: used by both players, each with a state of its own.
    """
    generator = networks.init_generator(stream_key(seed, "init/generator"))
    discriminator, stats = networks.init_discriminator(stream_key(seed, "init/discriminator"))
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        generator=generator,
        discriminator=discriminator,
        discriminator_stats=stats,
        learnt=learnt,
        adaptive=adaptive,
        generator_ema=jax.tree.map(jnp.copy, generator),
        generator_optim=jax.jit(optimizer.init)(generator),
        discriminator_optim=jax.jit(optimizer.init)((discriminator, learnt)),
    )
