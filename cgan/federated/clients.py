"""The states of all clients as one: spread from a single state, cut, joined, and judged as one."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from cgan.rng import RandomKey, Seed, stream_key
from cgan.state import TrainState

Leaf = Shaped[Array | np.ndarray, "..."]
"""An array of a state, on devices or on the host."""
OF_EACH = TrainState(None, *(0 for _ in TrainState._fields[1:]))  # type: ignore[arg-type]
"""The axis of clients in each field, as `jax.vmap` takes it: all but the step have one."""
AVERAGED = (
    "generator",
    "discriminator",
    "discriminator_stats",
    "learnt",
    "generator_ema",
    "generator_optim",
    "discriminator_optim",
)
"""Fields of a state whose floats are averaged, and sent for that."""


def spread(state: TrainState, clients: int) -> TrainState:
    """The state of so many clients, each of which starts from this one."""

    def repeated(leaf: Leaf) -> Array:
        return jnp.broadcast_to(leaf, (clients, *jnp.shape(leaf)))

    return of_clients(state, repeated)


def of_clients(state: TrainState, change: Callable[[Any], Any]) -> TrainState:
    """The state with each array that has an axis of clients changed."""
    fields = state._asdict()
    step = fields.pop("step")
    return TrainState(step, **jax.tree.map(change, fields))


def client_of(state: TrainState, client: int) -> TrainState:
    """The state of one client alone."""
    return of_clients(state, lambda leaf: leaf[client, ...])


def average_of(state: TrainState, shares: Float[np.ndarray, " clients"]) -> TrainState:
    """The average of all clients, weighted by what each has of the data, as a state of its own.

    After an average it is what each client has. Its bank is the first client's.

    Args:
        state: of all clients, on devices or on the host.
        shares: each client's share of all samples.
    """
    xp: Any = np if isinstance(state.step, np.ndarray | np.generic) else jnp

    def mean(leaf: Leaf) -> Leaf:
        if not xp.issubdtype(leaf.dtype, xp.floating):
            return leaf[0, ...]
        weights = shares.reshape(-1, *[1] * (leaf.ndim - 1)).astype(leaf.dtype)
        return xp.asarray((weights * leaf).sum(axis=0, dtype=leaf.dtype))

    first = client_of(state, 0)
    averaged = {name: jax.tree.map(mean, getattr(state, name)) for name in AVERAGED}
    return first._replace(**averaged)


def client_seed(seed: Seed, client: int | Int[Array, ""]) -> Seed:
    """The seed of all that is random in a client's steps."""
    key: RandomKey = stream_key(seed, "federated/client")
    return jax.random.bits(jax.random.fold_in(key, client))
