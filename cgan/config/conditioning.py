"""The settings of training on class labels."""

from dataclasses import dataclass
from typing import Literal

from cgan.config.checks import SIZE_AT_MOST, check_types, only_defaults, positive


@dataclass(frozen=True)
class Conditioning:
    """Class labels: samples are made and discriminated as one of the data's classes."""

    labels: bool = False
    """Give both networks the labels of the batch's reals."""
    dimensions: int = 32
    """Length of the learnt vector of a class that stands beside the latents."""
    compare: Literal["all", "same_class"] = "all"
    """Pairs that are compared: all that meet, or only those of one class."""

    def __post_init__(self) -> None:
        check_types(self, "conditioning.")
        positive(self, "conditioning.", "dimensions", at_most=SIZE_AT_MOST)
        if not self.labels:
            when = "with conditioning.labels = False"
            only_defaults(self, "conditioning.", ("dimensions", "compare"), when)
