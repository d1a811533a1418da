"""Optimisers and the moving average. Their clock is images seen (`nimg`)."""

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from cgan.config import Experiment

EMA_RAMPUP = 0.05
"""The average's half-life is at most this share of the images seen so far."""


def build(config: Experiment) -> optax.GradientTransformation:
    """Adam (Kingma & Ba 2015) whose learning rate follows half a cosine over the run."""
    decay = optax.cosine_decay_schedule(
        config.optim.lr, config.final_nimg, alpha=config.optim.final_lr_fraction
    )
    return optax.adam(
        lambda count: decay(images_seen(count, config.batch_size)),
        b1=config.optim.beta1,
        b2=config.optim.beta2,
    )


def images_seen(step: Int[Array, ""], batch_size: int) -> Float[Array, ""]:
    """The clock, as a float: whole numbers of 32 bits end at two thousand million images."""
    return step.astype(jnp.float32) * batch_size


def ema_decay(nimg: Float[Array, ""], batch_size: int, halflife_nimg: int) -> Float[Array, ""]:
    """Share of the old average that is kept after a step.

    `0.5 ** (batch_size / halflife)`, with the half-life cut to 5 % of the images seen, so that the
    random start is soon forgotten (Karras et al. 2020, StyleGAN2-ADA).

    Args:
        nimg: images seen, this step's included.
        batch_size: images a step.
        halflife_nimg: images after which half of the average is new.
    """
    halflife = jnp.minimum(float(halflife_nimg), EMA_RAMPUP * nimg)
    return jnp.exp2(-batch_size / halflife)
