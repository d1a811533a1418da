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
from cgan.types import Embeddings, Margins, single


@runtime_checkable
class Comparison(Protocol):
    """A way to take the margins from outputs, before the temperature."""

    def real_rows(self, batch: BatchOutputs) -> Margins:
        """Margins `[n, batch]` of each local real over every fake of the batch."""

    def fake_rows(self, batch: BatchOutputs) -> Margins:
        """Margins `[n, batch]` of every real of the batch over each local fake."""


class ScoreComparison:
    """Comparison by scores: margins are `D(x_i) - D(G(z_j))`."""

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
        return single(batch.local.agreement)[:, None] - _products(real, fakes)

    def fake_rows(self, batch: BatchOutputs) -> Margins:
        """Margins `[n, batch]` of every real of the batch over each local fake."""
        fake, reals = single(batch.local.fake.embedding), single(batch.whole.real.embedding)
        return single(batch.whole.agreement) - _products(fake, reals)


def _products(rows: Embeddings, columns: Float[Array, "m dimensions"]) -> Margins:
    """Inner products, not in the short floats that accelerators take for matrix products."""
    return jnp.matmul(rows, columns.T, precision=jax.lax.Precision.HIGHEST)
