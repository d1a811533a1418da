"""A data set from files as a run remembers it: its form and classes without the samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from cgan.data.dna import decode_bases, encode_bases
from cgan.data.identity import Identity
from cgan.data.proteins import decode_residues, encode_residues
from cgan.data.source import Source, decode_images, encode_images
from cgan.kinds import DNA, IMAGE, PROTEIN, Kind
from cgan.types import Batch


@dataclass(frozen=True)
class Remembered:
    """The train split that a run learnt, opened when the first of its samples is read."""

    name: str
    identity: Identity
    open: Callable[[], Source]
    """Function that opens the data set, which must be the one remembered."""
    kind: Kind = IMAGE

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.identity.sample_shape

    @property
    def class_names(self) -> Sequence[str]:
        return self.identity.class_names

    @cached_property
    def class_weights(self) -> Float[np.ndarray, " classes"]:
        return np.array(self.identity.class_weights, np.float64)

    @cached_property
    def _opened(self) -> Source:
        return self.open()

    def __len__(self) -> int:
        return self.identity.train.samples

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        return self._opened[indices]

    def encode(self, stored: Any) -> Any:
        return FORMS[self.kind][0](stored)

    def decode(self, samples: Float[np.ndarray, "n *sample"]) -> np.ndarray:
        return FORMS[self.kind][1](samples)


FORMS: dict[Kind, tuple[Callable[[Any], Any], Callable[[Any], np.ndarray]]] = {
    IMAGE: (encode_images, decode_images),
    DNA: (encode_bases, decode_bases),
    PROTEIN: (encode_residues, decode_residues),
}
"""How samples from files are encoded and decoded, by their kind."""
