"""What an extractor is: from samples as they are stored to features, labels and logits."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Float, Int, Shaped


class Features(NamedTuple):
    """What an extractor reads from n samples."""

    features: Float[np.ndarray, "n d"]
    """The space in which distances are taken, float32."""
    labels: Int[np.ndarray, " n"] | None = None
    """The class, or mode, of each sample; -1 for one that belongs to none. None: it reads none."""
    logits: Float[np.ndarray, "n classes"] | None = None
    """Unnormalised log-probabilities of classes; None where it has no classes."""


@runtime_checkable
class Extractor(Protocol):
    """Reads features, and where it can labels and logits, from stored samples."""

    @property
    def name(self) -> str:
        """Its key in `EXTRACTORS`."""

    @property
    def fingerprint(self) -> str:
        """A hash of everything that its features depend on: weights, sizes, preprocessing."""

    @property
    def accuracy(self) -> float | None:
        """Share of held-out real samples that it labels right; None where that means nothing."""

    def __call__(self, stored: Shaped[np.ndarray, "n *sample"]) -> Features:
        """Features of samples in their stored form (uint8 NHWC, float32 points)."""


def images_at_once(on_cpu: int, on_accelerator: int) -> int:
    """The number for this machine's devices, rounded up to a multiple of theirs."""
    devices = jax.local_devices()
    wanted = on_cpu if devices[0].platform == "cpu" else on_accelerator
    return -(-wanted // len(devices)) * len(devices)
