"""Stacked digits: each channel of an image read by the classifier of single digits.

The label is `100a + 10b + c` and the features are those of the channels side by side, as in the
protocol of Stacked MNIST (Metz et al. 2017, Unrolled GANs, section 3.3.1).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from eval.extractors.base import Extractor, Features


@dataclass(frozen=True)
class StackedClassifier:
    """Extractor of stacked digits: the channels of images are read one by one."""

    single: Extractor
    """Extractor of images of one channel, with labels 0 to 9."""
    name: str = "classifier"

    @property
    def fingerprint(self) -> str:
        return f"channels-{self.single.fingerprint}"

    @property
    def accuracy(self) -> float | None:
        """Share of single channels that are labelled right."""
        return self.single.accuracy

    def __call__(self, stored: UInt8[np.ndarray, "n height width channels"]) -> Features:
        n, height, width, channels = stored.shape
        flat = np.ascontiguousarray(np.moveaxis(stored, -1, 1)).reshape(n * channels, -1)
        # Real stacks repeat the same few digits: each distinct channel is read once.
        rows = flat.view(f"V{height * width}").ravel()
        _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
        read = self.single(flat[first].reshape(-1, height, width, 1))
        assert read.labels is not None
        place_values = 10 ** np.arange(channels)[::-1]
        return Features(
            read.features[inverse].reshape(n, -1),
            read.labels[inverse].reshape(n, channels) @ place_values,
        )
