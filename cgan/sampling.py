"""EMA weights to samples: of a run in training, or of one on disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from cgan import parallel, pictures
from cgan.assemble import Parts, assemble
from cgan.checkpoint import Checkpoints
from cgan.config import ConfigError, Data, Experiment, require
from cgan.networks import Latents
from cgan.rng import row_keys, stream_key
from cgan.state import TrainState
from cgan.types import Params
from cgan.workdir import Workdir

CHUNK = 1024
"""Samples made in one call."""
GRID_SIZE, GRID_COLUMNS = 64, 8
"""Images in a picture, and in one of its rows; a latent walk fills a row."""
SCATTER_SIZE = 2_500
"""Points in a picture."""


class Sampler:
    """Makes samples in the stored form (uint8 images, float32 points) from parameters."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._devices = jax.local_devices()
        self._generate = parallel.spread(parts.networks.generate, self._devices)

    def latents(self, n: int, seed: int, stream: str) -> Latents:
        """Latents of a named stream; the first of them do not depend on `n`."""
        return self._latents(np.arange(n), seed, stream)

    def _latents(self, rows: Int[np.ndarray, " n"], seed: int, stream: str) -> Latents:
        return self.parts.networks.draw_latents(
            row_keys(stream_key(seed, stream), jnp.asarray(rows))
        )

    def generate(self, params: Params, latents: Latents | np.ndarray) -> np.ndarray:
        """Samples `[n, *sample_shape]` from latents `[n, latent_dim]`, a chunk at a time.

        Raises:
            ConfigError: no latents at all.
        """
        require(len(latents) > 0, "n", len(latents), "more than 0")
        params = parallel.replicate(params, self._devices)
        chunk = min(CHUNK, len(latents))
        starts = range(0, len(latents), chunk)
        chunks = (np.asarray(latents[start : start + chunk]) for start in starts)
        return np.concatenate([self._decoded(params, rows, chunk) for rows in chunks])

    def stream(self, params: Params, n: int, seed: int, stream: str) -> Iterator[np.ndarray]:
        """`n` samples in the stored form, a chunk at a time: memory does not grow with `n`."""
        params = parallel.replicate(params, self._devices)
        for start in range(0, n, CHUNK):
            rows = np.arange(start, min(start + CHUNK, n))
            yield self._decoded(params, np.asarray(self._latents(rows, seed, stream)), CHUNK)

    def _decoded(self, params: Params, latents: np.ndarray, chunk: int) -> np.ndarray:
        """Samples of at most `chunk` latents, which are padded to one shape (one compilation)."""
        size = -(-chunk // len(self._devices)) * len(self._devices)
        padded = np.pad(latents, ((0, size - len(latents)), (0, 0)))
        made = np.asarray(self._generate(params, padded))[: len(latents)]
        return self.parts.source.decode(made)

    @property
    def picture_size(self) -> int:
        """How many samples make a picture."""
        return GRID_SIZE if self._makes_images else SCATTER_SIZE

    @property
    def _makes_images(self) -> bool:
        return len(self.parts.source.sample_shape) == 3

    def snapshot(self, params: Params, path: Path, title: str) -> None:
        """Draw the experiment's fixed latents: the same ones at every point of the run."""
        latents = self.latents(self.picture_size, self.parts.config.seed, "latents/snapshot")
        self.picture(self.generate(params, latents), path, title)

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
    def data(self) -> Data:
        """The data set that the run learnt."""
        return self.config.data


class Restored(NamedTuple):
    """The whole of a trained run: its parts and the state of one checkpoint, on one device."""

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
    parts = assemble(workdir.read_config())
    none_yet = ConfigError(f"{root}: has no checkpoints yet; must be a run that has saved one")
    if not workdir.checkpoints.is_dir():
        raise none_yet
    with Checkpoints(workdir.checkpoints) as checkpoints:
        nimg = checkpoints.latest() if nimg is None else nimg
        if nimg is None:
            raise none_yet
        like = parallel.abstract(parts.abstract_state(), jax.local_devices()[:1])
        return Restored(parts, checkpoints.restore(nimg, like), nimg)


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
    return Run(Sampler(parts), parallel.fetch(state.generator_ema), nimg)


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


def draw_samples(run: Run, n: int, seed: int) -> np.ndarray:
    """`n` samples in the stored form; the first of them do not depend on `n`."""
    return run.sampler.generate(run.params, run.sampler.latents(n, seed, "latents/samples"))


def stream_samples(run: Run, n: int, seed: int) -> Iterator[np.ndarray]:
    """The samples of `draw_samples`, up to rounding, a chunk at a time."""
    return run.sampler.stream(run.params, n, seed, "latents/samples")


def draw_walks(run: Run, walks: int, steps: int, seed: int) -> np.ndarray:
    """Samples on `walks` walks through latent space, `steps` on each, walk by walk."""
    ends = np.asarray(run.sampler.latents(2 * walks, seed, "latents/samples"))
    walk = WALKS[run.config.generator.latent]
    return run.sampler.generate(run.params, walk(ends, steps))


def straight_walks(
    ends: Float[np.ndarray, "ends latent_dim"], steps: int
) -> Float[np.ndarray, "n latent_dim"]:
    """Straight walks, which stay inside the box of uniform latents.

    Args:
        ends: where the walks begin and end, two by two.
        steps: points on each walk, its ends included.

    Returns:
        `[ends / 2 * steps, latent_dim]`, walk by walk.
    """
    share = np.linspace(0, 1, steps, dtype=ends.dtype)[None, :, None]
    walks = (1 - share) * ends[0::2, None] + share * ends[1::2, None]
    return walks.reshape(-1, ends.shape[-1])


def great_circle_walks(
    ends: Float[np.ndarray, "ends latent_dim"], steps: int
) -> Float[np.ndarray, "n latent_dim"]:
    """Great-circle walks, which stay at the radius of normal latents (White 2016, eq. 1).

    Args and returns as for `straight_walks`; ends in line with the origin are walked straight.
    """
    starts, stops = ends[0::2, None], ends[1::2, None]
    norms = np.linalg.norm(starts, axis=-1) * np.linalg.norm(stops, axis=-1)
    cosine = np.einsum("wsd,wsd->ws", starts, stops) / norms
    angle = np.arccos(np.clip(cosine, -1, 1))[..., None]
    share = np.linspace(0, 1, steps, dtype=ends.dtype)[None, :, None]
    sine = np.sin(angle)
    curved = sine > 1e-6
    arc = np.sin((1 - share) * angle) * starts + np.sin(share * angle) * stops
    arc = (arc / np.where(curved, sine, 1)).reshape(-1, ends.shape[-1])
    return np.where(curved.repeat(steps, axis=1).reshape(-1, 1), arc, straight_walks(ends, steps))


WALKS = {"normal": great_circle_walks, "uniform": straight_walks}
"""How to walk between latents of each distribution without leaving it."""
