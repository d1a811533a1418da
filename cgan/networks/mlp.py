"""Multilayer perceptrons: for points in the plane and for tiny images."""

import math

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.networks import layers
from cgan.networks.conditioning import beside_class_vectors
from cgan.networks.factors import times
from cgan.networks.heads import HeadSpec, discriminator_output
from cgan.types import DiscriminatorOutput, Factors, Labels, Samples


class MLPGenerator(nn.Module):
    """Generator of a perceptron: latents `[n, latent_dim]`, and labels, to `[n, *sample_shape]`.

    Images end in tanh, points (one axis) in a linear layer. Points may be `z + f(z)`: a map that
    starts near the identity covers the plane from the first step on, and is moulded from there.
    """

    sample_shape: tuple[int, ...]
    width: int
    depth: int
    fourier_features: int = 0
    max_frequency: float = 1.0
    residual: bool = False
    classes: int = 0
    class_dimensions: int = 0

    @nn.compact
    def __call__(
        self, latents: Float[Array, "n latent_dim"], labels: Labels | None = None
    ) -> Samples:
        x = latents
        if self.fourier_features:
            x = layers.FourierFeatures(self.fourier_features, self.max_frequency)(x)
        x = beside_class_vectors(x, labels, self.classes, self.class_dimensions)
        for _ in range(self.depth):
            x = layers.leaky_relu(layers.Dense(self.width)(x))
        x = layers.Dense(math.prod(self.sample_shape))(x)
        if self.residual:
            return latents + x
        x = x.reshape(-1, *self.sample_shape)
        return jnp.tanh(x) if len(self.sample_shape) == 3 else x


class MLPDiscriminator(nn.Module):
    """Discriminator of a perceptron, of samples `[n, *sample_shape]`."""

    width: int
    depth: int
    heads: HeadSpec
    spectral_norm: bool = False
    fourier_features: int = 0
    max_frequency: float = 1.0

    @nn.compact
    def __call__(
        self,
        samples: Samples,
        labels: Labels | None = None,
        update_stats: bool = False,
        factors: Factors | None = None,
    ) -> DiscriminatorOutput:
        x = samples.reshape(len(samples), -1)
        if self.fourier_features:
            x = layers.FourierFeatures(self.fourier_features, self.max_frequency)(x)
        x = times(x, factors)
        for _ in range(self.depth):
            hidden = layers.normalised(layers.Dense(self.width), self.spectral_norm, update_stats)
            x = layers.leaky_relu(hidden(x, factors))
        return discriminator_output(x, labels, self.heads, self.spectral_norm, update_stats)
