"""A memory bank: what the discriminator saw in earlier steps, for it to meet again.

A ring in the training state, in which a step's batch takes the place of the oldest one. It is read
before it is written, and only the discriminator reads it. Of *embeddings* it keeps those of reals
and of fakes as the discriminator made them: further columns of its rows at the price of a product,
without a gradient (Wu et al. 2018, "Unsupervised feature learning via non-parametric instance
discrimination"; He et al. 2020, "Momentum contrast", MoCo; without MoCo's second encoder: Wang et
al. 2020, "Cross-batch memory for embedding learning", XBM). Of *samples* it keeps fakes, of which
each step draws a batch and scores it by today's weights, through which the gradient flows
(Shrivastava et al. 2017, "Learning from simulated and unsupervised images", section 2.3).

Each device holds all of it, so that it is the same on any number of them. `docs/bank.md` says when
it helps and what it costs.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Shaped

from cgan.objectives.outputs import NO_OUTPUT, PairedOutputs, Stale
from cgan.types import DiscriminatorOutput, Labels, RandomKey, Samples, single

NEVER = -1
"""The step of a slot that was never written."""
Entries = dict[str, Shaped[Array, "n ..."]]
"""What is kept of each of n samples, by name."""


class Ring(NamedTuple):
    """The slots of a bank, in batches; a part of the training state."""

    written: Int[Array, " slots"]
    """The step that wrote each slot, counted from 0; `NEVER` where none did."""
    entries: Entries
    """What is kept in each slot: `real`, `fake` and `agreement`, or `fake`; `label` of classes."""


class Replayed(NamedTuple):
    """Fakes of earlier steps that a step scores again, one a row of the batch."""

    fake: Samples
    labels: Labels | None
    there: Bool[Array, " n"]
    """Whether the slot that was drawn holds one."""


def empty(size: int, one: dict[str, jax.ShapeDtypeStruct]) -> Ring:
    """A bank in which nothing was written yet.

    Args:
        size: number of slots.
        one: the form of what is kept of one sample.
    """
    zeros = {name: jnp.zeros((size, *form.shape), form.dtype) for name, form in one.items()}
    return Ring(jnp.full(size, NEVER, jnp.int32), zeros)


def write(
    bank: Ring,
    step: Int[Array, ""],
    entries: Entries,
    client: int | Int[Array, ""] = 0,
    clients: int = 1,
) -> Ring:
    """Put a batch in the place of the oldest one.

    Clients have a part of the bank each, one after another, which is a ring of its own.

    Args:
        bank: the ring, whose slots are a multiple of the batch.
        step: number of the step that writes; steps write one after another, from 0 on.
        entries: what is kept of the whole batch, on all devices alike.
        client: whose batch it is.
        clients: number of them.
    """
    count, part = len(next(iter(entries.values()))), len(bank.written) // clients
    first = client * part + step % (part // count) * count
    now = jnp.full(count, step, bank.written.dtype)

    def into(ring: Array, batch: Array) -> Array:
        return jax.lax.dynamic_update_slice_in_dim(ring, batch.astype(ring.dtype), first, axis=0)

    return Ring(into(bank.written, now), jax.tree.map(into, bank.entries, entries))


def filled(bank: Ring) -> Bool[Array, " slots"]:
    """Whether each slot holds something."""
    return bank.written != NEVER


def readings(bank: Ring, step: Int[Array, ""]) -> dict[str, Float[Array, ""]]:
    """What a step that reads the bank finds there, by name.

    `filled` is the share of slots that hold something, `age` the mean number of steps since they
    were written, and `oldest` the largest; ages of an empty bank are 0.
    """
    there = filled(bank)
    ages = jnp.where(there, step - bank.written, 0).astype(jnp.float32)
    count = jnp.maximum(there.sum(), 1)
    return {
        "bank/filled": there.mean(dtype=jnp.float32),
        "bank/age": ages.sum() / count,
        "bank/oldest": ages.max(),
    }


def of_embeddings(outputs: PairedOutputs) -> Entries:
    """What is kept of the whole batch's embeddings, in float32; their labels apart."""
    return {
        "real": single(outputs.real.embedding),
        "fake": single(outputs.fake.embedding),
        "agreement": single(outputs.agreement),
    }


def labeled(entries: Entries, labels: Labels | None) -> Entries:
    """What is kept of the whole batch, with its labels where networks or comparisons see them."""
    return entries if labels is None else entries | {"label": labels.astype(jnp.int32)}


def replay(bank: Ring, key: RandomKey, batch_size: int, rows: Int[Array, " n"]) -> Replayed:
    """Draw a batch of different slots from a bank of samples, and take those of these rows.

    Args:
        bank: of samples.
        key: of the step; the draw is that of the whole batch, on any number of devices.
        batch_size: rows of the whole batch, at most the bank's slots.
        rows: numbers of the rows to be replayed.
    """
    slots = jax.random.permutation(key, len(bank.written))[:batch_size][rows]
    labels = bank.entries.get("label")
    return Replayed(
        bank.entries["fake"][slots],
        None if labels is None else labels[slots],
        filled(bank)[slots],
    )


def stale_scores(
    scores: Float[Array, " batch"],
    there: Bool[Array, " batch"],
    meets: Bool[Array, "n batch"] | None,
) -> Stale:
    """Columns of the scores of all that was replayed.

    Args:
        scores: by today's weights, of the whole batch's replay.
        there: whether it is one.
        meets: whether each local row may be compared with each; None for all.
    """
    return Stale(PairedOutputs(NO_OUTPUT, DiscriminatorOutput(scores, None)), there, meets)


def stale_embeddings(bank: Ring, labels: Labels | None) -> Stale:
    """Columns of all slots of a bank of embeddings.

    Args:
        bank: of embeddings.
        labels: of the local rows, where each may only be compared with its class; None for all.
    """
    of = bank.entries
    outputs = PairedOutputs(
        DiscriminatorOutput(None, of["real"]),
        DiscriminatorOutput(None, of["fake"]),
        of["agreement"],
    )
    meets = None if labels is None else labels[:, None] == of["label"]
    return Stale(outputs, filled(bank), meets)
