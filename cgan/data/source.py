"""The protocol of a data set: random access to stored samples, and their form for networks."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, UInt8

from cgan.types import Batch, Samples

Split = Literal["train", "test"]
"""Name of a split; `test` is held out: never trained on."""


@runtime_checkable
class Source(Protocol):
    """One split of a data set. Any object with these members will do."""

    @property
    def name(self) -> str:
        """Name of the data set in the configuration."""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample: `(height, width, channels)`, or `(dimensions,)` for points."""

    @property
    def class_names(self) -> Sequence[str]:
        """Name of each class; a sample's label is an index into them."""

    @property
    def class_weights(self) -> Float[np.ndarray, " classes"]:
        """True share of each class; they sum to 1."""

    def __len__(self) -> int:
        """Number of samples in this split."""

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        """The samples at these indices, as they are stored."""

    def encode(self, stored: Any) -> Samples:
        """Turn stored samples (NumPy or JAX arrays) into what the networks see."""

    def decode(self, samples: Float[np.ndarray, "n *sample"]) -> np.ndarray:
        """Turn what a generator made into the stored form: the inverse of `encode`."""


def split_rng(split: Split) -> np.random.Generator:
    """The random generator of a synthetic split, the same for every experiment and seed."""
    return np.random.default_rng([0, {"train": 0, "test": 1}[split]])


def class_shares(labels: Int[np.ndarray, " n"], classes: int) -> Float[np.ndarray, " classes"]:
    """The share of each class among these labels."""
    return np.bincount(labels, minlength=classes)[:classes] / len(labels)


def encode_images(stored: Any) -> Any:
    """Turn pixels 0..255 into float32 in [-1, 1]."""
    return stored.astype("float32") / 127.5 - 1.0


def decode_images(
    samples: Float[np.ndarray, "n height width channels"],
) -> UInt8[np.ndarray, "n height width channels"]:
    """Turn values in [-1, 1] into the nearest pixels 0..255; values outside are clipped."""
    return np.clip(np.rint((samples + 1.0) * 127.5), 0, 255).astype(np.uint8)
