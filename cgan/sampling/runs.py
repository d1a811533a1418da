"""Trained runs on disk: what their samples need, and samples, pictures and walks of them."""

from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Int

from cgan.assemble import Parts, assemble_on
from cgan.config import ConfigError, Data, Experiment, require
from cgan.data import Source
from cgan.run_folder import run_data
from cgan.run_folder.checkpoint import Checkpoints, FormerName, unchanged
from cgan.run_folder.workdir import Workdir
from cgan.sampling.interpolation import WALKS
from cgan.sampling.labels import find_class
from cgan.sampling.sampler import Sampler, Stream
from cgan.state import TrainState
from cgan.types import Params

State = TypeVar("State")
STREAM = "latents/samples"
"""The stream that samples of a run are drawn of."""
NO_WALKS = "left out: the run translates pictures, between which nothing lies"


class Run(NamedTuple):
    """A trained run: its sampler and the EMA weights of one checkpoint."""

    sampler: Sampler
    params: Params
    nimg: int
    """Images seen by the checkpoint."""

    @property
    def config(self) -> Experiment:
        """Config of the run."""
        return self.sampler.parts.config

    @property
    def has_classes(self) -> bool:
        """Whether samples of the run are asked for by class."""
        return self.config.conditioning.labels

    @property
    def data(self) -> Data:
        """Settings of the data set that the run learnt."""
        return self.config.data


class Restored(NamedTuple):
    """The whole of a trained run: its parts and the state of one checkpoint, on the host."""

    parts: Parts
    state: TrainState
    nimg: int
    """Images seen by the checkpoint."""


def restore_run(
    root: Path, nimg: int | None = None, source: Source | None = None, client: int | None = None
) -> Restored:
    """Read all of a run from its folder; of one with clients their average, or one of them.

    Args:
        root: the run's folder.
        nimg: which checkpoint, by images seen; None for the newest.
        source: what the run learnt, where a program handed that to `train`.
        client: number of one client; None for the average, where there are any.

    Raises:
        ConfigError: the folder holds no run, no checkpoint, or not this one; or a run that learnt
            an object needs it, or another one; or clients have no average, or there is no such one.
    """
    run = restore_whole(root, nimg, source)
    return run._replace(state=_judged(run.parts, run.state, client))


def restore_whole(root: Path, nimg: int | None = None, source: Source | None = None) -> Restored:
    """Read all of a run from its folder; of one with clients, the state of all of them.

    Args and errors are those of `restore_run`.
    """
    workdir = Workdir(root)
    config = workdir.read_config()
    parts = assemble_on(config, run_data.source_of(workdir, config, source))
    former = parts.networks.former_names.of_array
    return Restored(parts, *restore_state(workdir, nimg, parts.abstract_state(), former))


def _judged(parts: Parts, state: TrainState, client: int | None) -> TrainState:
    if client is not None:
        return parts.of_client(state, client)
    if parts.are_isolated:
        raise ConfigError(
            f"{parts.config.workdir}: its {parts.config.federated.clients} clients never averaged "
            "(federated.local_steps = 0), so that there is no generator to judge; must be a run "
            "that averages, or one of the clients: python -m cgan.sample RUN --client 0"
        )
    return parts.judged(state)


def restore_state(
    workdir: Workdir, nimg: int | None, form: State, former: FormerName = unchanged
) -> tuple[State, int]:
    """The state of a checkpoint, on the host, and the images that it has seen.

    Args:
        workdir: of the run.
        nimg: which checkpoint, by images seen; None for the newest.
        form: a state of the same shapes and dtypes.
        former: what its arrays were called before.

    Raises:
        ConfigError: there is no checkpoint, or not this one, or none that can be read.
    """
    none_yet = ConfigError(
        f"{workdir.root}: has no checkpoints yet; must be a run that has saved one"
    )
    if not workdir.checkpoints.is_dir():
        raise none_yet
    with Checkpoints(workdir.checkpoints) as checkpoints:
        nimg = checkpoints.latest() if nimg is None else nimg
        if nimg is None:
            raise none_yet
        return checkpoints.restore(nimg, form, former).state, nimg


def load_run(
    root: Path,
    nimg: int | None = None,
    step: int | None = None,
    source: Source | None = None,
    client: int | None = None,
) -> Run:
    """Read from a run's folder what its samples need.

    Args:
        root: the run's folder.
        nimg: which checkpoint, by images seen; None for the newest.
        step: which checkpoint, by training steps instead.
        source: what the run learnt, where a program handed that to `train`.
        client: number of one client; None for the average, where there are any.

    Raises:
        ConfigError: as for `restore_run`.
    """
    if step is not None:
        nimg = nimg_of_step(root, step)
    parts, state, nimg = restore_run(root, nimg, source, client)
    return Run(Sampler(parts), state.generator_ema, nimg)


def nimg_of_step(root: Path, step: int) -> int:
    """Number of images seen by the checkpoint after so many steps.

    Raises:
        ConfigError: no checkpoint was saved then.
    """
    workdir = Workdir(root)
    batch_size = workdir.read_config().batch_size
    if workdir.checkpoints.is_dir():
        with Checkpoints(workdir.checkpoints) as checkpoints:
            steps = [nimg // batch_size for nimg in checkpoints.all()]
        expected = f"one of {', '.join(map(str, steps))}, where there are checkpoints"
        require(step in steps or not steps, "step", step, expected)
    return step * batch_size


def asked_labels(run: Run, n: int, seed: int) -> Int[np.ndarray, " n"] | None:
    """Classes that the samples of `draw_samples` are asked for; None for a run without."""
    return run.sampler.labels(n, seed, STREAM)


def named_class(run: Run, wanted: str) -> int:
    """The index of a run's class, from its name or index.

    Raises:
        ConfigError: the run has no such class, or learnt without labels.
    """
    parts = run.sampler.parts
    expected = "left out for this run, which learnt without labels (conditioning.labels = False)"
    require(parts.classes > 0, "class", wanted, expected)
    return find_class(parts.source.class_names, wanted)


def draw_samples(run: Run, n: int, seed: int, label: int | None = None) -> np.ndarray:
    """Draw `n` samples in the stored form; the first of them do not depend on `n`.

    Args:
        run: what to draw from.
        n: how many.
        seed: of the latents, and of the classes where there are any.
        label: the one class to draw instead; None for classes by the data's shares.
    """
    labels = asked_labels(run, n, seed) if label is None else np.full(n, label, np.int32)
    latents = run.sampler.latents(n, seed, STREAM)
    return run.sampler.generate(run.params, latents, labels)


def draw_picture(run: Run, seed: int) -> np.ndarray:
    """Draw the samples of the run's usual picture: see `Sampler.pictured`."""
    return run.sampler.pictured(run.params, seed, STREAM)


def stream_samples(run: Run, n: int, seed: int) -> Stream:
    """Stream the samples of `draw_samples`, up to rounding, a chunk at a time."""
    return run.sampler.stream(run.params, n, seed, STREAM)


def draw_walks(run: Run, walks: int, steps: int, seed: int, label: int | None = None) -> np.ndarray:
    """Draw samples on `walks` walks through latent space, `steps` on each, walk by walk.

    A walk stays in the class of the sample that it starts from, or in that of `label`.

    Raises:
        ConfigError: a generator that translates, which has no latent space.
    """
    require(not run.config.generator.translates, "interpolate", True, NO_WALKS)
    labels = asked_labels(run, 2 * walks, seed)
    if labels is not None:
        labels = labels[0::2].repeat(steps)
        labels = labels if label is None else np.full_like(labels, label)
    ends = np.asarray(run.sampler.latents(2 * walks, seed, STREAM))
    walk = WALKS[run.config.generator.latent]
    return run.sampler.generate(run.params, walk(ends, steps), labels)
