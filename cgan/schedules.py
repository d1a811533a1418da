"""Settings that move from a first value to a last one. Their clock is images seen (`nimg`)."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from cgan.config import Experiment

Scalar = Float[Array, ""]


def images_seen(step: Int[Array, ""], batch_size: int) -> Scalar:
    """Images seen as a float: whole numbers of 32 bits end at two thousand million images."""
    return step.astype(jnp.float32) * batch_size


def ramp(start: float, end: float, nimg: Scalar, ramp_nimg: int) -> Scalar:
    """A value on half a cosine from `start` to `end`, and `end` from then on, both exactly.

    `(1 - s) * start + s * end` with `s = (1 - cos(pi t)) / 2 = sin^2(pi t / 2)` and `t = nimg /
    ramp_nimg`, at most 1 (Huang et al. 2024, R3GAN, appendix on hyperparameters). The square of the
    sine keeps its digits at the start, where the cosine rounds to 1.

    Args:
        start: the value at 0 images.
        end: the value after `ramp_nimg` images.
        nimg: images seen.
        ramp_nimg: length of the ramp in images.
    """
    share = jnp.square(jnp.sin(jnp.pi / 2 * jnp.minimum(nimg / float(ramp_nimg), 1)))
    return (1 - share) * start + share * end


def penalty_share(config: Experiment, nimg: Scalar) -> Scalar | float:
    """Factor on the penalties' weights after so many images."""
    final = config.penalty.final_fraction
    return 1.0 if final == 1 else ramp(1.0, final, nimg, config.ramp_end_nimg)
