"""A data set of noise, for benchmarks whose times do not depend on what the data show."""

from dataclasses import dataclass

import numpy as np

from cgan.data.source import class_shares, decode_images, encode_images
from cgan.kinds import IMAGE, Kind
from cgan.types import Batch


@dataclass(frozen=True)
class Noise:
    """Uniform random images, or points, as a data set."""

    sample_shape: tuple[int, ...]
    kind: Kind = IMAGE
    name: str = "noise"
    class_names: tuple[str, ...] = ("0",)
    """Classes that its networks can be told of; all samples are of the first."""
    encode = staticmethod(encode_images)
    decode = staticmethod(decode_images)

    @property
    def class_weights(self) -> np.ndarray:
        """Share of each class: all samples are of the first."""
        return class_shares(np.zeros(1, np.int32), len(self.class_names))

    def __len__(self) -> int:
        return 2**20

    def __getitem__(self, indices: np.ndarray) -> Batch:
        rng = np.random.default_rng(indices.ravel()[0])
        images = rng.integers(256, size=(len(indices), *self.sample_shape), dtype=np.uint8)
        return Batch(images, np.zeros(len(indices), np.int32))
