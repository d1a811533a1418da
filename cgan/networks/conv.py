"""A small convolutional pair for images, without normalisation layers in the generator."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.networks import layers
from cgan.networks.conditioning import beside_class_vectors
from cgan.networks.factors import times
from cgan.networks.heads import HeadSpec, discriminator_output
from cgan.types import DiscriminatorOutput, Factors, Labels, Samples


class ConvGenerator(nn.Module):
    """Generator from latents `[n, latent_dim]` to images `[n, height, width, channels]` in [-1, 1].

    A dense layer paints the coarsest map, from latents and, where there are classes, the vectors
    of the labels; each level doubles its sides, halves its channels and applies one 3x3
    convolution. `width` counts the channels at full resolution.
    """

    sample_shape: tuple[int, ...]
    width: int
    depth: int
    classes: int = 0
    class_dimensions: int = 0

    @nn.compact
    def __call__(
        self, latents: Float[Array, "n latent_dim"], labels: Labels | None = None
    ) -> Samples:
        height, width, channels = self.sample_shape
        shrink = 2**self.depth
        coarsest = (height // shrink, width // shrink, self.width * shrink)
        x = beside_class_vectors(latents, labels, self.classes, self.class_dimensions)
        x = layers.leaky_relu(layers.Dense(coarsest[0] * coarsest[1] * coarsest[2])(x))
        x = x.reshape(-1, *coarsest)
        for level in reversed(range(self.depth)):
            features = self.width * 2**level
            x = layers.leaky_relu(layers.depth_to_space(layers.Dense(4 * features)(x)))
            x = layers.leaky_relu(layers.Conv3x3(features)(x))
        return jnp.tanh(layers.Conv3x3(channels)(x))


class ConvDiscriminator(nn.Module):
    """Discriminator of images `[n, height, width, channels]`: the generator's mirror image."""

    width: int
    depth: int
    heads: HeadSpec
    spectral_norm: bool = False

    @nn.compact
    def __call__(
        self,
        samples: Samples,
        labels: Labels | None = None,
        update_stats: bool = False,
        factors: Factors | None = None,
    ) -> DiscriminatorOutput:
        def layer(module: nn.Module, x: Float[Array, "..."]) -> Float[Array, "..."]:
            return layers.normalised(module, self.spectral_norm, update_stats)(x, factors)

        x = times(samples, factors)
        x = layers.leaky_relu(layer(layers.Conv3x3(self.width), x))
        for level in range(self.depth):
            x = layers.leaky_relu(layer(layers.Conv3x3(self.width * 2**level), x))
            halved = layers.space_to_depth(x)
            x = layers.leaky_relu(layer(layers.Dense(self.width * 2 ** (level + 1)), halved))
        features = x.reshape(len(x), -1)
        return discriminator_output(features, labels, self.heads, self.spectral_norm, update_stats)
