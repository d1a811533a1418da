"""A run whose discriminator is probed: its networks, its weights, the data that it learnt."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cgan.config import EMBEDDED_TASKS, ConfigError, DistanceName, Pretraining
from cgan.data import Source
from cgan.networks import Networks
from cgan.pretext.runs import Pretrained, restore_pretraining
from cgan.run_folder.run_data import Whereabouts, splits_of
from cgan.run_folder.workdir import Workdir
from cgan.sampling import runs
from cgan.types import Params
from eval.splits import Splits


class Weights(NamedTuple):
    """The parameters of a discriminator, and what it carries beside them."""

    params: Params
    stats: Params


class Probed(NamedTuple):
    """A discriminator as it was trained and as it started, and what it learnt."""

    networks: Networks
    trained: Weights
    start: Callable[[], Weights]
    """Function to the weights that the run's seed draws, whatever the run itself started from."""
    splits: Splits
    nimg: int
    """Images that the checkpoint had seen."""
    has_embedding: bool
    has_labels: bool
    """Whether the run learnt with labels, all of them."""
    distance: DistanceName
    """Distance of embeddings that the run regressed, or what stands for it where none."""
    seed: int
    window: int | None = None
    """Bases of DNA that the discriminator read of a sample; None for all."""


def load(
    root: Path,
    checkpoint: int | None,
    step: int | None,
    where: Whereabouts,
    source: Source | None = None,
) -> Probed:
    """Load a run that has a discriminator: a GAN's, or a pretraining's.

    Args:
        root: the run's folder.
        checkpoint: by images seen; None for the newest.
        step: checkpoint by training steps instead.
        where: what a command line says of the data.
        source: what the run learnt, where a program handed that to `train`.

    Raises:
        ConfigError: no such run or checkpoint, or data without classes.
    """
    if step is not None:
        checkpoint = runs.nimg_of_step(root, step)
    is_pretraining = Workdir(root).read_procedure() == Pretraining.procedure
    restore = restore_pretraining if is_pretraining else runs.restore_run
    restored: runs.Restored | Pretrained = restore(root, checkpoint, source)
    splits = Splits(*splits_of(Workdir(root), restored.parts.config, where, source))
    classes = len(splits.train.class_names)
    if classes < 2:
        raise ConfigError(
            f"{root}: its data set has {'one class' if classes else 'no classes'}; must be a run "
            "on data of at least two, whose labels are used"
        )
    return probed_of(restored, splits)


def probed_of(restored: runs.Restored | Pretrained, splits: Splits) -> Probed:
    """What is probed of a run, on its own data or on others of their shape.

    Args:
        restored: a GAN or a pretraining.
        splits: data with classes.
    """
    parts, state = restored.parts, restored.state
    config = parts.config
    if isinstance(config, Pretraining):
        has_embedding, has_labels = config.pretext.task in EMBEDDED_TASKS, False
        distance = config.pretext.distance
    else:
        has_embedding = config.embedding.weight > 0 or config.graded.weight > 0
        has_labels, distance = config.conditioning.labels, config.graded.distance

    def start() -> Weights:
        state = parts.init_state()
        return Weights(state.discriminator, state.discriminator_stats)

    return Probed(
        parts.networks,
        Weights(state.discriminator, state.discriminator_stats),
        start,
        splits,
        restored.nimg,
        has_embedding,
        has_labels,
        distance,
        config.seed,
        config.augment.window,
    )
