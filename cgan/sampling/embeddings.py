"""Embeddings of samples by a run's discriminator, and the temperature that compares them."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from cgan import parallel
from cgan.assemble import Parts
from cgan.objectives import GAME_NAMES
from cgan.sampling.runs import Restored
from cgan.sampling.sampler import chunk_size
from cgan.types import Head, Params, single


def embedding_temperature(parts: Parts, learnt: Params) -> Float[Array, ""] | float:
    """The temperature that cosines of embeddings are divided by: the learnt one, where one is."""
    return head_temperature(parts, learnt, "embedding")


def head_temperature(parts: Parts, learnt: Params, head: Head) -> Float[Array, ""] | float:
    """The temperature of a head's game: the learnt one, where one is."""
    found = parts.game.readings(learnt).get(f"{GAME_NAMES[head]}/temperature")
    if found is not None:
        return found
    return (parts.config.objective if head == "score" else parts.config.embedding).temperature


def embed(
    run: Restored,
    stored: Shaped[np.ndarray, "n *sample"],
    labels: Int[np.ndarray, " n"] | None = None,
) -> Float[np.ndarray, "n dimensions"]:
    """Embed samples as they are, without views, a chunk at a time.

    Args:
        run: whose discriminator has an embedding head.
        stored: samples in the stored form.
        labels: their classes; only read where the networks see any.
    """
    parts, state, n = run.parts, run.state, len(stored)
    devices = jax.local_devices()
    size = -(-min(chunk_size(parts.config), n) // len(devices)) * len(devices)
    seen = labels if parts.classes else None

    def of_rows(players: tuple[Params, Params], rows: tuple[Array, Array | None]) -> Array:
        x, label = rows
        return single(parts.networks.discriminate(*players, x, label).embedding)

    compiled = parallel.spread(of_rows, devices)
    players = parallel.replicate((state.discriminator, state.discriminator_stats), devices)
    found = []
    for rows in parallel.chunks(np.arange(n), size):
        x = jnp.asarray(parts.source.encode(stored[rows]))
        found.append(np.asarray(compiled(players, (x, None if seen is None else seen[rows]))))
    return np.concatenate(found)[:n]
