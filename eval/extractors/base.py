"""The protocol of an extractor: from samples as they are stored to features, labels and logits."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Float, Int, Shaped


class Features(NamedTuple):
    """All that an extractor reads from n samples."""

    features: Float[np.ndarray, "n d"]
    """Features of each sample, in the space in which distances are taken; float32."""
    labels: Int[np.ndarray, " n"] | None = None
    """Class, or mode, of each sample; -1 for none. None where the extractor reads no classes."""
    logits: Float[np.ndarray, "n classes"] | None = None
    """Unnormalised log-probabilities of classes; None where the extractor has no classes."""


@runtime_checkable
class Extractor(Protocol):
    """Reads features, and where it can labels and logits, from stored samples."""

    @property
    def name(self) -> str:
        """The extractor's key in `EXTRACTORS`."""

    @property
    def fingerprint(self) -> str:
        """A hash of everything that the features depend on: weights, sizes, preprocessing."""

    @property
    def accuracy(self) -> float | None:
        """Share of held-out real samples that are labelled right; None where that means nothing."""

    def __call__(self, stored: Shaped[np.ndarray, "n *sample"]) -> Features:
        """Read features of samples in their stored form (uint8 NHWC, float32 points)."""


def images_at_once(on_cpu: int, on_accelerator: int) -> int:
    """Number of images to read at once on this machine, a multiple of its devices."""
    devices = jax.local_devices()
    wanted = on_cpu if devices[0].platform == "cpu" else on_accelerator
    return -(-wanted // len(devices)) * len(devices)
