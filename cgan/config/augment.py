"""The settings of views: what is done to samples before the discriminator sees them."""

from dataclasses import dataclass
from typing import Literal

from cgan.config.checks import (
    Vectors,
    check_types,
    check_vectors,
    not_negative,
    positive,
    require,
)
from cgan.config.data import Data
from cgan.config.setting import AllBut, check_read, setting
from cgan.datasets import DATASETS, named
from cgan.kinds import Kind

PolicyName = Literal[
    "views", "ada", "diffaugment", "reverse_complement", "substitutions", "symmetry"
]

OF_IMAGES: tuple[PolicyName, ...] = ("ada", "diffaugment")
"""Policies that transform images alone, each transformation with a probability."""
WITH_PROBABILITY: tuple[PolicyName, ...] = (*OF_IMAGES, "reverse_complement", "substitutions")
SHIFT_AT_MOST = 2**16
"""Most bases that a fragment is moved by, as many as it may have."""
SHOT_NOISE_AT_MOST = 255
"""Most noise of a view: white varies by all levels of grey then."""
ADVERSARIAL_STEPS_AT_MOST = 100
"""Most steps of an attack within one step of training: each takes a backward pass."""
OWN_CHANNELS = named(independent_channels=True)
"""Data sets whose channels are independent digits."""


@dataclass(frozen=True)
class Augment:
    """Random views of samples, reals and fakes alike, before the discriminator sees them."""

    strength: float = setting(0.0, read_by={"policy": ("views",)})
    """Strength, from 0, the samples as they are, to 1, of shift, zoom, tone and cutout (views)."""
    policy: PolicyName = "views"
    """Kind: views; ada, diffaugment (images); reverse_complement; substitutions; symmetry."""
    probability: float = setting(0.0, read_by={"policy": WITH_PROBABILITY})
    """Probability of a change, at first (ada, diffaugment, reverse_complement, substitutions)."""
    shift: int = setting(0, read_by={"policy": ("reverse_complement",)})
    """Most places that a sequence is moved either way, at random (reverse_complement)."""
    window: int | None = setting(None, read_by={"policy": ("reverse_complement",)})
    """Bases of a view, a window from anywhere in the sample; None for all (reverse_complement)."""
    final_probability: float | None = setting(None, read_by={"policy": OF_IMAGES})
    """Probability at the end, along half a cosine; None keeps it (ada, diffaugment)."""
    target: float | None = setting(
        None, read_by={"policy": OF_IMAGES, "objective.weight": AllBut(0)}
    )
    """Adapt the probability to this mean sign of reals' scores, ADA's 0.6 (ada, diffaugment)."""
    adapt_nimg: int = setting(500_000, read_by={"policy": OF_IMAGES, "target": AllBut(None)})
    """Images in which an adaptive probability can go from 0 to 1 (ada, diffaugment)."""
    vectors: Vectors = setting((7, 4, 0, 8), read_by={"policy": ("symmetry",)})
    """Lattice vectors in pixels, each down and right: 7 4 0 8 are those of lattice (symmetry)."""
    shot_noise: float = setting(0.0, read_by={"policy": ("symmetry",)})
    """Variance of added noise per level of grey, opposite in a pretraining's two (symmetry)."""
    color: bool = setting(True, read_by={"policy": OF_IMAGES})
    """Change colours too (ada, diffaugment)."""
    adversarial_radius: float = 0.0
    """Let the discriminator meet the worst point within so far of each view; 0 for the views."""
    adversarial_steps: int = setting(1, read_by={"adversarial_radius": AllBut(0)})
    """Steps of ascent to that point, each a backward pass; 1 to 3 are usual."""

    def __post_init__(self) -> None:
        check_types(self, "augment.")
        for name in ("strength", "probability", "final_probability"):
            value = getattr(self, name)
            require(value is None or 0 <= value <= 1, f"augment.{name}", value, "from 0 to 1")
        target, final = self.target, self.final_probability
        inside = target is None or -1 < target < 1
        require(inside, "augment.target", target, "between -1 and 1")
        positive(self, "augment.", "adapt_nimg")
        not_negative(self, "augment.", "adversarial_radius")
        positive(self, "augment.", "adversarial_steps", at_most=ADVERSARIAL_STEPS_AT_MOST)
        check_read(self, "augment.")
        when = f"with augment.policy = {self.policy!r}"
        if target is not None:
            when = f"with augment.target = {target}, which moves the probability"
            require(final is None, "augment.final_probability", final, f"None {when}")
        check_vectors("augment.vectors", self.vectors)
        not_negative(self, "augment.", "shot_noise", at_most=SHOT_NOISE_AT_MOST)
        not_negative(self, "augment.", "shift", at_most=SHIFT_AT_MOST)
        if self.window is not None:
            positive(self, "augment.", "window", at_most=SHIFT_AT_MOST)
        if self.policy == "reverse_complement":
            expected = f"more than 0 {when}, or augment.shift be set"
            idle = self.probability == self.shift == 0 and self.window is None
            require(not idle, "augment.probability", self.probability, expected)
        elif self.policy == "substitutions":
            require(self.probability > 0, "augment.probability", 0.0, f"more than 0 {when}")
        elif self.policy in OF_IMAGES and final is target is None:
            expected = f"more than 0 {when}, or augment.final_probability or augment.target be set"
            require(self.probability > 0, "augment.probability", self.probability, expected)

    @property
    def is_off(self) -> bool:
        """Whether a view is the sample itself, before an attack may move it."""
        return self.policy == "views" and self.strength == 0

    def check_for(self, data: Data) -> None:
        """Refuse what the data's samples don't have, as far as the data set's name tells.

        Raises:
            ConfigError: transformations of images for points, of colours for stacked digits.
        """
        source = f"with data.source = {data.source!r}"
        if data.source in DATASETS:
            self.check_for_kind(DATASETS[data.source].kind, source)
        if self.window is not None and data.source == "dna":
            expected = f"less than data.length = {data.length}, of which it is a window"
            require(self.window < data.length, "augment.window", self.window, expected)
        if self.policy not in OF_IMAGES:
            return
        expected = f"False {source}, whose channels are independent digits"
        stacked = data.source in OWN_CHANNELS
        require(not (stacked and self.color), "augment.color", self.color, expected)

    def check_for_kind(self, kind: Kind, when: str) -> None:
        """Refuse views that samples of this kind don't have.

        Args:
            kind: of the samples.
            when: what makes them so, such as `"with data.source = 'ring8'"`.

        Raises:
            ConfigError: such a policy, or a strength where there are no views at all.
        """
        if self.is_off or self.policy in kind.policies:
            return
        if self.policy == "views":
            expected = f"0 {when}, whose samples are {kind.plural}"
            require(False, "augment.strength", self.strength, expected)
        usual = repr(kind.policies[0]) if kind.policies else "'views' of strength 0"
        expected = f"{usual} {when}, whose samples are {kind.plural}"
        require(False, "augment.policy", self.policy, expected)
