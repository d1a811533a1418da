"""The protocol of a data set: random access to stored samples, and their form for networks."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, UInt8

from cgan.types import Batch, Samples

Split = Literal["train", "test"]
"""`test` is held out: never trained on."""


@runtime_checkable
class Source(Protocol):
    """One split of a data set. Any object with these members will do."""

    @property
    def name(self) -> str:
        """The data set's name in the configuration."""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample: `(height, width, channels)`, or `(dimensions,)` for points."""

    @property
    def class_names(self) -> Sequence[str]:
        """A name for each class; a sample's label is an index into it."""

    @property
    def class_weights(self) -> Float[np.ndarray, " classes"]:
        """The true share of each class; sums to 1."""

    def __len__(self) -> int:
        """Number of samples in this split."""

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        """The samples at these indices, as they are stored."""

    def encode(self, stored: Any) -> Samples:
        """Stored samples (NumPy or JAX arrays) as the networks see them."""

    def decode(self, samples: Float[np.ndarray, "n *sample"]) -> np.ndarray:
        """What a generator made, in the stored form: the inverse of `encode`."""


def split_rng(split: Split) -> np.random.Generator:
    """What draws a synthetic split: the same for every experiment, whatever its seed."""
    return np.random.default_rng([0, {"train": 0, "test": 1}[split]])


def class_shares(labels: Int[np.ndarray, " n"], classes: int) -> Float[np.ndarray, " classes"]:
    """The share of each class among these labels."""
    return np.bincount(labels, minlength=classes)[:classes] / len(labels)


def encode_images(stored: Any) -> Any:
    """Pixels 0..255 as float32 in [-1, 1]."""
    return stored.astype("float32") / 127.5 - 1.0


def decode_images(
    samples: Float[np.ndarray, "n height width channels"],
) -> UInt8[np.ndarray, "n height width channels"]:
    """Values in [-1, 1] as the nearest pixel 0..255; values outside are clipped."""
    return np.clip(np.rint((samples + 1.0) * 127.5), 0, 255).astype(np.uint8)
