"""Layers that the networks share, written in the forms that are fast on every XLA backend.

Resampling by 2 is space-to-depth or depth-to-space around a matrix product: the same linear maps
as a 2x2 convolution with stride 2 and its transpose, without the transposed convolution that is
several times slower on XLA's CPU backend.

A layer computes in its input's dtype; its parameters are float32 and are rounded where they are
used. So the precision of a network is that of what goes in.
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgan.networks import exactness
from cgan.networks.convolution import Images, convolve
from cgan.networks.factors import add_bias
from cgan.networks.sinusoids import sines_and_cosines
from cgan.types import Embeddings, Factors

LEAK = 0.2


def leaky_relu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Leaky ReLU with slope 0.2 below zero, the usual choice in GANs (Radford et al. 2016)."""
    return nn.leaky_relu(x, LEAK)


def depth_to_space(
    x: Float[Array, "n height width channels"], side: int = 2
) -> Float[Array, "n {side}*height {side}*width channels//({side}*{side})"]:
    """Pixel shuffle (Shi et al. 2016): `[n, h, w, s s c]` to `[n, s h, s w, c]` for a side of s."""
    n, height, width, channels = x.shape
    features = channels // side**2
    x = x.reshape(n, height, width, side, side, features)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, side * height, side * width, features)


def space_to_depth(
    x: Float[Array, "n height width channels"], side: int = 2
) -> Float[Array, "n height//{side} width//{side} {side}*{side}*channels"]:
    """Pixel unshuffle, the inverse of the shuffle: `[n, s h, s w, c]` to `[n, h, w, s s c]`."""
    n, height, width, channels = x.shape
    rows, columns = height // side, width // side
    x = x.reshape(n, rows, side, columns, side, channels)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, rows, columns, side**2 * channels)


class Conv3x3(nn.Module):
    """A 3x3 convolution, stride 1, zero padding, with a bias."""

    features: int

    @nn.compact
    def __call__(
        self, x: Images, factors: Factors | None = None
    ) -> Float[Array, "n height width features"]:
        shape = (9 * x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.he_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return add_bias(convolve(x, kernel.astype(x.dtype)), bias, factors)


def normalized(layer: nn.Module, spectral_norm: bool, update_stats: bool) -> Callable[..., Array]:
    """The layer, its kernel divided by its largest singular value where asked for.

    The value is estimated by one step of power iteration a call (Miyato et al. 2018, algorithm
    1), whose iterate lives in the collection `batch_stats`, named after the layer.

    Args:
        layer: a layer with a two-dimensional `kernel`, and a name.
        spectral_norm: whether to normalise at all.
        update_stats: keep the iterate that this call's step of the iteration reached.
    """
    if not spectral_norm:
        return layer
    wrapped = nn.SpectralNorm(layer, epsilon=1e-12, name=f"{layer.name}_norm")
    return lambda *inputs: wrapped(*inputs, update_stats=update_stats)


class FourierFeatures(nn.Module):
    """Fixed random sines and cosines of the inputs, beside the inputs (Tancik et al. 2020).

    Directions are uniform; frequencies are log-uniform from 1 to `max_frequency`, so that fine and
    coarse structure get as many each. They are constants, the same for every seed.
    """

    count: int
    max_frequency: float

    @nn.compact
    def __call__(self, x: Float[Array, "*rows inputs"]) -> Float[Array, "*rows outputs"]:
        rng = np.random.default_rng(0)
        directions = rng.normal(size=(x.shape[-1], self.count))
        directions /= np.linalg.norm(directions, axis=0)
        frequencies = self.max_frequency ** rng.uniform(size=self.count)
        waves = jnp.asarray(directions * frequencies, x.dtype)
        phases = jnp.matmul(x, waves, precision=exactness.HIGHEST)
        return jnp.concatenate([x, *sines_and_cosines(phases)], axis=-1)


def product(
    x: Float[Array, "*rows inputs"], kernel: Float[Array | np.ndarray, "inputs outputs"]
) -> Float[Array, "*rows outputs"]:
    """A product `x @ kernel` of two matrices, whose gradients XLA's CPU backend is faster at."""
    flat = x.reshape(-1, x.shape[-1])
    found = jnp.matmul(flat, kernel, precision=exactness.of_operand(x))
    return found.reshape(*x.shape[:-1], kernel.shape[1])


class Dense(nn.Module):
    """A matrix product over the last axis, with a bias; of maps it is a 1x1 convolution."""

    features: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "*rows inputs"], factors: Factors | None = None
    ) -> Float[Array, "*rows outputs"]:
        shape = (x.shape[-1], self.features)
        kernel = self.param("kernel", nn.initializers.he_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return add_bias(product(x, kernel.astype(x.dtype)), bias, factors)


class Pointwise(nn.Module):
    """A matrix product over the last axis, a 1x1 convolution, without a bias.

    Weights start normal, their standard deviation `gain` over the root of the inputs' number.
    """

    features: int
    gain: float = 1.0

    @nn.compact
    def __call__(self, x: Float[Array, "*rows inputs"]) -> Float[Array, "*rows outputs"]:
        inputs = x.shape[-1]
        init = nn.initializers.normal(self.gain * inputs**-0.5)
        kernel = self.param("kernel", init, (inputs, self.features))
        return product(x, kernel.astype(x.dtype))


def on_sphere(x: Float[Array, "n dimensions"]) -> Embeddings:
    """Divide each vector by its length; a vector of zeros stays one."""
    return x * jax.lax.rsqrt(jnp.sum(jnp.square(x), axis=-1, keepdims=True) + 1e-12)
