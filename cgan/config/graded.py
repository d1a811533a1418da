"""The settings of graded targets: distances of embeddings regress distances that are known."""

from dataclasses import dataclass
from typing import Literal

from cgan.config.checks import SIZE_AT_MOST, check_types, not_negative, positive, require
from cgan.config.setting import AllBut, check_read, setting

DistanceName = Literal["euclidean", "squared"]
ON = {"weight": AllBut(0)}


@dataclass(frozen=True)
class Graded:
    """The discriminator's regression of known distances among the reals of a batch (proteins).

    It is on the embedding head, beside a game on it or alone.
    """

    weight: float = 0.0
    """Weight of the regression in the discriminator's loss; 0 leaves it out."""
    distance: DistanceName = setting("euclidean", read_by=ON)
    """Distance of embeddings that is scaled: euclidean, or its square, 2 - 2 cosine."""
    dimensions: int = setting(64, read_by={**ON, "embedding.weight": (0,)})
    """Length of the unit vectors, where embedding.weight is 0."""

    def __post_init__(self) -> None:
        check_types(self, "graded.")
        not_negative(self, "graded.", "weight")
        require(self.dimensions >= 2, "graded.dimensions", self.dimensions, "2 or more")
        positive(self, "graded.", "dimensions", at_most=SIZE_AT_MOST)
        check_read(self, "graded.")
