"""Class labels in the networks: a learnt vector for each class.

The generator has it beside the latents. The discriminator projects its features on it (Miyato &
Koyama 2018, eq. 3): the score is `psi . f(x) + v[y] . f(x)`, the linear head and one of the class.
Both are matrix products with one-hot labels. That is a choice of rows whose gradient adds up in a
fixed order on every backend, and a layer whose kernel can have a spectral norm.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.networks.exactness import HIGHEST
from cgan.networks.layers import normalized
from cgan.types import Labels


def one_hot(labels: Labels | None, classes: int) -> Float[Array, "n classes"]:
    """One-hot rows `[n, classes]` of labels; missing labels are a mistake in the wiring.

    Raises:
        TypeError: no labels.
    """
    if labels is None:
        raise TypeError("a network with classes needs labels")
    return jax.nn.one_hot(labels, classes)


def beside_class_vectors(
    inputs: Float[Array, "n inputs"], labels: Labels | None, classes: int, dimensions: int
) -> Float[Array, "n outputs"]:
    """Append the vector of each row's class to a generator's inputs, inside its module.

    The vectors start as draws from the standard normal distribution, as latents do.

    Args:
        inputs: the latents, or what was made of them.
        labels: their classes; None for a generator without classes.
        classes: how many there are; 0 returns the inputs as they are.
        dimensions: length of a class's vector.
    """
    if not classes:
        return inputs
    init = nn.initializers.normal(1.0)
    vectors = _vectors(dimensions, init)
    chosen = vectors(one_hot(labels, classes)).astype(inputs.dtype)
    return jnp.concatenate([inputs, chosen], axis=-1)


def projection(
    features: Float[Array, "n features"],
    labels: Labels | None,
    classes: int,
    spectral_norm: bool,
    update_stats: bool,
) -> Float[Array, " n"]:
    """Score of each sample's class, `v[y] . f(x)`, called inside a discriminator's module.

    A class's vector starts as long as the weights of the score's own head are.
    """
    init = nn.initializers.variance_scaling(2.0, "fan_out", "truncated_normal")
    layer = _vectors(features.shape[-1], init)
    vectors = normalized(layer, spectral_norm, update_stats)(one_hot(labels, classes))
    return jnp.sum(vectors * features, axis=-1)


def _vectors(dimensions: int, init: nn.initializers.Initializer) -> nn.Dense:
    """A layer from one-hot labels to the vectors of their classes, inside the caller's module."""
    return nn.Dense(
        dimensions, use_bias=False, precision=HIGHEST, kernel_init=init, name="class_vectors"
    )
