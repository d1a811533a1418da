"""The patch contrast: a place of a translation is told by the same place of the picture.

PatchNCE of Park et al. 2020, "Contrastive learning for unpaired image-to-image translation",
section 3, equations 3 and 4: with unit vectors `q_i` of the translation's places and `k_i` of the
picture's, `-log(exp(q_i . k_i / tau) / sum_j exp(q_i . k_j / tau))`. It is InfoNCE (van den Oord et
al. 2018) with patches in the place of samples: the other places of the same picture are what a
place is told from, or also those of the batch's other pictures.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from cgan.types import PerSample

Vectors = tuple[Float[Array, "n _ dimensions"], ...]
"""Unit vectors of patches, for each map that they are of."""
OfBatch = tuple[Float[Array, "batch _ dimensions"], ...]
"""Patch vectors of the whole batch."""
PRECISION = jax.lax.Precision.HIGHEST


def within_picture(queries: Vectors, keys: Vectors, temperature: float) -> PerSample:
    """The contrast of each picture, whose places are told from each other.

    Args:
        queries: of translations, for each map.
        keys: of the pictures that they are of.
        temperature: divides cosines.

    Returns:
        The mean over places and maps, for each picture.
    """

    def of_map(
        query: Float[Array, "n k dimensions"], key: Float[Array, "n k dimensions"]
    ) -> PerSample:
        cosines = jnp.einsum("nid,njd->nij", query, key, precision=PRECISION)
        told = jax.nn.log_softmax(cosines / temperature, axis=-1)
        return -jnp.diagonal(told, axis1=1, axis2=2).mean(axis=1)

    return _mean_of_maps([of_map(*pair) for pair in zip(queries, keys, strict=True)])


def within_batch(
    queries: Vectors, keys: OfBatch, rows: Int[Array, " n"], temperature: float
) -> PerSample:
    """The contrast of each picture, whose places are told from those of the whole batch.

    Args:
        queries: of translations on this device, for each map.
        keys: of the pictures of the whole batch.
        rows: which of them these are.
        temperature: divides cosines.

    Returns:
        The mean over places and maps, for each picture.
    """

    def of_map(
        query: Float[Array, "n k dimensions"], key: Float[Array, "batch k dimensions"]
    ) -> PerSample:
        cosines = jnp.einsum("nid,mjd->nimj", query, key, precision=PRECISION)
        n, places = cosines.shape[:2]
        told = jax.nn.log_softmax(cosines.reshape(n, places, -1) / temperature, axis=-1)
        own = rows[:, None] * places + jnp.arange(places)
        return -jnp.take_along_axis(told, own[:, :, None], axis=-1)[:, :, 0].mean(axis=1)

    return _mean_of_maps([of_map(*pair) for pair in zip(queries, keys, strict=True)])


def _mean_of_maps(found: list[PerSample]) -> PerSample:
    return jnp.stack(found).mean(axis=0)
