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
from cgan.config.setting import AllBut, Values, check_read, setting

CurveName = Literal["softmax", "pairwise", "average", "hardest", "listwise"]
ClassicName = Literal["nonsaturating", "saturating", "hinge", "least_squares", "wasserstein"]
LossName = Literal[CurveName, ClassicName]
Bounds = tuple[float, float]
Coupling = Literal["sample", "two_sided"]
Halves = Literal["both", "covering", "realism"]
ToldFrom = Literal["both", "fakes", "reals"]

CURVES: tuple[CurveName, ...] = get_args(CurveName)
COMPARING: tuple[str, ...] = (*CURVES, "neighbor")
"""Curves and games that compare the samples of a batch with each other."""
ON: dict[str, Values] = {"weight": AllBut(0)}
"""Where a comparison is not left out."""
WITH_CURVE: dict[str, Values] = {"loss": CURVES, **ON}
NEIGHBOR: dict[str, Values] = {**ON, "game": ("neighbor",)}
SAMPLEWISE: dict[str, Values] = {**NEIGHBOR, "coupling": ("sample",)}
MIRRORED: dict[str, Values] = {**ON, "game": ("mirrored",)}


@dataclass(frozen=True)
class Objective:
    """The loss on the discriminator's score, and which fakes a real is compared with."""

    loss: LossName = setting("softmax", read_by=ON)
    """A curve that grades each real against K fakes (the first five), or a classic loss."""
    weight: float = 1.0
    """Weight of the loss on scores beside that on embeddings; 0 leaves the score out."""
    normalize: Literal["mean", "sum"] = setting("mean", read_by={"curves": ("softmax", "listwise")})
    """How softmax and listwise count K fakes: by the mean, which keeps its scale, or the sum."""
    fakes_per_real: int | None = setting(None, read_by={"curves": CURVES})
    """K, fakes that each real is graded against; None takes the global batch (curves)."""
    dual: bool = setting(True, read_by={"curves": CURVES})
    """Grade each fake against the reals too; the loss is the mean of both directions (curves)."""
    hardness: float = setting(0.0, read_by={"curves": ("softmax", "pairwise", "average")})
    """Beta of the weights e^(-beta * margin) in a row; 0 is even (softmax, pairwise, average)."""
    top_k: int | None = setting(
        None, read_by={"curves": ("softmax", "pairwise", "average", "listwise")}
    )
    """Grade each against the hardest so many of its K; None takes all (curves but hardest)."""
    temperature: float = setting(1.0, read_by=WITH_CURVE)
    """Divides the margins: lower is a sharper grade (curves)."""
    temperature_bounds: Bounds | None = setting(None, read_by=WITH_CURVE)
    """Learn the temperature between these two, from `temperature` on; None keeps it (curves)."""

    def __post_init__(self) -> None:
        check_types(self, "objective.")
        not_negative(self, "objective.", "weight", "hardness")
        for name in ("fakes_per_real", "top_k"):
            if getattr(self, name) is not None:
                positive(self, "objective.", name)
        check_temperature(self, "objective.")
        check_read(self, "objective.")

    @property
    def is_contrastive(self) -> bool:
        """Whether the loss is a curve over margins."""
        return self.loss in CURVES


@dataclass(frozen=True)
class Embedding:
    """The game on a second head of the discriminator: unit vectors, alike for views of one real.

    The neighbour game compares the whole batch, whatever `objective.fakes_per_real` says. Without
    views (`augment`) both views of a real are the real itself.
    """

    weight: float = 0.0
    """Weight of this game at the start; 0 leaves the head out."""
    final_fraction: float = setting(1.0, read_by=ON)
    """Weight at the end, as a share of that at the start (half a cosine)."""
    game: Literal["neighbor", "mirrored"] = setting("neighbor", read_by=ON)
    """Game: neighbor compares densities, mirrored plays the score's game on cosines."""
    curve: CurveName = setting("softmax", read_by=MIRRORED)
    """Curve over the margins of embeddings (mirrored)."""
    negatives: ToldFrom = setting("both", read_by=NEIGHBOR)
    """Samples that another view of a real is told from: other reals, fakes, or both (neighbor)."""
    halves: Halves = setting("both", read_by=SAMPLEWISE)
    """The generator's losses: covering at reals, realism at fakes, both (neighbor; sample)."""
    coupling: Coupling = setting("sample", read_by=NEIGHBOR)
    """Compare densities around each sample, or couple reals and fakes two-sidedly (neighbor)."""
    graded: bool = setting(True, read_by=NEIGHBOR)
    """Let the discriminator grade the densities too, against the generator (neighbor)."""
    tolerance: float = setting(2.0, read_by=NEIGHBOR)
    """Nats by which densities may differ at a sample before it pulls hard (neighbor)."""
    dimensions: int = setting(64, read_by=ON)
    """Length of the unit vectors."""
    temperature: float = setting(0.1, read_by=ON)
    """Divides cosines, which lie between -1 and 1."""
    temperature_bounds: Bounds | None = setting(None, read_by=ON)
    """Learn the temperature between these two, from `temperature` on; None keeps it."""
    generator_temperature: float | None = setting(None, read_by=NEIGHBOR)
    """Temperature of the generator's half; None for the discriminator's (neighbor)."""
    r1: float = setting(0.0, read_by=ON)
    """Penalty on the embedding's squared Jacobian at real samples; not scaled by `weight`."""
    r2: float = setting(0.0, read_by=ON)
    """Penalty at fake samples. Too much collapses the embedding: see docs/objectives.md."""

    def __post_init__(self) -> None:
        check_types(self, "embedding.")
        not_negative(self, "embedding.", "weight", "final_fraction", "tolerance", "r1", "r2")
        require(self.dimensions >= 2, "embedding.dimensions", self.dimensions, "2 or more")
        positive(self, "embedding.", "dimensions", at_most=SIZE_AT_MOST)
        if self.generator_temperature is not None:
            positive(self, "embedding.", "generator_temperature")
        check_temperature(self, "embedding.")
        check_read(self, "embedding.")
        if self.coupling == "two_sided" and not self.graded:
            when = "with embedding.coupling = 'two_sided' and embedding.graded = False"
            only_defaults(self, "embedding.", ("tolerance",), when)


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
    finite_difference: float = setting(1e-3, read_by={"estimator": ("finite_differences",)})
    """Length of a step for each dimension, in the samples' units (finite_differences)."""

    def __post_init__(self) -> None:
        check_types(self, "penalty.")
        not_negative(self, "penalty.", "r1", "r2", "gradient_penalty", "final_fraction")
        positive(self, "penalty.", "finite_difference")
        check_read(self, "penalty.")


def check_temperature(config: Any, prefix: str) -> None:
    """Raise a `ConfigError` unless a temperature is positive and inside of any bounds."""
    positive(config, prefix, "temperature")
    if config.temperature_bounds is None:
        return
    low, high = config.temperature_bounds
    expected = f"two numbers with 0 < low <= temperature = {config.temperature} <= high, not equal"
    inside = FLOAT_AT_LEAST <= low <= config.temperature <= high <= FLOAT_AT_MOST and low < high
    require(inside, f"{prefix}temperature_bounds", config.temperature_bounds, expected)
