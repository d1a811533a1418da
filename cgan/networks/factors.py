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
    """Multiply each row by its factor; rows stay as they are without factors."""
    return x if factors is None else x * spread(_for_each_row(factors, x), x)


def add_bias(
    x: Float[Array, "n *shape features"],
    bias: Float[Array | np.ndarray, " features"],
    factors: Factors | None,
) -> Float[Array, "n *shape features"]:
    """Add the bias to each row, times the row's factor."""
    return x + spread(bias if factors is None else bias * _for_each_row(factors, x), x)


def spread(
    value: Float[Array | np.ndarray, "*smaller"], x: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """Broadcast a value to the maps' shape, in their precision.

    It is rounded to their precision last, where it has their shape already: so its gradient, the
    sum of as many numbers, is summed in float32. bfloat16 has 8 binary digits, and a sum of ones
    in it ends at 256.
    """
    return jnp.broadcast_to(value.astype("float32"), x.shape).astype(x.dtype)


def _for_each_row(factors: Factors, x: Float[Array, "n *shape"]) -> Float[Array, "n *_"]:
    """Factors as `[n, 1, ..., 1]`, to be multiplied with rows like these."""
    return factors.reshape(-1, *[1] * (x.ndim - 1))
