"""A run whose discriminator is attacked: its networks, its weights, the data that it learnt."""

from pathlib import Path
from typing import NamedTuple

from cgan.assemble import Parts
from cgan.config import Experiment
from cgan.data import Source
from cgan.run_folder.run_data import Whereabouts, splits_of
from cgan.run_folder.workdir import Workdir
from cgan.sampling import runs
from cgan.types import Head, Params
from eval.splits import Splits


class Attacked(NamedTuple):
    """A run's discriminator at one checkpoint, and the data that the run learnt."""

    root: Path
    parts: Parts
    players: tuple[Params, Params]
    """Parameters of the discriminator, and what it carries beside them."""
    splits: Splits
    nimg: int
    """Images that the checkpoint had seen."""

    @property
    def config(self) -> Experiment:
        """Config of the run."""
        return self.parts.config

    @property
    def heads(self) -> tuple[Head, ...]:
        """The heads that were trained."""
        weights: dict[Head, float] = {
            "score": self.config.objective.weight,
            "embedding": self.config.embedding.weight,
        }
        return tuple(head for head, weight in weights.items() if weight > 0)


def load(
    root: Path,
    checkpoint: int | None,
    step: int | None,
    where: Whereabouts,
    source: Source | None = None,
) -> Attacked:
    """Load a GAN's run.

    Args:
        root: the run's folder.
        checkpoint: by images seen; None for the newest.
        step: checkpoint by training steps instead.
        where: what a command line says of the data.
        source: what the run learnt, where a program handed that to `train`.

    Raises:
        ConfigError: no such run or checkpoint, or one of another procedure.
    """
    if step is not None:
        checkpoint = runs.nimg_of_step(root, step)
    found = runs.restore_run(root, checkpoint, source)
    splits = Splits(*splits_of(Workdir(root), found.parts.config, where, source))
    players = (found.state.discriminator, found.state.discriminator_stats)
    return Attacked(root, found.parts, players, splits, found.nimg)
