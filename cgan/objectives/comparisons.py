"""Comparisons: how outputs become margins, before the temperature.

The margin `M[i, j]` says by how much real `i` beats fake `j`. Each comparison gives it for all the
fakes of this device's reals (`real_rows`) and for all the reals of its fakes (`fake_rows`, the
transpose). Margins are float32 whatever the networks compute in.
"""

from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.objectives.outputs import BatchOutputs
from cgan.types import Margins, single


@runtime_checkable
class Comparison(Protocol):
    """A way to take the margins from outputs, before the temperature."""

    def real_rows(self, batch: BatchOutputs) -> Margins:
        """Margins `[n, batch]` of each local real over every fake of the batch."""

    def fake_rows(self, batch: BatchOutputs) -> Margins:
        """Margins `[n, batch]` of every real of the batch over each local fake."""


class ScoreComparison:
    """Scores: `D(x_i) - D(G(z_j))`.

    >>> from cgan.objectives.outputs import PairedOutputs
    >>> from cgan.types import DiscriminatorOutput
    >>> real, fake = (DiscriminatorOutput(jnp.array(x), None) for x in ([2.0, 1.0], [0.0, 1.0]))
    >>> both, rows = PairedOutputs(real, fake), jnp.arange(2)
    >>> print(ScoreComparison().real_rows(BatchOutputs(both, both, rows, offsets=rows)))
    [[2. 1.]
     [1. 0.]]
    """

    def real_rows(self, batch: BatchOutputs) -> Margins:
        """Margins `[n, batch]` of each local real over every fake of the batch."""
        return single(batch.local.real.score)[:, None] - single(batch.whole.fake.score)

    def fake_rows(self, batch: BatchOutputs) -> Margins:
        """Margins `[n, batch]` of every real of the batch over each local fake."""
        return single(batch.whole.real.score) - single(batch.local.fake.score)[:, None]


class EmbeddingComparison:
    """Comparison by cosines: margins are `h(x_i) . h(x_i') - h(x_i) . h(G(z_j))`.

    Here `x_i'` is another view of `x_i`. A real beats a fake where it is more like its own other
    view than like the fake: the contrast of Chen et al. 2020 (SimCLR, eq. 1) with the fakes for
    negatives.
    """

    def real_rows(self, batch: BatchOutputs) -> Margins:
        """Margins `[n, batch]` of each local real over every fake of the batch."""
        real, fakes = single(batch.local.real.embedding), single(batch.whole.fake.embedding)
        return single(batch.local.agreement)[:, None] - products(real, fakes)

    def fake_rows(self, batch: BatchOutputs) -> Margins:
        """Margins `[n, batch]` of every real of the batch over each local fake."""
        fake, reals = single(batch.local.fake.embedding), single(batch.whole.real.embedding)
        return single(batch.whole.agreement) - products(fake, reals)


def products(
    rows: Float[Array, "n dimensions"], columns: Float[Array, "m dimensions"]
) -> Float[Array, "n m"]:
    """Inner products, not in the short floats that accelerators take for matrix products.

    On CPUs a barrier keeps the columns' gradient a product that ends in a transposition of
    `[dimensions, m]`. XLA would rather transpose all `[n, m]` pairs before it, which takes three
    times as long.
    """
    across = columns.T
    if jax.default_backend() == "cpu":
        across = jax.lax.optimization_barrier(across)
    return jnp.matmul(rows, across, precision=jax.lax.Precision.HIGHEST)
