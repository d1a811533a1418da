"""The contrastive loss: one real against a batch of fakes, for both players.

A comparison gives the margins `M[i, j]`, by how much real `i` beats fake `j`; divided by the
temperature, a curve turns a row of them into the loss of one real and, on the transpose, of one
fake (the dual). The discriminator minimises the curve of `M`. The generator plays the same game
with `-M`: its fakes must beat the reals.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from cgan.objectives.comparisons import Comparison
from cgan.objectives.curves import Curve
from cgan.objectives.outputs import BatchOutputs, Stale, choose
from cgan.objectives.temperature import Tempered
from cgan.types import Margins, Params, PerSample


class Negatives(NamedTuple):
    """Margins of some rows over the negatives that they meet, and which of those count."""

    margins: Margins
    mask: Bool[Array, "rows columns"] | None = None
    """Whether each negative counts; None for all of them."""


@dataclass(frozen=True)
class Contrastive(Tempered):
    """The contrastive loss of both players: one comparison, graded by one curve."""

    comparison: Comparison
    curve: Curve
    temperature: float = 1.0
    temperature_bounds: tuple[float, float] | None = None
    dual: bool = True
    hardness: float = 0.0
    top_k: int | None = None
    meets_stale: bool = False
    """Whether the discriminator's rows meet what a batch has of earlier steps as well."""

    def discriminator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The discriminator's losses `[n]` of its reals and, with the dual, of its fakes."""
        negatives = self._negatives(learnt, batch)
        if self.meets_stale and batch.stale is not None:
            stale = self._stale(learnt, batch, batch.stale)
            negatives |= {name: _joined(negatives[name], more) for name, more in stale.items()}
        return self._grade(negatives)

    def generator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The generator's losses `[n]`, by margins `-M`: its fakes must beat the reals."""
        negatives = self._negatives(learnt, batch)
        return self._grade(
            {n: rows._replace(margins=-rows.margins) for n, rows in negatives.items()}
        )

    def _negatives(self, learnt: Params, batch: BatchOutputs) -> dict[str, Negatives]:
        temperature = self.temperature_by(learnt)

        def negatives(margins: Margins, met: Int[Array, "rows K"]) -> Negatives:
            found = Negatives(choose(margins, met) / temperature)
            if batch.mask is None:
                return found
            return found._replace(mask=choose(batch.mask, met))

        rows, offsets = batch.rows[:, None], batch.offsets
        found = {"real_vs_fakes": negatives(self.comparison.real_rows(batch), rows + offsets)}
        if self.dual:
            found["fake_vs_reals"] = negatives(self.comparison.fake_rows(batch), rows - offsets)
        return found

    def _stale(self, learnt: Params, batch: BatchOutputs, stale: Stale) -> dict[str, Negatives]:
        """Margins over fakes of earlier steps and, with the dual, over the reals among them."""
        again, mask = batch.with_stale(), stale.mask(len(batch.rows))
        found = {"real_vs_fakes": self.comparison.real_rows(again)}
        if self.dual and stale.outputs.agreement is not None:
            found["fake_vs_reals"] = self.comparison.fake_rows(again)
        temperature = self.temperature_by(learnt)
        return {name: Negatives(margins / temperature, mask) for name, margins in found.items()}

    def _grade(self, negatives: dict[str, Negatives]) -> dict[str, PerSample]:
        """Losses for each direction, with weights of sum 1, so that the dual changes no scale.

        A sample that meets none it can be compared with costs nothing.
        """
        terms = {}
        for name, rows in negatives.items():
            if self.top_k is not None:
                rows = hardest_negatives(rows, self.top_k)
            loss = self.curve(rows.margins, hard_weights(rows, self.hardness)) / len(negatives)
            if rows.mask is not None:
                loss = jnp.where(rows.mask.any(axis=1), loss, 0)
            terms[name] = loss
        return terms


def _joined(negatives: Negatives, more: Negatives) -> Negatives:
    """The columns of both, row by row."""
    masks = (
        jnp.ones(rows.margins.shape, bool) if rows.mask is None else rows.mask
        for rows in (negatives, more)
    )
    margins = jnp.concatenate([negatives.margins, more.margins], axis=1)
    return Negatives(margins, jnp.concatenate(list(masks), axis=1))


def hardest_negatives(negatives: Negatives, count: int) -> Negatives:
    """Choose the negatives with the smallest margins in each row; masked ones come last.

    >>> print(hardest_negatives(Negatives(jnp.array([[3.0, 1.0, 2.0]])), 2).margins)
    [[1. 2.]]
    """
    margins, mask = negatives
    if mask is None:
        return Negatives(-jax.lax.top_k(-margins, count)[0])
    _, hardest = jax.lax.top_k(-jnp.where(mask, margins, jnp.inf), count)
    return Negatives(*(jnp.take_along_axis(rows, hardest, axis=1) for rows in (margins, mask)))


def hard_weights(negatives: Negatives, concentration: float) -> Margins:
    """Weights with mean 1 that grow with a negative's score: `w_j ~ exp(-beta M_j)`.

    Negatives that do not count have none; in a row where none counts, which is graded in vain, all
    count alike.

    They stand for negatives drawn from `q(x) ~ exp(beta f(x)) p(x)` instead of from `p` (Robinson
    et al. 2021, section 3, with importance weights). Which negatives are met is not the players'
    to optimise, so no gradient flows through them; with it, easy fakes would be pulled the wrong
    way.

    Args:
        negatives: with margins in units of the temperature, `[rows, K]`.
        concentration: beta; 0 weighs all negatives that count alike.

    >>> margins = jnp.log(jnp.array([[1.0, 3.0]]))
    >>> print(hard_weights(Negatives(margins), 1.0).round(2))
    [[1.5 0.5]]
    """
    margins, mask = jax.lax.stop_gradient(negatives.margins), negatives.mask
    if mask is None and concentration == 0:
        return jnp.ones_like(margins)
    logits = -concentration * margins
    if mask is not None:
        alone = ~mask.any(axis=1, keepdims=True)
        logits = jnp.where(mask | alone, logits, -jnp.inf)
    return margins.shape[1] * jax.nn.softmax(logits, axis=1)
