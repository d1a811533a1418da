"""Inputs of a loss: outputs on this device's rows beside those on the whole batch."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Shaped

from cgan.types import DiscriminatorOutput, RandomKey, Scores, present, single


class PairedOutputs(NamedTuple):
    """The discriminator's outputs on some rows: on a real and on a fake in each."""

    real: DiscriminatorOutput
    fake: DiscriminatorOutput
    agreement: Scores | None = None
    """Cosine between the embeddings of two views of each real; None without that head."""
    stale: Scores | None = None
    """Scores of fakes of earlier steps, one a row; None where none are replayed."""


NO_OUTPUT = DiscriminatorOutput(score=None, embedding=None)
"""The output on samples that no discriminator saw."""


class Stale(NamedTuple):
    """Outputs on samples of earlier steps: further columns of the discriminator's rows."""

    outputs: PairedOutputs
    """Outputs on the columns: fakes, and perhaps reals, by those heads that are kept."""
    there: Bool[Array, " columns"]
    """Whether each is one: a bank is empty at first."""
    meets: Bool[Array, "n columns"] | None = None
    """Whether each local row may be compared with each; None for all."""

    def mask(self, rows: int) -> Bool[Array, "rows columns"]:
        """Whether each of so many local rows meets each of the columns."""
        if self.meets is not None:
            return self.meets & self.there
        return jnp.broadcast_to(self.there, (rows, len(self.there)))


class BatchOutputs(NamedTuple):
    """Outputs on `n` local rows and on the whole batch; on one device they are the same.

    The gradient of a loss with respect to `whole` must flow back to the devices it came from.
    """

    local: PairedOutputs
    whole: PairedOutputs
    rows: Int[Array, " n"]
    """Numbers of the local rows in the batch."""
    offsets: Int[Array, " K"]
    """Offsets of the fakes that real `i` meets, `i + offset` counted round the batch."""
    mask: Bool[Array, "n batch"] | None = None
    """Whether each local row may be compared with each row of the batch; None for all.

    It is the same for a row's real and for its fake, which share their class.
    """
    nimg: Float[Array, ""] | float = 0.0
    """Images seen before this step."""
    stale: Stale | None = None
    """Samples of earlier steps, for the discriminator alone."""
    classes: Int[Array, " n"] | None = None
    """Class of each local real, where its distances to others are targets; else None."""
    whole_classes: Int[Array, " batch"] | None = None

    def with_stale(self) -> "BatchOutputs":
        """The local rows beside the stale columns, in place of the whole batch."""
        if self.stale is None:
            raise TypeError("nothing stale is there to be compared with")
        return self._replace(whole=self.stale.outputs, mask=None)


def draw_offsets(key: RandomKey, batch_size: int, fakes_per_real: int) -> Int[Array, " K"]:
    """Draw which K of the batch's fakes a real meets: anew for each key, of fixed shape.

    The same K offsets serve all reals, so that every fake meets K reals too and the dual grades
    the same pairs. A real meets no fake twice.
    """
    if fakes_per_real == batch_size:
        return jnp.arange(batch_size)
    return jax.random.permutation(key, batch_size)[:fakes_per_real]


def choose(rows: Shaped[Array, "rows batch"], met: Int[Array, "rows K"]) -> Shaped[Array, "rows K"]:
    """Choose from rows over the whole batch the columns that are met, counted round the batch.

    >>> print(choose(jnp.arange(6.0).reshape(2, 3), jnp.array([[1], [3]])))
    [[1.]
     [3.]]
    """
    batch_size = rows.shape[1]
    if met.shape[1] == batch_size:
        return rows
    return jnp.take_along_axis(rows, met % batch_size, axis=1)


def sign_of_reals(batch: BatchOutputs, boundary: float | None) -> Float[Array, ""]:
    """How surely reals are called real, from -1 to 1: 0.6 where 80 % of them are.

    With a boundary `E[sign(D(x) - boundary)]`, the overfitting heuristic `r_t` of Karras et al.
    2020 (section 3, eq. 1). Losses that see differences of scores alone leave their zero anywhere;
    for them it is `E[sign(D(x) - D(G(z)))]` over all pairs.
    """
    reals = single(batch.local.real.score)
    if boundary is not None:
        return jnp.mean(jnp.sign(reals - boundary))
    return jnp.mean(jnp.sign(reals[:, None] - single(batch.whole.fake.score)))


def gaps(batch: BatchOutputs) -> dict[str, Float[Array, ""]]:
    """Mean margins of reals over fakes, before any temperature, by name: numbers to watch."""
    local, whole = batch.local, batch.whole
    found: dict[str, Float[Array, ""]] = {}
    if local.real.score is not None and local.fake.score is not None:
        found["score_gap"] = jnp.mean(local.real.score) - jnp.mean(local.fake.score)
    if local.agreement is not None:
        real, fakes = present(local.real.embedding), present(whole.fake.embedding)
        means = real.mean(axis=0), fakes.mean(axis=0)
        similarity = jnp.vdot(*means, precision=jax.lax.Precision.HIGHEST)
        found["embedding_gap"] = jnp.mean(local.agreement) - similarity
    return found
