"""Bytes that training sends: of a client in a round, and of a device in a central step.

The clients' are held against the compiled program by `tests/test_federated.py`; the ordinary step's
by `tests/test_communication.py`, which sends a few bytes for each sample's outputs besides.
"""

import jax
import jax.numpy as jnp

from cgan.config import Experiment
from cgan.federated.clients import AVERAGED
from cgan.state import TrainState


def of_round(config: Experiment, state: TrainState) -> int:
    """Bytes that a client sends at the end of each round: what is averaged, and new embeddings.

    Both players, the average of the generator's weights and both moments of Adam, and of the bank
    what was written in the round, as far as the client's part of it has room.

    Args:
        config: of the experiment, with clients.
        state: of one client, or its shapes alone.
    """
    fields = [getattr(state, name) for name in AVERAGED]
    floats = [leaf for leaf in jax.tree.leaves(fields) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    sent = sum(leaf.size * leaf.dtype.itemsize for leaf in floats)
    if not config.federated.local_steps:
        return 0
    if state.bank is None:
        return sent
    slots = len(state.bank.written)
    rows = min(
        config.federated.local_steps * config.rows_together, slots // config.federated.clients
    )
    of_slot = sum(leaf.size // slots * leaf.dtype.itemsize for leaf in jax.tree.leaves(state.bank))
    return sent + rows * of_slot


def of_central_step(state: TrainState) -> int:
    """Bytes of the gradients that a device sends in each step of central training.

    Args:
        state: of the run, or its shapes alone.
    """
    learnt = (state.generator, state.discriminator, state.learnt)
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(learnt))
