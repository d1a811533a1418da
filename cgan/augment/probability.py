"""The probability with which images are transformed: a fixed one, on a ramp, or adaptive."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from cgan.config import Experiment, Pretraining
from cgan.schedules import images_seen, ramp
from cgan.types import Params

Scalar = Float[Array, ""]

ADJUSTED_EVERY = 4
"""Steps between adjustments of p, over which the mean sign is taken.

As in Karras et al. 2020 (appendix D).
"""

TIE = 1e-5
"""Distance of the mean sign from its target up to which p stays.

Sums of signs round otherwise on another number of devices.
"""


def init(config: Experiment) -> Params:
    """The state of an adaptive probability before the first step; empty for the others."""
    if config.augment.target is None:
        return {}
    return {"probability": jnp.float32(config.augment.probability), "signs": jnp.zeros(())}


def at(config: Experiment | Pretraining, adaptive: Params, step: Int[Array, ""]) -> Scalar | float:
    """The probability of a step."""
    augment = config.augment
    if augment.target is not None:
        return adaptive["probability"]
    if augment.final_probability is None:
        return augment.probability
    nimg = images_seen(step, config.batch_size)
    return ramp(augment.probability, augment.final_probability, nimg, config.ramp_end_nimg)


def adapt(config: Experiment, adaptive: Params, step: Int[Array, ""], sign: Scalar) -> Params:
    """The state of an adaptive probability after a step.

    After every fourth step p moves by `batch_size * 4 / adapt_nimg`: up if the mean sign of the
    last four batches' reals, `r_t = E[sign(D(x))]`, is above the target, down if it is below
    (Karras et al. 2020, section 3). At the target it stays. It stays within [0, 1].

    Args:
        config: the experiment.
        adaptive: what was carried so far.
        step: steps taken before this one.
        sign: mean sign of the whole batch's reals in this step.
    """
    target = config.augment.target
    if target is None:
        return adaptive
    signs = adaptive["signs"] + sign
    by = config.batch_size * ADJUSTED_EVERY / config.augment.adapt_nimg
    apart = signs / ADJUSTED_EVERY - target
    moved = adaptive["probability"] + by * jnp.where(jnp.abs(apart) < TIE, 0.0, jnp.sign(apart))
    due = (step + 1) % ADJUSTED_EVERY == 0
    return {
        "probability": jnp.where(due, jnp.clip(moved, 0, 1), adaptive["probability"]),
        "signs": jnp.where(due, 0.0, signs),
    }
