"""Self-attention between the pixels of one map.

Zhang et al. 2019, "Self-attention generative adversarial networks", section 3, with the sizes of
its released code: queries and keys of an eighth of the channels, values of a half, keys and values
from maps of half the sides by the largest of four pixels.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.networks import exactness
from cgan.networks.convolution import Images
from cgan.networks.factors import spread, times
from cgan.networks.layers import Pointwise, normalized
from cgan.types import Factors


class SelfAttention(nn.Module):
    """Self-attention `x + gamma W o`, `o` the mean of values weighted by softmax(query . key).

    `gamma` starts at 0: the layer starts as the identity. A row of the batch sees itself only.
    Weights of the mean are computed in float32.
    """

    spectral_norm: bool = False

    @nn.compact
    def __call__(
        self, x: Images, update_stats: bool = False, factors: Factors | None = None
    ) -> Images:
        n, height, width, channels = x.shape

        def project(
            features: int, maps: Images, name: str
        ) -> Float[Array, "n height width features"]:
            layer = Pointwise(features, name=name)
            return normalized(layer, self.spectral_norm, update_stats)(maps)

        narrow, half = max(1, channels // 8), max(1, channels // 2)
        queries = project(narrow, x, "query").reshape(n, height * width, narrow)
        keys = _largest_of_four(project(narrow, x, "key")).reshape(n, -1, narrow)
        values = _largest_of_four(project(half, x, "value")).reshape(n, -1, half)
        likeness = jnp.einsum(
            "nqc,nkc->nqk",
            queries,
            keys,
            precision=exactness.HIGHEST,
            preferred_element_type="float32",
        )
        if factors is not None:  # queries and keys were both multiplied
            likeness = times(likeness, 1 / jnp.square(factors))
        weights = jax.nn.softmax(likeness).astype(x.dtype)
        precision = exactness.of_operand(x)
        mean = jnp.einsum("nqk,nkc->nqc", weights, values, precision=precision)
        mean = mean.reshape(n, height, width, half)
        gamma = self.param("gamma", nn.initializers.zeros, ())
        return x + spread(gamma, x) * project(channels, mean, "out")


def _largest_of_four(x: Images) -> Float[Array, "n height//2 width//2 channels"]:
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
