"""What a loss of both players is, the least that one takes, and the weighted sum of several."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Array, Float

from cgan.objectives.outputs import BatchOutputs
from cgan.types import Params, PerSample

Weight = float | Callable[[Float[Array, ""] | float], Float[Array, ""]]
"""A weight of a loss, or a function of images seen that gives it."""


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


class Loss(ABC):
    """A game that learns nothing beside the networks: two functions, and nothing else to write.

    >>> class Difference(Loss):
    ...     def discriminator_terms(self, learnt, batch):
    ...         return {"fake": batch.local.fake.score - batch.local.real.score}
    ...     def generator_terms(self, learnt, batch):
    ...         return {"fake": -batch.local.fake.score}
    >>> Difference().init(), Difference().readings({})
    ({}, {})
    """

    def init(self) -> Params:
        """The learnt values before step 0: none."""
        return {}

    def project(self, learnt: Params) -> Params:
        """The learnt values as they are: they have no bounds."""
        return learnt

    def readings(self, learnt: Params) -> dict[str, Float[Array, ""]]:
        """The learnt values to be logged: none."""
        return {}

    @abstractmethod
    def discriminator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The discriminator's losses by name, one number a row; their means are added."""

    @abstractmethod
    def generator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The generator's losses by name, one number a row; their means are added."""


@dataclass(frozen=True)
class WeightedSum:
    """Several losses by name, each with its weight. Their terms are named `game/term`."""

    games: dict[str, Game]
    weights: dict[str, Weight]

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
        terms = {n: game.discriminator_terms(learnt[n], batch) for n, game in self.games.items()}
        return self._weighted(terms, batch)

    def generator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The generator's weighted losses."""
        terms = {n: game.generator_terms(learnt[n], batch) for n, game in self.games.items()}
        return self._weighted(terms, batch)

    def _weighted(
        self, terms: dict[str, dict[str, PerSample]], batch: BatchOutputs
    ) -> dict[str, PerSample]:
        weights = {n: of(batch.nimg) if callable(of) else of for n, of in self.weights.items()}
        return {
            f"{name}/{term}": weights[name] * loss
            for name, losses in terms.items()
            for term, loss in losses.items()
        }
