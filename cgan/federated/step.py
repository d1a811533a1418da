"""Training steps of all clients: each takes its own without the others, then they average.

A client's step is the ordinary one on one device with a seed of its own. Clients of a device are
mapped over (`vmap`); over devices, which may be those of many hosts, each holds some of them.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from cgan.axis import ONE_DEVICE, Axis
from cgan.config import Experiment
from cgan.federated.averaging import averaged, exchanged, taking_part
from cgan.federated.clients import OF_EACH, client_seed, of_clients
from cgan.finite import Outcome
from cgan.rng import Seed
from cgan.state import TrainState
from cgan.step import TrainStep
from cgan.types import Batch

OF_CLIENTS = ("discriminator/loss", "generator/loss", "discriminator/score_gap")
"""Metrics that are logged of each client too, where there are any, as `client_3/...`."""
TAKING_PART = "federated/taking_part"
"""Name of the metric: share of the clients that take part in the round."""


class FederatedStep:
    """The steps of all clients of one experiment, `(state, batches) -> (state, outcome)`.

    What goes in and comes out are the states of all clients on every device, so that the first
    process can save them; within a dispatch a device has its own clients' alone.
    """

    def __init__(
        self,
        config: Experiment,
        of_one: Callable[[Seed, Axis], TrainStep],
        shares: Float[np.ndarray, " clients"],
        seed: Seed,
        axis: Axis,
    ) -> None:
        """Make the step.

        Args:
            config: of the experiment.
            of_one: the ordinary step with a seed and an axis.
            shares: each client's share of all samples.
            seed: of all that is random.
            axis: joins the devices.
        """
        self.config, self.of_one, self.seed, self.axis = config, of_one, seed, axis
        self.shares = jnp.asarray(shares, jnp.float32)

    def __call__(self, state: TrainState, batches: Batch) -> tuple[TrainState, Outcome]:
        """Take as many steps as `batches` holds: `[steps, local, ...]`; metrics are `[steps]`.

        Raises:
            ValueError: all devices together don't hold the batch: the axis is not theirs.
        """
        rows, clients = self.config.rows_together, self.config.federated.clients
        here = batches.x.shape[1] // rows
        numbers = self.axis.row_ids(here)
        if len(self.axis.gather(numbers)) != clients:
            raise ValueError(
                f"the step was given the rows of {here} of {clients} clients; on several devices "
                "it must gather them: Parts.train_step(axis=parallel.DEVICES)"
            )
        mine = of_clients(state, lambda leaf: leaf[numbers])
        of_each = jax.tree.map(
            lambda leaf: leaf.reshape(len(leaf), here, rows, *leaf.shape[2:]), batches
        )
        mine, found = jax.lax.scan(partial(self.one_step, numbers), mine, of_each)
        return of_clients(mine, self.axis.gather), self.outcome(*found)

    def one_step(
        self, numbers: Int[Array, " here"], state: TrainState, batch: Batch
    ) -> tuple[TrainState, tuple[Outcome, Float[Array, ""]]]:
        """Take one step of each client on this device; where it ends a round, average."""
        federated, before = self.config.federated, state.step

        def of_client(
            client: Int[Array, ""], state: TrainState, batch: Batch
        ) -> tuple[TrainState, Outcome]:
            alone = ONE_DEVICE._replace(client=client, clients=federated.clients)
            return self.of_one(client_seed(self.seed, client), alone).one_step(state, batch)

        state, outcome = jax.vmap(of_client, in_axes=(0, OF_EACH, 0), out_axes=(OF_EACH, 0))(
            numbers, state, batch
        )
        if not federated.local_steps:
            return state, (outcome, jnp.zeros(()))
        round_ = before // federated.local_steps
        takes_part = taking_part(self.seed, round_, federated.clients, federated.dropout)
        ends = state.step % federated.local_steps == 0
        state = jax.lax.cond(
            ends, partial(self.end_round, numbers, takes_part), lambda state: state, state
        )
        return state, (outcome, takes_part.mean(dtype=jnp.float32))

    def end_round(
        self, numbers: Int[Array, " here"], takes_part: Bool[Array, " clients"], state: TrainState
    ) -> TrainState:
        """Average both players, and exchange the embeddings of the round."""
        config = self.config
        mean = averaged(state, self.shares * takes_part, numbers, self.axis)
        if state.bank is None:
            return mean
        bank = exchanged(
            state.bank,
            state.step,
            takes_part,
            numbers,
            self.axis,
            config.rows_together,
            config.federated.local_steps,
        )
        return mean._replace(bank=bank)

    def outcome(self, outcome: Outcome, share: Float[Array, " steps"]) -> Outcome:
        """Means of metrics over clients, those of each, and what is finite with each."""

        def of_all(leaf: Array) -> Array:
            return jnp.moveaxis(self.axis.gather(jnp.moveaxis(leaf, 1, 0)), 0, 1)

        metrics, finite = jax.tree.map(of_all, (outcome.metrics, outcome.finite))
        found = {name: values.mean(axis=1) for name, values in metrics.items()}
        for name in OF_CLIENTS:
            if name in metrics:
                for client in range(self.config.federated.clients):
                    found[f"client_{client}/{name}"] = metrics[name][:, client]
        if self.config.federated.local_steps:
            found[TAKING_PART] = share
        return Outcome(found, finite[:, :, 0])
