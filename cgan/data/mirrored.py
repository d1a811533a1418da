"""A data set and its mirror images, as one of twice the size (StyleGAN2's `mirror`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from cgan.data.source import Source
from cgan.types import Batch


@dataclass(frozen=True)
class Mirrored:
    """The images of a source and then, in the same order, the same ones flipped left to right."""

    images: Source

    @property
    def name(self) -> str:
        return self.images.name

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.images.sample_shape

    @property
    def class_names(self) -> Sequence[str]:
        return self.images.class_names

    @property
    def class_weights(self) -> Float[np.ndarray, " classes"]:
        return self.images.class_weights

    def __len__(self) -> int:
        return 2 * len(self.images)

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        flipped, original = np.divmod(indices, len(self.images))
        batch = self.images[original]
        x = np.array(batch.x)
        mirrored = flipped == 1
        x[mirrored] = x[mirrored][:, :, ::-1]
        return Batch(x, batch.label)

    def encode(self, stored: Any) -> Any:
        return self.images.encode(stored)

    def decode(self, samples: Float[np.ndarray, "n *sample"]) -> np.ndarray:
        return self.images.decode(samples)
