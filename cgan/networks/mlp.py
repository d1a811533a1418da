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

Vectors = tuple[int, int, int, int]
"""Two lattice vectors in whole pixels, each down and right."""
Windows = Float[Array, "n sites pixels"]


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


def sites(vectors: Vectors, height: int, width: int) -> list[tuple[int, int]]:
    """All sites of a lattice on the torus of so many pixels, found by walking from the first.

    >>> sites((2, 1, 0, 2), 4, 4)
    [(0, 0), (0, 2), (2, 1), (2, 3)]
    """
    found, new = {(0, 0)}, [(0, 0)]
    while new:
        down, right = new.pop()
        for step in (vectors[:2], vectors[2:]):
            place = ((down + step[0]) % height, (right + step[1]) % width)
            if place not in found:
                found.add(place)
                new.append(place)
    return sorted(found)


def around(images: Float[Array, "n height width channels"], vectors: Vectors) -> Windows:
    """Windows of images at each site, of two steps of the lattice along each side.

    What lies beyond an edge lies at the opposite one, so a move by a lattice vector permutes them.
    """
    height, width = images.shape[1:3]
    tall, wide = (
        min(2 * max(abs(vectors[axis]), abs(vectors[axis + 2])), side)
        for axis, side in ((0, height), (1, width))
    )
    padded = jnp.pad(images, ((0, 0), (0, tall), (0, wide), (0, 0)), mode="wrap")
    windows = [
        padded[:, down : down + tall, right : right + wide].reshape(len(images), -1)
        for down, right in sites(vectors, height, width)
    ]
    return jnp.stack(windows, axis=1)
