"""Settings of the loss: curves, comparisons and penalties."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from cgan.config.checks import (
    FLOAT_AT_LEAST,
    FLOAT_AT_MOST,
    SIZE_AT_MOST,
    check_types,
    not_negative,
    only_defaults,
    positive,
    require,
)

CurveName = Literal["softmax", "pairwise", "average", "hardest", "listwise"]
ClassicName = Literal["nonsaturating", "saturating", "hinge", "least_squares", "wasserstein"]
LossName = Literal[CurveName, ClassicName]
Bounds = tuple[float, float]

CONTRASTIVE_SETTINGS = ("normalise", "fakes_per_real", "dual", "hardness", "top_k")
"""Settings of `Objective` that both comparisons share and classic losses do not have."""
ONLY_FOR = {
    "normalise": ("softmax", "listwise"),
    "hardness": ("softmax", "pairwise", "average"),
    "top_k": ("softmax", "pairwise", "average", "listwise"),
}
"""Curves that can use each setting, of settings that not all of them can."""


@dataclass(frozen=True)
class Objective:
    """The loss on the discriminator's score, and which fakes a real is compared with."""

    loss: LossName = "softmax"
    """A curve that grades each real against K fakes (the first five), or a classic loss."""
    weight: float = 1.0
    """Weight of the loss on scores beside that on embeddings; 0 leaves the score out."""
    normalise: Literal["mean", "sum"] = "mean"
    """Whether softmax and listwise take the mean over K fakes, which keeps scales, or the sum."""
    fakes_per_real: int | None = None
    """K, the fakes that each real is graded against; None takes the whole global batch."""
    dual: bool = True
    """Grade each fake against the reals too; the loss is then the mean of both directions."""
    hardness: float = 0.0
    """Beta of the weights e^(-beta * margin) on what a row is graded against; 0 is even."""
    top_k: int | None = None
    """Grade each against the hardest so many of its K only; None takes them all."""
    temperature: float = 1.0
    """Divides the margins: lower is a sharper grade."""
    temperature_bounds: Bounds | None = None
    """Learn the temperature between these two, from `temperature` on; None keeps it."""

    def __post_init__(self) -> None:
        check_types(self, "objective.")
        not_negative(self, "objective.", "weight", "hardness")
        for name in ("fakes_per_real", "top_k"):
            if getattr(self, name) is not None:
                positive(self, "objective.", name)
        _check_temperature(self, "objective.")
        if not self.is_contrastive:
            when = f"with objective.loss = {self.loss!r}"
            only_defaults(self, "objective.", ("temperature", "temperature_bounds"), when)
        if self.weight == 0:
            when = "with objective.weight = 0"
            names = ("loss", "temperature", "temperature_bounds")
            only_defaults(self, "objective.", names, when)

    @property
    def is_contrastive(self) -> bool:
        """Whether the loss is a curve over margins."""
        return self.loss in get_args(CurveName)


@dataclass(frozen=True)
class Embedding:
    """The contrastive loss on a second head: unit vectors that are alike for views of one real.

    How it meets its fakes (normalise, fakes_per_real, dual, hardness, top_k) stands in `objective`,
    for both comparisons. Without views (`augment`) both views of a real are the real itself.
    """

    weight: float = 0.0
    """Weight of this comparison; 0 leaves the head out."""
    curve: CurveName = "softmax"
    """Curve over the margins of embeddings."""
    dimensions: int = 64
    """Length of the unit vectors."""
    temperature: float = 0.1
    """Divides the differences of cosines, which lie between -2 and 2."""
    temperature_bounds: Bounds | None = None
    """Learn the temperature between these two, from `temperature` on; None keeps it."""
    r1: float = 0.0
    """Penalty on the embedding's squared Jacobian at real samples; not scaled by `weight`."""
    r2: float = 0.0
    """Penalty at fake samples. Too much collapses the embedding: see docs/objectives.md."""

    def __post_init__(self) -> None:
        check_types(self, "embedding.")
        not_negative(self, "embedding.", "weight", "r1", "r2")
        require(self.dimensions >= 2, "embedding.dimensions", self.dimensions, "2 or more")
        positive(self, "embedding.", "dimensions", at_most=SIZE_AT_MOST)
        _check_temperature(self, "embedding.")
        if self.weight == 0:
            names = ("curve", "dimensions", "temperature", "temperature_bounds", "r1", "r2")
            only_defaults(self, "embedding.", names, "with embedding.weight = 0")


@dataclass(frozen=True)
class Penalty:
    """Gradient penalties on the discriminator's score, and how all penalties are estimated."""

    r1: float = 0.1
    """Weight of the penalty on the squared gradient of the score at real samples."""
    r2: float = 0.1
    """Weight of the penalty at fake samples. Both depend on the scale of the data: tune them."""
    gradient_penalty: float = 0.0
    """Weight of the pull of gradient norms to 1 between reals and fakes (WGAN-GP)."""
    final_fraction: float = 1.0
    """All penalties' weights at the end, as a share of those at the start (half a cosine)."""
    estimator: Literal["exact", "hutchinson", "finite_differences"] = "exact"
    """How squared gradients are found: by double backward, or along one random direction."""
    finite_difference: float = 1e-3
    """Length of a finite difference's step for each dimension, in the samples' units."""

    def __post_init__(self) -> None:
        check_types(self, "penalty.")
        not_negative(self, "penalty.", "r1", "r2", "gradient_penalty", "final_fraction")
        positive(self, "penalty.", "finite_difference")
        if self.estimator != "finite_differences":
            when = f"with penalty.estimator = {self.estimator!r}"
            only_defaults(self, "penalty.", ("finite_difference",), when)


def _check_temperature(config: Any, prefix: str) -> None:
    positive(config, prefix, "temperature")
    if config.temperature_bounds is None:
        return
    low, high = config.temperature_bounds
    expected = f"two numbers with 0 < low <= temperature = {config.temperature} <= high, not equal"
    inside = FLOAT_AT_LEAST <= low <= config.temperature <= high <= FLOAT_AT_MOST and low < high
    require(inside, f"{prefix}temperature_bounds", config.temperature_bounds, expected)
