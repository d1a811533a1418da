"""The end of a round: who takes part, the average of their weights, and their banks' embeddings.

Averages are of McMahan et al. 2017, "Communication-efficient learning of deep networks from
decentralized data", algorithm 1 (FederatedAveraging): of those who take part, weighted by samples.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Shaped

from cgan.axis import Axis
from cgan.bank import Ring
from cgan.federated.clients import AVERAGED
from cgan.rng import Seed, stream_key
from cgan.state import TrainState


def taking_part(
    seed: Seed, round_: Int[Array, ""], clients: int, dropout: float
) -> Bool[Array, " clients"]:
    """Who takes part in a round, each client for itself with probability `1 - dropout`."""
    key = stream_key(seed, "federated/dropout", round_)
    return jax.random.uniform(key, (clients,)) >= dropout


def averaged(
    state: TrainState,
    weights: Float[Array, " clients"],
    numbers: Int[Array, " here"],
    axis: Axis,
) -> TrainState:
    """All clients with the average of those who take part; as they are where nobody does.

    Args:
        state: of the clients on this device.
        weights: of all clients in the average, 0 for those who drop out.
        numbers: which clients are on this device.
        axis: joins the devices.
    """
    devices, total = len(weights) // len(numbers), weights.sum()
    own = jnp.where(total > 0, weights / jnp.where(total > 0, total, 1), 0)[numbers]

    def weighted(leaf: Shaped[Array, "here ..."]) -> Shaped[Array, "..."] | None:
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            return None
        return (own.reshape(-1, *[1] * (leaf.ndim - 1)) * leaf).sum(axis=0)

    fields = {name: getattr(state, name) for name in AVERAGED}
    means = axis.mean(jax.tree.map(weighted, fields))

    def received(
        mean: Shaped[Array, "..."] | None, leaf: Shaped[Array, "here ..."]
    ) -> Shaped[Array, "here ..."]:
        return leaf if mean is None else jnp.where(total > 0, mean * devices, leaf)

    known = partial(jax.tree.map, received, is_leaf=lambda leaf: leaf is None)
    return state._replace(**known(means, fields))


def exchanged(
    bank: Ring,
    step: Int[Array, ""],
    sends: Bool[Array, " clients"],
    numbers: Int[Array, " here"],
    axis: Axis,
    rows: int,
    steps: int,
) -> Ring:
    """Banks with what each client put into its part of its own in the last steps.

    Args:
        bank: of the clients on this device, each with a part for every client.
        step: number of steps that were taken.
        sends: whose embeddings of the round are sent; others' parts stay as they were.
        numbers: which clients are on this device.
        axis: joins the devices.
        rows: of a client's batch.
        steps: of a round.
    """
    clients, here = len(sends), len(numbers)
    batches = bank.written.shape[1] // clients // rows
    new = min(steps, batches)
    which = (step - new + jnp.arange(new)) % batches
    slots = (which[:, None] * rows + jnp.arange(rows)).ravel()

    def of_parts(leaf: Shaped[Array, "here slots ..."]) -> Shaped[Array, "here slots ..."]:
        parts = leaf.reshape(here, clients, batches * rows, *leaf.shape[2:])
        sent = axis.gather(parts[jnp.arange(here), numbers][:, slots])
        taken = sends.reshape(-1, *[1] * (sent.ndim - 1))
        newest = jnp.where(taken, sent[None], parts[:, :, slots])
        return parts.at[:, :, slots].set(newest).reshape(leaf.shape)

    return jax.tree.map(of_parts, bank)
