"""Pixels as features: no weights, no training; distances are those between images."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from eval.extractors.base import Features


@dataclass(frozen=True)
class Pixels:
    """Extractor of images of one size, as vectors with values in [0, 1]."""

    name: str = "pixels"
    fingerprint: str = "pixels-1"
    accuracy: float | None = None

    def __call__(self, stored: UInt8[np.ndarray, "n height width channels"]) -> Features:
        return Features(stored.reshape(len(stored), -1).astype(np.float32) / 255)
