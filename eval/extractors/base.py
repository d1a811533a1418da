"""What an extractor is: from samples as they are stored to features and assigned modes."""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Shaped


class Features(NamedTuple):
    """What an extractor reads from n samples."""

    features: Float[np.ndarray, "n d"]
    """The space in which distances are taken."""
    labels: Int[np.ndarray, " n"]
    """The class, or mode, of each sample; -1 for a sample that belongs to none."""


@runtime_checkable
class Extractor(Protocol):
    """Reads features and modes from stored samples."""

    @property
    def name(self) -> str:
        """Its key in `EXTRACTORS`."""

    @property
    def fingerprint(self) -> str:
        """A hash of everything that its features depend on."""

    @property
    def accuracy(self) -> float | None:
        """Share of held-out real samples that it labels right; None where labels are exact."""

    def __call__(self, stored: Shaped[np.ndarray, "n *sample"]) -> Features:
        """Features and labels of samples in their stored form (uint8 NHWC, float32 points)."""
