"""Uniform noise in the stored form of the data: the baseline that knows nothing."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float, Shaped, UInt8

from cgan.data import Source
from cgan.data.abilities import known_modes
from cgan.data.mixtures import RADIUS_SIGMAS
from cgan.kinds import DNA, IMAGE, POINT, PROTEIN, SEQUENCE, Kind

CHUNK = 256
BOUNDED_BY = 10_000
"""Samples that say where points without known modes lie."""


def noise_chunks(source: Source, n: int, seed: int) -> Iterator[Shaped[np.ndarray, "_ ..."]]:
    """Draw n samples of uniform noise, some at a time."""
    rng = np.random.default_rng([seed, 2])
    make = NOISE[source.kind]
    for start in range(0, n, CHUNK):
        yield make(source, min(CHUNK, n - start), rng)


def pixel_noise(
    source: Source, n: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "n height width channels"]:
    """Images whose every pixel is uniform over 0..255."""
    return rng.integers(0, 256, size=(n, *source.sample_shape), dtype=np.uint8)


def box_noise(
    source: Source, n: int, rng: np.random.Generator
) -> Float[np.ndarray, "n dimensions"]:
    """Points uniform over the box around all modes, three standard deviations wider on each side.

    Where no modes are known it is the box around the first samples.
    """
    modes = known_modes(source)
    if modes is None:
        some = np.asarray(source[np.arange(min(len(source), BOUNDED_BY))].x)
        low, high = some.min(axis=0), some.max(axis=0)
    else:
        margin = RADIUS_SIGMAS * modes.sigma
        low, high = modes.means.min(axis=0) - margin, modes.means.max(axis=0) + margin
    return rng.uniform(low, high, size=(n, *source.sample_shape)).astype(np.float32)


def letter_noise(
    source: Source, n: int, rng: np.random.Generator
) -> Shaped[np.ndarray, "n length letters"]:
    """Sequences of one letter at each place, each as likely as the others."""
    length, letters = source.sample_shape
    one_hot = np.eye(letters, dtype=np.asarray(source[np.arange(1)].x).dtype)
    return one_hot[rng.integers(letters, size=(n, length))]


NOISE: dict[Kind, Callable[[Source, int, np.random.Generator], np.ndarray]] = {
    IMAGE: pixel_noise,
    POINT: box_noise,
    SEQUENCE: letter_noise,
    DNA: letter_noise,
    PROTEIN: letter_noise,
}
"""Functions that draw uniform noise like some data, by the kind of the samples."""
