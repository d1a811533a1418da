"""Gradient penalties on the discriminator's scores at its inputs."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from cgan.types import PerSample, Samples, Scores


def scores_and_squared_gradients(
    score: Callable[[Samples], Scores], samples: Samples
) -> tuple[Scores, PerSample]:
    """Scores, and the squared norm of each score's gradient at its own sample.

    Half of the latter, weighted, is R1 at real samples (Mescheder et al. 2018, eq. 9) and R2 at
    fakes (eq. 10). Exact, in one forward and one backward pass: a score depends on its own sample
    only, so the gradient of their sum holds them all.

    Returns:
        `[n]` scores and `[n]` squared norms.
    """
    scores, pullback = jax.vjp(score, samples)
    (gradients,) = pullback(jnp.ones_like(scores))
    return scores, jnp.sum(jnp.square(gradients), axis=range(1, gradients.ndim))
