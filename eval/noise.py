"""Uniform noise in the stored form of the data: the baseline that knows nothing."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Shaped, UInt8

from cgan.data import Source
from cgan.data.mixtures import RADIUS_SIGMAS
from eval.extractors.points import as_mixture

CHUNK = 256


def noise_chunks(source: Source, n: int, seed: int) -> Iterator[Shaped[np.ndarray, "_ ..."]]:
    """Draw n samples of uniform noise in the data's stored form, some at a time."""
    rng = np.random.default_rng([seed, 2])
    make = pixel_noise if len(source.sample_shape) == 3 else box_noise
    for start in range(0, n, CHUNK):
        yield make(source, min(CHUNK, n - start), rng)


def pixel_noise(
    source: Source, n: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "n height width channels"]:
    """Uniform noise over 0..255 in every pixel."""
    return rng.integers(0, 256, size=(n, *source.sample_shape), dtype=np.uint8)


def box_noise(source: Source, n: int, rng: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    """Uniform noise over the box around all modes, three standard deviations wider each way."""
    mixture = as_mixture(source)
    margin = RADIUS_SIGMAS * mixture.sigma
    low, high = mixture.means.min(axis=0) - margin, mixture.means.max(axis=0) + margin
    return rng.uniform(low, high, size=(n, 2)).astype(np.float32)
