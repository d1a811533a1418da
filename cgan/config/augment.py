"""The settings of views: what is done to samples before the discriminator sees them."""

from dataclasses import dataclass
from typing import Literal

from cgan.config.checks import check_types, only_defaults, positive, require
from cgan.config.data import Data

PolicyName = Literal["views", "ada", "diffaugment"]

OF_IMAGES = ("probability", "final_probability", "target", "adapt_nimg", "colour")
"""Settings that only `ada` and `diffaugment` read."""
POINTS = ("ring8", "grid25", "grid100")
"""Data sets whose samples are no images."""
OWN_CHANNELS = ("stacked_digits", "stacked_mnist")
"""Data sets whose channels are independent digits."""


@dataclass(frozen=True)
class Augment:
    """Random views of samples, reals and fakes alike, before the discriminator sees them."""

    strength: float = 0.0
    """Strength, from 0, the samples as they are, to 1, of shift, zoom, tone and cutout (views)."""
    policy: PolicyName = "views"
    """Kind: views, mild ones; ada, 13 transformations; diffaugment, colour, shift and cutout."""
    probability: float = 0.0
    """Probability of each transformation of an image, at the start (ada, diffaugment)."""
    final_probability: float | None = None
    """Probability at the end, along half a cosine; None keeps it (ada, diffaugment)."""
    target: float | None = None
    """Adapt the probability to this mean sign of reals' scores, 0.6 in the paper of ADA."""
    adapt_nimg: int = 500_000
    """Images in which an adaptive probability can go from 0 to 1."""
    colour: bool = True
    """Change colours too (ada, diffaugment)."""

    def __post_init__(self) -> None:
        check_types(self, "augment.")
        for name in ("strength", "probability", "final_probability"):
            value = getattr(self, name)
            require(value is None or 0 <= value <= 1, f"augment.{name}", value, "from 0 to 1")
        target, final = self.target, self.final_probability
        inside = target is None or -1 < target < 1
        require(inside, "augment.target", target, "between -1 and 1")
        positive(self, "augment.", "adapt_nimg")
        when = f"with augment.policy = {self.policy!r}"
        only_defaults(
            self, "augment.", OF_IMAGES if self.policy == "views" else ("strength",), when
        )
        if target is None:
            only_defaults(self, "augment.", ("adapt_nimg",), "with augment.target = None")
        else:
            when = f"with augment.target = {target}, which moves the probability"
            require(final is None, "augment.final_probability", final, f"None {when}")
        if self.policy != "views" and final is target is None:
            expected = f"more than 0 {when}, or augment.final_probability or augment.target be set"
            require(self.probability > 0, "augment.probability", self.probability, expected)

    @property
    def is_off(self) -> bool:
        """Whether a view is the sample itself."""
        return self.policy == "views" and self.strength == 0

    def check_for(self, data: Data) -> None:
        """Refuse what the data's samples don't have.

        Raises:
            ConfigError: transformations of images for points, of colours for stacked digits.
        """
        if self.policy == "views":
            return
        source = f"with data.source = {data.source!r}"
        expected = f"'views' {source}, whose samples are points"
        require(data.source not in POINTS, "augment.policy", self.policy, expected)
        expected = f"False {source}, whose channels are independent digits"
        stacked = data.source in OWN_CHANNELS
        require(not (stacked and self.colour), "augment.colour", self.colour, expected)
