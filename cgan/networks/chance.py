"""Chance in a generator's last layer: noise that is a function of the latent, and shot noise."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped, UInt32

from cgan.networks.convolution import Images
from cgan.types import RandomKey

HALF = 127.5
"""Levels of grey from the middle of an image's range to its ends."""
LEAST_RATE = 1e-3
"""Least electrons expected in a pixel, since the root of none has no derivative."""

Draw = Callable[[RandomKey, tuple[int, ...]], Array]


def noise_of(
    latents: Float[Array, "n latent_dim"], shape: tuple[int, ...], draw: Draw, stream: int = 0
) -> Shaped[Array, "n ..."]:
    """Noise for each latent, which is a function of its bits: a latent makes one sample.

    Args:
        latents: of a batch; noise is a constant to whoever differentiates by them.
        shape: of one sample's noise.
        draw: the distribution, as `jax.random.gumbel`.
        stream: another number is other noise of the same latents.
    """
    bits = jax.lax.bitcast_convert_type(jax.lax.stop_gradient(latents.astype("float32")), "uint32")
    if latents.dtype == jnp.bfloat16:
        bits = _mixed(bits)  # half of them are 0, and would leave 65,536 keys

    def of_row(bits: UInt32[Array, " latent_dim"]) -> Shaped[Array, "..."]:
        odd = np.arange(1, 2 * len(bits), 2, dtype=np.uint32) * np.uint32(2_654_435_761)
        key = jax.random.key(jnp.sum(bits * odd, dtype="uint32"))
        return draw(jax.random.fold_in(key, stream) if stream else key, shape)

    return jax.vmap(of_row)(bits)


def _mixed(bits: UInt32[Array, "*shape"]) -> UInt32[Array, "*shape"]:
    """Bits of which each depends on all: the last steps of MurmurHash3 (Appleby 2011)."""
    bits = (bits ^ (bits >> 16)) * np.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> 13)) * np.uint32(0xC2B2AE35)
    return bits ^ (bits >> 16)


def counted(
    expected: Images, latents: Float[Array, "n latent_dim"], gain: float
) -> Float[Array, "n height width channels"]:
    """Images as a counting detector records them, of images as they are expected.

    Of a rate of `r` electrons `r + sqrt(r) e + (e^2 - 1) / 6` are drawn, rounded, with e normal: a
    Poisson's quantiles to the second order (Cornish & Fisher 1938), whose total variation from a
    Poisson of 4 is .007 and of 80 is .0003; below 1 it is a rough one. Gradients pass through the
    rounding as if it were not there, and are those by the rate at the same e, so that the generator
    learns rates from images with noise (Bora, Price & Dimakis 2018, AmbientGAN).

    Args:
        expected: float32 in [-1, 1], which is from no electron on.
        latents: what they were made of.
        gain: levels of grey an electron, of 256.
    """
    rates = jnp.maximum((expected + 1) * (HALF / gain), LEAST_RATE)
    noise = noise_of(latents, expected.shape[1:], jax.random.normal)
    skew = jnp.minimum(rates, 1) * (noise**2 - 1) / 6  # of no rate there are no electrons
    drawn = jnp.maximum(rates + jnp.sqrt(rates) * noise + skew, 0)
    whole = drawn + jax.lax.stop_gradient(jnp.round(drawn) - drawn)
    return jnp.minimum(whole * (gain / HALF) - 1, 1)
