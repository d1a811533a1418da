"""Scores multiplied by a factor for each sample, which a network carries from its inputs on.

A network of linear maps and (leaky) ReLUs is positively homogeneous once its biases are multiplied
by what its inputs are multiplied by: layer for layer its maps are `f` times what they were, and so
is its score. Factors are 1 wherever a score is read. What they are for is their derivative:
`penalties.exact` has the loss's gradient from it, and does without a backward pass.

A layer that is not homogeneous divides the factor out where it matters, as self-attention does; or
the factor goes in behind it, as behind Fourier features.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgan.types import Factors


def times(x: Float[Array, "n *shape"], factors: Factors | None) -> Float[Array, "n *shape"]:
    """Each row times its factor; as it is without factors."""
    return x if factors is None else x * _for_each_row(factors, x).astype(x.dtype)


def add_bias(
    x: Float[Array, "n *shape features"],
    bias: Float[Array | np.ndarray, " features"],
    factors: Factors | None,
) -> Float[Array, "n *shape features"]:
    """Each row plus its factor times the bias.

    The bias is rounded to the maps' precision last, where it has their shape already: so its
    gradient, the sum of as many numbers, is summed in float32.
    """
    scaled = bias if factors is None else bias * _for_each_row(factors, x)
    return x + jnp.broadcast_to(scaled, x.shape).astype(x.dtype)


def _for_each_row(factors: Factors, x: Float[Array, "n *shape"]) -> Float[Array, "n *_"]:
    """`[n, 1, ..., 1]`, to be multiplied with rows like these."""
    return factors.reshape(-1, *[1] * (x.ndim - 1))
