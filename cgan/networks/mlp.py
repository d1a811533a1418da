"""Multilayer perceptrons: for points in the plane and for tiny images."""

import math
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.networks import layers
from cgan.networks.cells import Vectors, across, around, sites, window_shape
from cgan.networks.chance import counted, noise_of
from cgan.networks.conditioning import beside_class_vectors
from cgan.networks.convolution import Images
from cgan.networks.factors import times
from cgan.networks.modules import TRUNK, Maps
from cgan.types import Factors, Labels, Samples

CODE = 16
"""Numbers that say what is at a site of a lattice."""
PLACE = 1
"""Stream of the noise that says at which site the code is; electrons have the first stream."""


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
    step on, and is moulded from there. With shot noise an image is one of the electrons expected,
    and what is recorded of it is drawn.

    With cells an image is the sum of windows around the sites of a lattice, by the same layers from
    a code of each site. It is 0 but at one site, drawn evenly: a crystal with one defect or none,
    which is as likely at any site whatever the network has learnt.
    """

    sample_shape: tuple[int, ...]
    width: int
    residual: bool = False
    shot_noise: float = 0.0
    cells: Vectors | None = None

    @nn.compact
    def __call__(
        self, latents: Float[Array, "n latent_dim"], maps: Maps, _labels: Labels | None
    ) -> Samples:
        if self.cells is not None:
            x = self._in_windows(latents, maps[TRUNK], self.cells)
        else:
            x = layers.Dense(math.prod(self.sample_shape), name="out")(maps[TRUNK])
        if self.residual:
            return latents + x
        x = x.reshape(-1, *self.sample_shape)
        if len(self.sample_shape) != 3:
            return x
        if not self.shot_noise:
            return jnp.tanh(x)
        return counted(jnp.tanh(x.astype("float32")), latents, self.shot_noise)

    def _in_windows(
        self, latents: Float[Array, "n latent_dim"], x: Float[Array, "n width"], cells: Vectors
    ) -> Images:
        number = len(sites(cells, *self.sample_shape[:2]))
        code = layers.Dense(CODE, name="code")(x)
        at = noise_of(latents, (), partial(jax.random.randint, minval=0, maxval=number), PLACE)
        codes = jax.nn.one_hot(at, number, dtype=code.dtype)[:, :, None] * code[:, None]
        units = layers.leaky_relu(layers.Dense(self.width, name="site")(codes))
        pixels = math.prod(window_shape(cells, self.sample_shape))
        return across(layers.Dense(pixels, name="out")(units), cells, self.sample_shape)


class MLPDiscriminatorTrunk(nn.Module):
    """Samples `[n, *sample_shape]` to hidden layers' units.

    With cells, images are read around each site of a lattice by the same layers, and of each unit
    the mean and the maximum over all sites are the features: to a move by lattice vectors they are
    blind, as a group convolution is that is pooled (Cohen & Welling 2016, section 6.3).
    """

    width: int
    depth: int
    spectral_norm: bool = False
    fourier_features: int = 0
    max_frequency: float = 1.0
    cells: Vectors | None = None

    @nn.compact
    def __call__(
        self, samples: Samples, update_stats: bool = False, factors: Factors | None = None
    ) -> Maps:
        x = samples.reshape(len(samples), -1) if self.cells is None else around(samples, self.cells)
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
        if self.cells is None:
            return maps | {TRUNK: x}
        mean = x.astype("float32").mean(axis=1).astype(x.dtype)
        return maps | {TRUNK: jnp.concatenate([mean, x.max(axis=1)], axis=-1)}
