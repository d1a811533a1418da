"""The vision transformer of DINOv2 (Oquab et al. 2023; Dosovitskiy et al. 2021).

Pre-norm blocks with a learnt scale on each residual (layer scale, Touvron et al. 2021), exact GELU,
14-pixel patches. Its features are the class token after the last layer norm.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from eval.extractors.image_network import Read

SIDE = 224
PATCH = 14
HEAD_CHANNELS = 64
EPSILON = 1e-6

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
"""Standard deviation of ImageNet's channels, in units of 255 grey levels."""

HIGHEST = jax.lax.Precision.HIGHEST

Tokens = Float[Array, "n tokens d"]


class Block(nn.Module):
    """A block of the transformer: attention between tokens, then two dense layers for each."""

    @nn.compact
    def __call__(self, tokens: Tokens, _: None = None) -> tuple[Tokens, None]:
        d = tokens.shape[-1]

        def dense(width: int, name: str) -> nn.Dense:
            return nn.Dense(width, precision=HIGHEST, name=name)

        def scale(name: str) -> Float[Array, " d"]:
            return self.param(name, nn.initializers.ones, (d,))

        attention = nn.MultiHeadDotProductAttention(
            d // HEAD_CHANNELS, precision=HIGHEST, name="attention"
        )
        normed = nn.LayerNorm(EPSILON, name="norm1")(tokens)
        tokens = tokens + scale("scale1") * attention(normed)
        normed = nn.LayerNorm(EPSILON, name="norm2")(tokens)
        hidden = nn.gelu(dense(4 * d, "fc1")(normed), approximate=False)
        return tokens + scale("scale2") * dense(d, "fc2")(hidden), None


class DinoNetwork(nn.Module):
    """The network of DINOv2: RGB squares of side 224, grey levels 0..255, to features.

    All blocks are one block, scanned over parameters that are stacked along a first axis: it is
    compiled once. Position embeddings have the size of the patches' grid already.
    """

    hidden: int
    layers: int

    @nn.compact
    def __call__(self, squares: Float[Array, "n 224 224 3"]) -> Read:
        normalized = (squares / 255 - MEAN) / STD
        patches = nn.Conv(
            self.hidden, (PATCH, PATCH), PATCH, "VALID", precision=HIGHEST, name="patches"
        )(normalized)
        zeros, grid = nn.initializers.zeros, (SIDE // PATCH) ** 2
        class_token = self.param("class_token", zeros, (self.hidden,))
        positions = self.param("positions", zeros, (1 + grid, self.hidden))
        n = len(squares)
        first = jnp.broadcast_to(class_token, (n, 1, self.hidden))
        tokens = jnp.concatenate([first, patches.reshape(n, grid, self.hidden)], axis=1) + positions
        blocks = nn.scan(
            Block, variable_axes={"params": 0}, split_rngs={"params": True}, length=self.layers
        )
        tokens, _ = blocks(name="blocks")(tokens, None)
        return Read(nn.LayerNorm(EPSILON, name="norm")(tokens[:, 0]))
