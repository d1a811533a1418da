"""The settings of training on class labels."""

from dataclasses import dataclass
from typing import Literal

from cgan.config.checks import SIZE_AT_MOST, check_types, positive
from cgan.config.objective import COMPARING
from cgan.config.setting import AllBut, check_read, setting


@dataclass(frozen=True)
class Conditioning:
    """Class labels: samples are made and discriminated as one of the data's classes."""

    labels: bool = False
    """Give both networks the labels of the batch's reals."""
    dimensions: int = setting(
        32, read_by={"labels": (True,), "generator.architecture": AllBut("sngan")}
    )
    """Length of the learnt vector of a class that stands beside the latents."""
    compare: Literal["all", "same_class"] = setting(
        "all", read_by={"labels": (True,), "curves": COMPARING}
    )
    """What each is graded against: all it meets, or those of its class (curves, neighbor)."""

    def __post_init__(self) -> None:
        check_types(self, "conditioning.")
        positive(self, "conditioning.", "dimensions", at_most=SIZE_AT_MOST)
        check_read(self, "conditioning.")
