"""EMA weights to samples: of a run in training, or of one on disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, Shaped

from cgan import parallel, pictures, run_data
from cgan.assemble import Parts, assemble_on
from cgan.checkpoint import Checkpoints
from cgan.config import ConfigError, Data, Experiment, require
from cgan.labels import draw_labels, find_class
from cgan.networks import Latents
from cgan.rng import row_keys, stream_key
from cgan.state import TrainState
from cgan.types import Params
from cgan.walks import WALKS
from cgan.workdir import Workdir

CHUNK = 1024
"""Samples made in one call, at most."""
GRID_SIZE, GRID_COLUMNS = 64, 8
"""Images in a picture, and in one of its rows; a latent walk fills a row."""
GRID_CLASSES = 16
"""So many classes at most have a row each in the picture of a conditional run."""
SCATTER_SIZE = 2_500
"""Points in a picture."""


class Asked(NamedTuple):
    """What samples are made from, a row for each."""

    latents: Float[np.ndarray, "n latent_dim"]
    labels: Int[np.ndarray, " n"] | None
    """The classes that they are to be of; None where the networks see none."""


def chunk_size(config: Experiment) -> int:
    """Samples made in one call: few for networks so large that they train in micro-batches.

    Four of those: without gradients a sample takes a part of what it takes in training.
    """
    if config.micro_batches == 1:
        return CHUNK
    return min(CHUNK, 4 * config.batch_size // config.micro_batches)


class Sampler:
    """Makes samples in the stored form (uint8 images, float32 points) from parameters."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._devices = jax.local_devices()
        self._chunk = chunk_size(parts.config)
        self._generate = parallel.spread(
            lambda params, asked: parts.networks.generate(params, *asked), self._devices
        )

    def latents(self, n: int, seed: int, stream: str) -> Latents:
        """Latents of a named stream; the first of them do not depend on `n`."""
        return self._latents(np.arange(n), seed, stream)

    def _latents(self, rows: Int[np.ndarray, " n"], seed: int, stream: str) -> Latents:
        return self.parts.networks.draw_latents(
            row_keys(stream_key(seed, stream), jnp.asarray(rows))
        )

    def labels(self, n: int, seed: int, stream: str) -> Int[np.ndarray, " n"] | None:
        """Classes of a named stream's samples by the data's shares; None where there are none.

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
        """Samples `[n, *sample_shape]` from latents `[n, latent_dim]`, a chunk at a time.

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

    def stream(self, params: Params, n: int, seed: int, stream: str) -> Iterator[np.ndarray]:
        """`n` samples in the stored form, a chunk at a time: memory does not grow with `n`."""
        params = parallel.replicate(params, self._devices)
        chunk = min(self._chunk, n)
        for start in range(0, n, chunk):
            rows = np.arange(start, min(start + chunk, n))
            latents = np.asarray(self._latents(rows, seed, stream))
            yield self._decoded(params, Asked(latents, self._labels(rows, seed, stream)), chunk)

    def _decoded(self, params: Params, asked: Asked, chunk: int) -> np.ndarray:
        """Samples of at most `chunk` rows, which are padded to one shape (one compilation)."""
        n, size = len(asked.latents), -(-chunk // len(self._devices)) * len(self._devices)

        def padded(leaf: Shaped[np.ndarray, "n ..."]) -> Shaped[np.ndarray, "size ..."]:
            return np.pad(leaf, [(0, size - n)] + [(0, 0)] * (leaf.ndim - 1))

        made = np.asarray(self._generate(params, jax.tree.map(padded, asked)))[:n]
        return self.parts.source.decode(made)

    @property
    def picture_size(self) -> int:
        """How many samples make a picture."""
        if not self._makes_images:
            return SCATTER_SIZE
        return self.parts.classes * GRID_COLUMNS if self._has_row_for_each_class else GRID_SIZE

    @property
    def _has_row_for_each_class(self) -> bool:
        return self._makes_images and 0 < self.parts.classes <= GRID_CLASSES

    @property
    def _makes_images(self) -> bool:
        return len(self.parts.source.sample_shape) == 3

    def snapshot(self, params: Params, path: Path, title: str) -> None:
        """Draw the experiment's fixed latents: the same ones at every point of the run."""
        self.picture(self.pictured(params, self.parts.config.seed, "latents/snapshot"), path, title)

    def pictured(self, params: Params, seed: int, stream: str) -> np.ndarray:
        """The samples of a picture: a row for each class if they are few, else by their shares."""
        size = self.picture_size
        labels = self.labels(size, seed, stream)
        if self._has_row_for_each_class:
            labels = np.arange(self.parts.classes, dtype=np.int32).repeat(GRID_COLUMNS)
        return self.generate(params, self.latents(size, seed, stream), labels)

    def picture(self, samples: np.ndarray, path: Path, title: str, walks: int = 0) -> None:
        """Write a grid of images, or a scatter of points over the real ones.

        Args:
            samples: in the stored form.
            path: the PNG file to write.
            title: of the scatter.
            walks: the points are this many walks, to be joined; 0 for single points.
        """
        if self._makes_images:
            pictures.save_image_grid(path, samples, GRID_COLUMNS)
        else:
            real = self.parts.source[np.arange(SCATTER_SIZE)].x
            pictures.save_scatter(path, samples, np.asarray(real), title, walks)


class Run(NamedTuple):
    """A trained run: its sampler and the EMA weights of one checkpoint."""

    sampler: Sampler
    params: Params
    nimg: int
    """Images seen by the checkpoint."""

    @property
    def config(self) -> Experiment:
        """The run's config."""
        return self.sampler.parts.config

    @property
    def has_classes(self) -> bool:
        """Whether its samples are asked for by class."""
        return self.config.conditioning.labels

    @property
    def data(self) -> Data:
        """The data set that the run learnt."""
        return self.config.data


class Restored(NamedTuple):
    """The whole of a trained run: its parts and the state of one checkpoint, on the host."""

    parts: Parts
    state: TrainState
    nimg: int
    """Images seen by the checkpoint."""


def restore_run(root: Path, nimg: int | None = None) -> Restored:
    """Read all of a run from its folder.

    Args:
        root: the run's folder.
        nimg: which checkpoint, by images seen; None for the newest.

    Raises:
        ConfigError: the folder holds no run, no checkpoint, or not this one.
    """
    workdir = Workdir(root)
    config = workdir.read_config()
    parts = assemble_on(config, run_data.source_of(workdir, config))
    none_yet = ConfigError(f"{root}: has no checkpoints yet; must be a run that has saved one")
    if not workdir.checkpoints.is_dir():
        raise none_yet
    with Checkpoints(workdir.checkpoints) as checkpoints:
        nimg = checkpoints.latest() if nimg is None else nimg
        if nimg is None:
            raise none_yet
        return Restored(parts, checkpoints.restore(nimg, parts.abstract_state()).state, nimg)


def load_run(root: Path, nimg: int | None = None, step: int | None = None) -> Run:
    """Read from a run's folder what its samples need.

    Args:
        root: the run's folder.
        nimg: which checkpoint, by images seen; None for the newest.
        step: which checkpoint, by training steps instead.

    Raises:
        ConfigError: as for `restore_run`.
    """
    if step is not None:
        nimg = _of_step(Workdir(root), step)
    parts, state, nimg = restore_run(root, nimg)
    return Run(Sampler(parts), state.generator_ema, nimg)


def _of_step(workdir: Workdir, step: int) -> int:
    """Images seen by the checkpoint after so many steps.

    Raises:
        ConfigError: no checkpoint was saved then.
    """
    batch_size = workdir.read_config().batch_size
    if workdir.checkpoints.is_dir():
        with Checkpoints(workdir.checkpoints) as checkpoints:
            steps = [nimg // batch_size for nimg in checkpoints.all()]
        expected = f"one of {', '.join(map(str, steps))}, where there are checkpoints"
        require(step in steps or not steps, "step", step, expected)
    return step * batch_size


def asked_labels(run: Run, n: int, seed: int) -> Int[np.ndarray, " n"] | None:
    """The classes that the samples of `draw_samples` are asked for; None for a run without."""
    return run.sampler.labels(n, seed, "latents/samples")


def named_class(run: Run, wanted: str) -> int:
    """The class of this name or index.

    Raises:
        ConfigError: the run has no such class, or learnt without labels.
    """
    parts = run.sampler.parts
    expected = "left out for this run, which learnt without labels (conditioning.labels = False)"
    require(parts.classes > 0, "class", wanted, expected)
    return find_class(parts.source.class_names, wanted)


def draw_samples(run: Run, n: int, seed: int, label: int | None = None) -> np.ndarray:
    """`n` samples in the stored form; the first of them do not depend on `n`.

    Args:
        run: what to draw from.
        n: how many.
        seed: of the latents, and of the classes where there are any.
        label: the one class to draw instead; None for classes by the data's shares.
    """
    labels = asked_labels(run, n, seed) if label is None else np.full(n, label, np.int32)
    latents = run.sampler.latents(n, seed, "latents/samples")
    return run.sampler.generate(run.params, latents, labels)


def draw_picture(run: Run, seed: int) -> np.ndarray:
    """The samples of the run's usual picture: see `Sampler.pictured`."""
    return run.sampler.pictured(run.params, seed, "latents/samples")


def stream_samples(run: Run, n: int, seed: int) -> Iterator[np.ndarray]:
    """The samples of `draw_samples`, up to rounding, a chunk at a time."""
    return run.sampler.stream(run.params, n, seed, "latents/samples")


def draw_walks(run: Run, walks: int, steps: int, seed: int, label: int | None = None) -> np.ndarray:
    """Samples on `walks` walks through latent space, `steps` on each, walk by walk.

    A walk stays in the class of the sample that it starts from, or in that of `label`.
    """
    labels = asked_labels(run, 2 * walks, seed)
    if labels is not None:
        labels = labels[0::2].repeat(steps)
        labels = labels if label is None else np.full_like(labels, label)
    ends = np.asarray(run.sampler.latents(2 * walks, seed, "latents/samples"))
    walk = WALKS[run.config.generator.latent]
    return run.sampler.generate(run.params, walk(ends, steps), labels)
