"""Pure functions from scores to named per-sample terms. They know no networks and no devices."""

from typing import Protocol, runtime_checkable

from cgan.config import Experiment
from cgan.objectives.classic import NonSaturating
from cgan.objectives.contrastive import CURVES, Contrastive
from cgan.objectives.scores import BatchScores
from cgan.types import PerSample


@runtime_checkable
class Game(Protocol):
    """What both players minimise: the sum of the means of these terms, each of shape `[n]`."""

    def discriminator_terms(self, scores: BatchScores) -> dict[str, PerSample]:
        """The discriminator's losses."""

    def generator_terms(self, scores: BatchScores) -> dict[str, PerSample]:
        """The generator's losses."""


def build(config: Experiment) -> Game:
    """The game that a config describes."""
    objective = config.objective
    if objective.loss == "nonsaturating":
        return NonSaturating()
    return Contrastive(
        curve=CURVES[objective.loss, objective.normalise],
        fakes_per_real=objective.fakes_per_real or config.batch_size,
        temperature=objective.temperature,
        dual=objective.dual,
    )


__all__ = ["BatchScores", "Contrastive", "Game", "NonSaturating", "build"]
