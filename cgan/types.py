"""Array aliases with their shapes, and the batch that flows from data to networks."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int, Key, PyTree, Shaped

Samples = Float[Array, "n *sample"]
"""Samples as the networks see them: float32, images in [-1, 1], points in units of their spread."""

Scores = Float[Array, " n"]
"""One real number for each sample: the discriminator's scalar head."""

WholeBatchScores = Float[Array, " batch"]
"""The scores of all devices' samples, in the order of the global batch."""

Margins = Float[Array, "rows columns"]
"""`M[i, j]`: by how much real `i` beats fake `j`."""

PerSample = Float[Array, " n"]
"""One term of a loss for each sample, before the mean."""

Params = PyTree[Float[Array | np.ndarray, "..."]]
"""The parameters of a network: nested dictionaries of arrays, on devices or on the host."""

RandomKey = Key[Array, ""]
RowKeys = Key[Array, " n"]


class Batch(NamedTuple):
    """Samples as they are stored (images uint8 NHWC, points float32) and their class labels."""

    x: Shaped[Array | np.ndarray, "*batch_and_sample"]
    label: Int[Array | np.ndarray, "*batch"]


__all__ = [
    "Batch",
    "Margins",
    "Params",
    "PerSample",
    "RandomKey",
    "RowKeys",
    "Samples",
    "Scores",
    "WholeBatchScores",
]
