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
    restored, has_embedding, has_labels, distance = _restored(root, checkpoint, source)
    parts = restored.parts
    splits = Splits(*splits_of(Workdir(root), parts.config, where, source))
    classes = len(splits.train.class_names)
    if classes < 2:
        raise ConfigError(
            f"{root}: its data set has {'one class' if classes else 'no classes'}; must be a run "
            "on data of at least two, whose labels are used"
        )

    def start() -> Weights:
        state = parts.init_state()
        return Weights(state.discriminator, state.discriminator_stats)

    return Probed(
        parts.networks,
        Weights(restored.state.discriminator, restored.state.discriminator_stats),
        start,
        splits,
        restored.nimg,
        has_embedding,
        has_labels,
        distance,
        parts.config.seed,
        parts.config.augment.window,
    )


def _restored(
    root: Path, checkpoint: int | None, source: Source | None
) -> tuple[runs.Restored | Pretrained, bool, bool, DistanceName]:
    """A GAN or a pretraining; whether it has an embedding, saw labels, and its distance."""
    if Workdir(root).read_procedure() == Pretraining.procedure:
        pretrained = restore_pretraining(root, checkpoint, source)
        pretext = pretrained.parts.config.pretext
        return pretrained, pretext.task in EMBEDDED_TASKS, False, pretext.distance
    gan = runs.restore_run(root, checkpoint, source)
    config = gan.parts.config
    has_embedding = config.embedding.weight > 0 or config.graded.weight > 0
    return gan, has_embedding, config.conditioning.labels, config.graded.distance
