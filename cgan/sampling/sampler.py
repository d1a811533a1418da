"""Samples from a generator's parameters, in the stored form, and their picture."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, Shaped

from cgan import parallel
from cgan.assemble import Parts
from cgan.config import Experiment, require
from cgan.networks import Latents
from cgan.rng import row_keys, stream_key
from cgan.sampling.labels import draw_labels
from cgan.sampling.pictures import PICTURES, Tiles
from cgan.types import Params

CHUNK = 1024
"""Most samples made in one call."""
GRID_CLASSES = 16
"""Most classes that have a row each in the picture of a conditional run."""


class Asked(NamedTuple):
    """Latents and labels that samples are made from, a row for each."""

    latents: Float[np.ndarray, "n *latent"]
    labels: Int[np.ndarray, " n"] | None
    """Classes that the samples are to be of; None where the networks see none."""


class Stream:
    """Samples in chunks, each drawn when it is asked for, and again when it is asked for again.

    A chunk can be drawn without those before it, so that several processes share the work.
    """

    def __init__(self, draw: Callable[[int], np.ndarray], n: int, size: int) -> None:
        """Make the stream.

        Args:
            draw: makes the chunk that starts with the sample of this number.
            n: number of samples.
            size: of a chunk; the last one may be smaller.
        """
        self._draw, self._starts = draw, range(0, n, size)

    def __iter__(self) -> Iterator[np.ndarray]:
        """All the chunks, in order."""
        return self.every(0, 1)

    def every(self, first: int, step: int) -> Iterator[np.ndarray]:
        """Every so many-th chunk from this one on; the others are not drawn."""
        return (self._draw(start) for start in self._starts[first::step])


def chunk_size(config: Experiment) -> int:
    """Number of samples made in one call: few for networks that train in micro-batches.

    Four of those: without gradients a sample takes a part of what it takes in training.
    """
    if config.micro_batches == 1:
        return CHUNK
    return min(CHUNK, 4 * config.batch_size // config.micro_batches)


class Sampler:
    """Makes samples in the stored form (uint8 images, float32 points) from parameters."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.form = PICTURES[parts.source.kind]
        self._devices = jax.local_devices()
        self._chunk = chunk_size(parts.config)
        self._generate = parallel.spread(
            lambda params, asked: parts.networks.generate(params, *asked), self._devices
        )

    def latents(self, n: int, seed: int, stream: str) -> Latents:
        """Draw latents of a named stream; the first of them do not depend on `n`.

        Of a generator that translates they are held-out pictures.
        """
        return self._latents(np.arange(n), seed, stream)

    def _latents(self, rows: Int[np.ndarray, " n"], seed: int, stream: str) -> Latents:
        if self.parts.given is not None:
            return jnp.asarray(self.parts.given.pictures(rows, seed, stream))
        return self.parts.networks.draw_latents(
            row_keys(stream_key(seed, stream), jnp.asarray(rows))
        )

    def labels(self, n: int, seed: int, stream: str) -> Int[np.ndarray, " n"] | None:
        """Draw classes of a named stream by the data's shares; None where there are none.

        The first of them do not depend on `n`.
        """
        return self._labels(np.arange(n), seed, stream)

    def _labels(
        self, rows: Int[np.ndarray, " n"], seed: int, stream: str
    ) -> Int[np.ndarray, " n"] | None:
        if not self.parts.classes:
            return None
        keys = row_keys(stream_key(seed, f"{stream}/labels"), jnp.asarray(rows))
        return draw_labels(self.parts.source.class_weights, keys)

    def generate(
        self,
        params: Params,
        latents: Latents | np.ndarray,
        labels: Int[np.ndarray, " n"] | None = None,
    ) -> np.ndarray:
        """Generate samples `[n, *sample_shape]` from latents `[n, latent_dim]`, a chunk at a time.

        Args:
            params: of the generator.
            latents: one for each sample.
            labels: their classes, where the networks see any.

        Raises:
            ConfigError: no latents at all.
        """
        require(len(latents) > 0, "n", len(latents), "more than 0")
        params = parallel.replicate(params, self._devices)
        asked = Asked(np.asarray(latents), labels)
        chunk = min(self._chunk, len(latents))
        chunks = (
            jax.tree.map(lambda leaf, start=start: leaf[start : start + chunk], asked)
            for start in range(0, len(latents), chunk)
        )
        return np.concatenate([self._decoded(params, rows, chunk) for rows in chunks])

    def stream(self, params: Params, n: int, seed: int, stream: str) -> "Stream":
        """Stream `n` samples in the stored form, by chunks: memory does not grow with `n`."""
        params = parallel.replicate(params, self._devices)
        chunk = min(self._chunk, n)

        def draw(start: int) -> np.ndarray:
            rows = np.arange(start, min(start + chunk, n))
            latents = np.asarray(self._latents(rows, seed, stream))
            return self._decoded(params, Asked(latents, self._labels(rows, seed, stream)), chunk)

        return Stream(draw, n, chunk)

    def _decoded(self, params: Params, asked: Asked, chunk: int) -> np.ndarray:
        """Generate samples of at most `chunk` rows, padded to one shape (one compilation)."""
        n, size = len(asked.latents), -(-chunk // len(self._devices)) * len(self._devices)

        def padded(leaf: Shaped[np.ndarray, "n ..."]) -> Shaped[np.ndarray, "size ..."]:
            return np.pad(leaf, [(0, size - n)] + [(0, 0)] * (leaf.ndim - 1))

        made = np.asarray(self._generate(params, jax.tree.map(padded, asked)))[:n]
        return self.parts.source.decode(made)

    @property
    def picture_size(self) -> int:
        """Number of samples that make a picture."""
        each = self._of_each_class
        return self.form.size if each is None else self.parts.classes * each

    @property
    def _of_each_class(self) -> int | None:
        """How many of each class a picture has, in a row of their own; None where it has none."""
        if isinstance(self.form, Tiles) and 0 < self.parts.classes <= GRID_CLASSES:
            return self.form.columns
        return None

    def snapshot(self, params: Params, path: Path, title: str) -> None:
        """Draw the experiment's fixed latents: the same ones at every point of the run."""
        self.picture(self.pictured(params, self.parts.config.seed, "latents/snapshot"), path, title)

    def snapshot_of_all(self, generators: Sequence[Params], path: Path, title: str) -> None:
        """Draw the fixed latents by several generators, each its share of the picture, in order."""
        seed = self.parts.config.seed
        shares = np.array_split(np.arange(self.picture_size), len(generators))
        drawn = [
            self.pictured(params, seed, "latents/snapshot")[rows]
            for params, rows in zip(generators, shares, strict=True)
        ]
        self.picture(np.concatenate(drawn), path, title)

    def pictured(self, params: Params, seed: int, stream: str) -> np.ndarray:
        """Draw the samples of a picture: a row for each class if they are few.

        Otherwise classes follow the data's shares.
        """
        size = self.picture_size
        if self.parts.given is not None:
            return self._beside_given(params, size, seed, stream)
        labels = self.labels(size, seed, stream)
        if (each := self._of_each_class) is not None:
            labels = np.arange(self.parts.classes, dtype=np.int32).repeat(each)
        return self.generate(params, self.latents(size, seed, stream), labels)

    def _beside_given(self, params: Params, size: int, seed: int, stream: str) -> np.ndarray:
        """Held-out pictures and their translations: a row of the ones above a row of the others."""
        assert isinstance(self.form, Tiles)
        columns = self.form.columns
        latents = np.asarray(self.latents(size // 2, seed, stream))
        shown = self.parts.source.decode(latents), self.generate(params, latents)
        rows = [images.reshape(-1, columns, *images.shape[1:]) for images in shown]
        return np.stack(rows, axis=1).reshape(size, *latents.shape[1:])

    def picture(self, samples: np.ndarray, path: Path, title: str, walks: int = 0) -> None:
        """Write what a picture of these samples is, such as a grid of images.

        Args:
            samples: in the stored form.
            path: the PNG file to write.
            title: of a scatter.
            walks: the samples are this many walks, in rows or joined; 0 for single samples.
        """
        self.form.save(path, samples, self.parts.source, title, walks)
