"""Maps of a network as rows of features, one for each sample."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

SIDE = 4
"""Most places to a side that maps are averaged down to."""


def as_rows(maps: Float[Array, "n ..."]) -> Float[Array, "n d"]:
    """Maps as rows, those with places averaged over rectangles to at most 4x4 of them.

    Those along a sequence are averaged over all of it: where its letters begin is chance.
    """
    if maps.ndim == 3:
        maps = maps.mean(axis=1)
    if maps.ndim == 4:
        rows, columns = (_averaging(size) for size in maps.shape[1:3])
        precision = jax.lax.Precision.HIGHEST
        maps = jnp.einsum("rh,nhwc,qw->nrqc", rows, maps, columns, precision=precision)
    return maps.reshape(len(maps), -1)


def _averaging(size: int) -> Float[np.ndarray, "few size"]:
    """The matrix that takes the mean of each of at most 4 stretches of a side."""
    few = min(size, SIDE)
    of_place = np.arange(size) * few // size == np.arange(few)[:, None]
    return (of_place / of_place.sum(axis=1, keepdims=True)).astype(np.float32)
