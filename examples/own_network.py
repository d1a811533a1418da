"""Networks of your own: two functions a player, of any tree of arrays; no class, no framework.

    python examples/own_network.py

Both players are perceptrons with sines for activations. A module of any framework will do as well,
once `init` and `apply` are given as functions.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import cgan
from configs import CONFIGS

WIDTHS = (128, 128, 128)
OCTAVES = 2.0 ** np.arange(6)
"""Frequencies of the discriminator's inputs: modes are as narrow as the finest of them."""


def init(key, inputs, outputs):
    """Weights and biases of a perceptron, a layer each."""
    sizes = [inputs, *WIDTHS, outputs]
    keys = jax.random.split(key, len(sizes) - 1)
    scaled = zip(keys, sizes[:-1], sizes[1:], strict=True)
    return [(jax.random.normal(k, (n, m)) / n**0.5, jnp.zeros(m)) for k, n, m in scaled]


def perceptron(layers, x):
    """Sines between the layers; the last is linear."""
    *hidden, (weights, bias) = layers
    for inner, inner_bias in hidden:
        x = jnp.sin(x @ inner + inner_bias)
    return x @ weights + bias


def generate(params, latents):
    """Points that latents are moved to: `z + f(z)`."""
    return latents + perceptron(params, latents)


def octaves(samples):
    """Each coordinate's sine and cosine at each frequency."""
    angles = (samples[..., None] * OCTAVES).reshape(len(samples), -1)
    return jnp.concatenate([samples, jnp.sin(angles), jnp.cos(angles)], axis=1)


def discriminate(params, samples):
    """One score for each sample; it may see no other."""
    return perceptron(params, octaves(samples))[:, 0]


def main(total_nimg: int = 200_000, out: Path = Path("own_network.png")) -> None:
    """Train this pair on eight Gaussians, and draw what its generator makes."""
    config = replace(CONFIGS["ring8"], total_nimg=total_nimg, steps_per_dispatch=10)
    parts = cgan.Parts.of(config)
    networks = parts.networks.with_generator(partial(init, inputs=2, outputs=2), generate)
    inputs = 2 + 2 * 2 * len(OCTAVES)
    networks = networks.with_discriminator(partial(init, inputs=inputs, outputs=1), discriminate)
    parts = parts._replace(networks=networks)
    (trained,) = cgan.SeedTrainer(parts, jax.devices()[0]).train([config.seed])
    print(trained.failure or f"{trained.state.step} steps, all numbers finite")
    cgan.Sampler(parts).snapshot(trained.state.generator_ema, out, f"{total_nimg:,} points seen")


if __name__ == "__main__":
    main()
