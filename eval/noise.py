"""Uniform noise in the stored form of each kind of data: the baseline that knows nothing."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, UInt8

from cgan.data import Source
from eval.extractors.points import RADIUS_SIGMAS, as_mixture
from eval.metrics import Kind


def pixel_noise(
    source: Source, n: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "n height width channels"]:
    """Every pixel uniform over 0..255."""
    return rng.integers(0, 256, size=(n, *source.sample_shape), dtype=np.uint8)


def box_noise(source: Source, n: int, rng: np.random.Generator) -> Float[np.ndarray, "n 2"]:
    """Uniform over the box around all modes, three standard deviations wider on each side."""
    mixture = as_mixture(source)
    margin = RADIUS_SIGMAS * mixture.sigma
    low, high = mixture.means.min(axis=0) - margin, mixture.means.max(axis=0) + margin
    return rng.uniform(low, high, size=(n, 2)).astype(np.float32)


NOISE: dict[Kind, Callable[[Source, int, np.random.Generator], np.ndarray]] = {
    "digit_images": pixel_noise,
    "points": box_noise,
}
