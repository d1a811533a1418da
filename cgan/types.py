"""Array aliases with their shapes, and the batch that flows from data to networks."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int, Key, PyTree, Shaped

Samples = Float[Array, "n *sample"]
"""Samples as the networks see them: float32, points in units of their spread, images in [-1, 1].

Some generators go a little beyond; it is clipped where images are made of their samples.
"""

Labels = Int[Array, " n"]
"""The class of each sample, as an index into the data's classes."""

Scores = Float[Array, " n"]
"""One real number for each sample: the discriminator's scalar head."""

Embeddings = Float[Array, "n dimensions"]
"""A unit vector for each sample: the discriminator's vector head."""

Margins = Float[Array, "rows columns"]
"""Rows of `M[i, j]`: by how much real `i` beats fake `j`."""

PerSample = Float[Array, " n"]
"""One term of a loss for each sample, before the mean."""

Params = PyTree[Float[Array | np.ndarray, "..."]]
"""The parameters of a network: nested dictionaries of arrays, on devices or on the host."""

Factors = PerSample
"""Factor on each sample's score; positive, and 1 wherever a score is read."""

RandomKey = Key[Array, ""]
RowKeys = Key[Array, " n"]


Head = Literal["score", "embedding"]
"""The heads of a discriminator: a number, or a unit vector, for each sample."""


class Batch(NamedTuple):
    """Samples as they are stored (images uint8 NHWC, points float32) and their class labels."""

    x: Shaped[Array | np.ndarray, "*batch_and_sample"]
    label: Int[Array | np.ndarray, "*batch"]


class GivenBatch(NamedTuple):
    """A batch, and in as many rows what the generator is given in place of noise."""

    x: Shaped[Array | np.ndarray, "*batch_and_sample"]
    label: Int[Array | np.ndarray, "*batch"]
    given: Shaped[Array | np.ndarray, "*batch_and_sample"]
    """Pictures to be translated, as they are stored."""


class DiscriminatorOutput(NamedTuple):
    """The output of a discriminator, head by head; None for a head that it lacks."""

    score: Scores | None
    embedding: Embeddings | None


def present(head: Array | None) -> Array:
    """A head's output, which has to be there: a missing one is a mistake in the wiring.

    Raises:
        TypeError: the discriminator was built without the head.
    """
    if head is None:
        raise TypeError("the discriminator has no such head")
    return head


def single(head: Array | None) -> Array:
    """A head's output in float32, whatever the networks compute in."""
    return present(head).astype("float32")


__all__ = [
    "Batch",
    "DiscriminatorOutput",
    "Embeddings",
    "Factors",
    "GivenBatch",
    "Head",
    "Labels",
    "Margins",
    "Params",
    "PerSample",
    "RandomKey",
    "RowKeys",
    "Samples",
    "Scores",
    "present",
    "single",
]
