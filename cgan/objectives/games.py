"""The protocol of an adversarial loss, and the weighted sum of losses on different heads."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Array, Float

from cgan.objectives.outputs import BatchOutputs
from cgan.types import Params, PerSample


@runtime_checkable
class Game(Protocol):
    """The adversarial loss of both players: sums of the means of named terms, each of shape `[n]`.

    `learnt` is what the discriminator learns beside its weights; the generator takes it as it is.
    """

    def init(self) -> Params:
        """The learnt values before step 0; an empty dictionary where there are none."""

    def project(self, learnt: Params) -> Params:
        """Move the learnt values back within their bounds."""

    def readings(self, learnt: Params) -> dict[str, Float[Array, ""]]:
        """Learnt values by name, to be logged."""

    def discriminator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The discriminator's losses `[n]`, by the name of the term."""

    def generator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The generator's losses `[n]`, by the name of the term."""


@dataclass(frozen=True)
class WeightedSum:
    """Several losses by name, each with its weight. Their terms are named `game/term`."""

    games: dict[str, Game]
    weights: dict[str, float]

    def init(self) -> Params:
        """The learnt values of each loss before step 0."""
        return {name: game.init() for name, game in self.games.items()}

    def project(self, learnt: Params) -> Params:
        """Move each loss's learnt values back within their bounds."""
        return {name: game.project(learnt[name]) for name, game in self.games.items()}

    def readings(self, learnt: Params) -> dict[str, Float[Array, ""]]:
        """Learnt values of each loss to be logged, named `game/value`."""
        return {
            f"{name}/{reading}": value
            for name, game in self.games.items()
            for reading, value in game.readings(learnt[name]).items()
        }

    def discriminator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The discriminator's weighted losses."""
        return self._weighted(
            {n: game.discriminator_terms(learnt[n], batch) for n, game in self.games.items()}
        )

    def generator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The generator's weighted losses."""
        return self._weighted(
            {n: game.generator_terms(learnt[n], batch) for n, game in self.games.items()}
        )

    def _weighted(self, terms: dict[str, dict[str, PerSample]]) -> dict[str, PerSample]:
        return {
            f"{name}/{term}": self.weights[name] * loss
            for name, losses in terms.items()
            for term, loss in losses.items()
        }
