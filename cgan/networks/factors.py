"""Scores multiplied by a factor for each sample, which a network carries from its inputs on.

A network of linear maps and (leaky) ReLUs is positively homogeneous once its biases are multiplied
by what its inputs are multiplied by: layer for layer its maps are `f` times what they were, and so
is its score. Factors are 1 wherever a score is read. What they are for is their derivative:
`penalties.exact` has the loss's gradient from it, and does without a backward pass.

A layer that is not homogeneous has two ways to keep the promise that the score comes out multiplied:
to undo the factor before and redo it after, or to leave it to the layers that come later.
"""

from jaxtyping import Array, Float

from cgan.types import Factors


def times(x: Float[Array, "n *shape"], factors: Factors | None) -> Float[Array, "n *shape"]:
    """Each row times its factor; as it is without factors."""
    if factors is None:
        return x
    return x * factors.astype(x.dtype).reshape(-1, *[1] * (x.ndim - 1))


def add_bias(
    x: Float[Array, "n *shape features"], bias: Float[Array, " features"], factors: Factors | None
) -> Float[Array, "n *shape features"]:
    """Each row plus its factor times the bias."""
    bias = bias.astype(x.dtype)
    if factors is None:
        return x + bias
    return x + times(bias.reshape(*[1] * (x.ndim - 1), -1), factors)
