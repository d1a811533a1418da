"""Multilayer perceptrons: for points in the plane and for tiny images."""

import math

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.networks import layers
from cgan.networks.conditioning import beside_class_vectors
from cgan.networks.factors import times
from cgan.networks.modules import TRUNK, Maps
from cgan.types import Factors, Labels, Samples


class MLPGeneratorTrunk(nn.Module):
    """Latents `[n, latent_dim]`, with labels where there are classes, to hidden layers' units."""

    width: int
    depth: int
    fourier_features: int = 0
    max_frequency: float = 1.0
    classes: int = 0
    class_dimensions: int = 0

    @nn.compact
    def __call__(self, latents: Float[Array, "n latent_dim"], labels: Labels | None) -> Maps:
        x = latents
        if self.fourier_features:
            x = layers.FourierFeatures(self.fourier_features, self.max_frequency)(x)
        x = beside_class_vectors(x, labels, self.classes, self.class_dimensions)
        maps = {}
        for number in range(self.depth):
            name = f"layer_{number}"
            maps[name] = x = layers.leaky_relu(layers.Dense(self.width, name=name)(x))
        return maps | {TRUNK: x}


class MLPGeneratorHead(nn.Module):
    """Units to `[n, *sample_shape]`: images end in tanh, points (one axis) in a linear layer.

    Points may be `z + f(z)`: a map that starts near the identity covers the plane from the first
    step on, and is moulded from there.
    """

    sample_shape: tuple[int, ...]
    residual: bool = False

    @nn.compact
    def __call__(
        self, latents: Float[Array, "n latent_dim"], maps: Maps, _labels: Labels | None
    ) -> Samples:
        x = layers.Dense(math.prod(self.sample_shape), name="out")(maps[TRUNK])
        if self.residual:
            return latents + x
        x = x.reshape(-1, *self.sample_shape)
        return jnp.tanh(x) if len(self.sample_shape) == 3 else x


class MLPDiscriminatorTrunk(nn.Module):
    """Samples `[n, *sample_shape]` to hidden layers' units."""

    width: int
    depth: int
    spectral_norm: bool = False
    fourier_features: int = 0
    max_frequency: float = 1.0

    @nn.compact
    def __call__(
        self, samples: Samples, update_stats: bool = False, factors: Factors | None = None
    ) -> Maps:
        x = samples.reshape(len(samples), -1)
        if self.fourier_features:
            x = layers.FourierFeatures(self.fourier_features, self.max_frequency)(x)
        x = times(x, factors)
        maps = {}
        for number in range(self.depth):
            name = f"layer_{number}"
            hidden = layers.normalized(
                layers.Dense(self.width, name=name), self.spectral_norm, update_stats
            )
            maps[name] = x = layers.leaky_relu(hidden(x, factors))
        return maps | {TRUNK: x}
