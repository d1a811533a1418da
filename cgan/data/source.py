"""The protocol of a data set: random access to stored samples, and their form for networks."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, UInt8

from cgan.config import ConfigError, require
from cgan.kinds import KINDS, Kind
from cgan.types import Batch, Samples

Split = Literal["train", "test"]
"""Name of a split; `test` is held out: never trained on."""


@runtime_checkable
class Source(Protocol):
    """One split of a data set. Any object with these members will do.

    What it may say of itself besides is in `cgan/data/abilities.py`.
    """

    @property
    def name(self) -> str:
        """Name of the data set in the configuration."""

    @property
    def kind(self) -> Kind:
        """What a sample is: `IMAGE`, `POINT`, `SEQUENCE`, `DNA` or `PROTEIN` of `cgan.kinds`."""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample: a size for each of the kind's axes."""

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


MEMBERS = ("name", "kind", "sample_shape", "class_names", "class_weights")
METHODS = ("__len__", "__getitem__", "encode", "decode")


def check_source(source: Any, name: str = "source") -> Source:
    """An object that a program hands in, known to be a source whose first sample fits.

    Raises:
        ConfigError: a member is missing, or says something else than the samples do.
    """
    if missing := [member for member in (*MEMBERS, *METHODS) if not hasattr(source, member)]:
        raise ConfigError(
            f"{name} = {type(source).__name__}: has no {' and no '.join(missing)}; must have the "
            "members of cgan.data.Source"
        )
    kinds = " or ".join(f"cgan.kinds.{kind.upper()}" for kind in KINDS)
    require(isinstance(source.kind, Kind), f"{name}.kind", source.kind, kinds)
    shape, axes = tuple(source.sample_shape), source.kind.axes
    expected = f"({', '.join(axes)}) for {source.kind.plural}"
    require(len(shape) == len(axes), f"{name}.sample_shape", shape, expected)
    require(len(source) > 0, f"len({name})", len(source), "more than 0")
    classes, weights = len(source.class_names), len(source.class_weights)
    expected = f"{classes} shares, one for each of its class_names"
    require(weights == classes, f"len({name}.class_weights)", weights, expected)
    stored = np.asarray(source[np.zeros(1, np.int64)].x)
    require(stored.shape[1:] == shape, f"shape of {name}[...]", stored.shape[1:], f"{shape}")
    encoded = np.asarray(source.encode(stored))
    require(encoded.shape[1:] == shape, f"shape of {name}.encode", encoded.shape[1:], f"{shape}")
    back = np.asarray(source.decode(encoded))
    found, expected = (f"{x.dtype} {list(x.shape[1:])}" for x in (back, stored))
    require(found == expected, f"{name}.decode", found, f"{expected}, as its samples are stored")
    checked: Source = source
    return checked


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
