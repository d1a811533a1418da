"""Optimisers and the moving average. Their clock is images seen (`nimg`)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from cgan.config import Experiment
from cgan.schedules import images_seen, ramp
from cgan.types import Params

EMA_RAMPUP = 0.05
"""Share of the images seen so far that the average's half-life is at most, without a ramp."""
EPSILON = 1e-8
"""Epsilon of Adam, as Kingma & Ba 2015 and optax have it."""


Rate = Callable[[Int[Array, ""]], Float[Array, ""]]
"""A learning rate by the number of steps taken."""


def learning_rate(config: Experiment) -> Rate:
    """The learning rate of an experiment."""
    optim = config.optim
    return falling_rate(optim.lr, optim.final_lr_fraction, config.batch_size, config.ramp_end_nimg)


def build(config: Experiment) -> optax.GradientTransformation:
    """Make Adam (Kingma & Ba 2015), its rate along half a cosine, and its beta2 too if asked."""
    optim, batch_size, end_nimg = config.optim, config.batch_size, config.ramp_end_nimg
    rate = learning_rate(config)
    if optim.final_beta2 is None:
        return optax.adam(rate, b1=optim.beta1, b2=optim.beta2)
    final_beta2 = optim.final_beta2

    def beta2(count: Int[Array, ""]) -> Float[Array, ""]:
        return ramp(optim.beta2, final_beta2, images_seen(count, batch_size), end_nimg)

    return optax.chain(scale_by_adam(optim.beta1, beta2), optax.scale_by_learning_rate(rate))


def falling_rate(lr: float, final_fraction: float, batch_size: int, end_nimg: int) -> Rate:
    """A learning rate by the number of steps taken, along half a cosine over images seen.

    Args:
        lr: at the start.
        final_fraction: the rate at the end, as a share of that at the start.
        batch_size: images of a step.
        end_nimg: images seen when the rate reaches its last value.
    """
    decay = optax.cosine_decay_schedule(lr, end_nimg, alpha=final_fraction)

    def rate(count: Int[Array, ""]) -> Float[Array, ""]:
        return decay(images_seen(count, batch_size))

    return rate


class AdamState(NamedTuple):
    """Adam's moments, and what is needed to take their bias out."""

    step: Int[Array, ""]
    mu: Params
    nu: Params
    forgotten: Float[Array, ""]
    """Product of all beta2 so far: the weight that the start, 0, still has in `nu`."""


def scale_by_adam(
    beta1: float, beta2: Callable[[Int[Array, ""]], Float[Array, ""]]
) -> optax.GradientTransformation:
    """Adam's direction with a beta2 that moves: `mu_hat / (sqrt(nu_hat) + 1e-8)`.

    `nu_t = b_t nu_(t-1) + (1 - b_t) g_t^2` from `nu_0 = 0` gives past squares weights whose sum is
    `1 - b_1 b_2 ... b_t`, so that is what `nu_t` is divided by. It is section 3 of Kingma & Ba 2015
    for a beta2 that depends on the step; for a fixed one it is theirs, `1 - b^t`, which with a
    beta2 that has risen would be too small by far.

    Args:
        beta1: decay of the mean gradient.
        beta2: decay of the mean squared gradient, by the number of steps taken before.
    """

    def init(params: Params) -> AdamState:
        return AdamState(
            jnp.zeros((), jnp.int32),
            optax.tree.zeros_like(params),
            optax.tree.zeros_like(params),
            jnp.ones(()),
        )

    def update(
        gradients: Params, state: AdamState, params: Params | None = None
    ) -> tuple[Params, AdamState]:
        del params
        decay = beta2(state.step)
        step, forgotten = optax.safe_increment(state.step), decay * state.forgotten
        mu = optax.tree.update_moment(gradients, state.mu, beta1, 1)
        nu = optax.tree.update_moment(gradients, state.nu, decay, 2)
        mu_hat = optax.tree.bias_correction(mu, beta1, step)
        directions = jax.tree.map(
            lambda mean, square: mean / (jnp.sqrt(square / (1 - forgotten)) + EPSILON), mu_hat, nu
        )
        return directions, AdamState(step, mu, nu, forgotten)

    return optax.GradientTransformation(init, update)


def ema_halflife(config: Experiment, nimg: Float[Array, ""]) -> Float[Array, ""]:
    """The average's half-life in images.

    With a ramp it is the ramp's value. Without one it is cut to 5 % of the images seen, so that the
    random start is soon forgotten (Karras et al. 2020, StyleGAN2-ADA).

    Args:
        config: the experiment.
        nimg: images seen, this step's included.
    """
    start, final = config.optim.ema_halflife_nimg, config.optim.final_ema_halflife_nimg
    if final is None:
        return jnp.minimum(float(start), EMA_RAMPUP * nimg)
    return ramp(float(start), float(final), nimg, config.ramp_end_nimg)


def ema_decay(halflife_nimg: Float[Array, ""], batch_size: int) -> Float[Array, ""]:
    """Share of the old average that is kept after a step: `0.5 ** (batch_size / halflife)`."""
    return jnp.exp2(-batch_size / halflife_nimg)
