"""What a step asks of the devices that it is mapped over; on one device it asks nothing.

The form for many devices stands in `cgan/parallel.py`, the only file that knows any.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Int, PyTree, Shaped


class Axis(NamedTuple):
    """The operations that join the devices' shares of a batch, called inside a step only."""

    gather: Callable[[Shaped[Array, "local *rest"]], Shaped[Array, "batch *rest"]]
    """The rows of all devices, in the order of the global batch."""
    mean: Callable[[PyTree], PyTree]
    """The mean of a tree over devices."""
    row_ids: Callable[[int], Int[Array, " local"]]
    """Which rows of the global batch this device holds, given how many."""
    clients: int = 1
    """Number of batches that the global one falls into, whose rows never meet."""
    client: int | Int[Array, ""] = 0
    """Number of the one among them that these rows are of."""


ONE_DEVICE = Axis(gather=lambda local: local, mean=lambda tree: tree, row_ids=jnp.arange)
"""The whole batch on one device: `jax.jit(step)` and `jax.grad` need no map over devices."""
