"""One real against a batch of fakes: the margin matrix and the curves that grade its rows.

For real `i` and fake `j` the margin is `M[i, j] = (D(x_i) - D(G(z_j))) / tau`: by how much the
real beats the fake. A *curve* turns a row of margins into the loss of one real; on the transpose
it grades each fake against the reals (the dual). The generator plays the same game with `-M`: its
fakes must beat the reals.

The softmax curve with the sum over fakes is InfoNCE (van den Oord et al. 2018, eq. 4); with its
dual, over all fakes, it is the dual contrastive loss (Yu et al. 2021, eqs. 3 and 4). With one fake
it is relativistic pairing, `softplus(-M)` (Jolicoeur-Martineau 2018, eq. 10).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from cgan.objectives.scores import BatchScores
from cgan.types import Margins, PerSample, Scores, WholeBatchScores

Curve = Callable[[Margins], PerSample]


def softmax_sum(margins: Margins) -> PerSample:
    """InfoNCE: `log(1 + sum_j exp(-M[i, j]))`, `log(K + 1)` where all margins are zero."""
    return jax.nn.softplus(jax.nn.logsumexp(-margins, axis=1))


def softmax_mean(margins: Margins) -> PerSample:
    """`log(1 + mean_j exp(-M[i, j]))`: `log 2` where all margins are zero, whatever K is."""
    log_fakes = math.log(margins.shape[1])
    return jax.nn.softplus(jax.nn.logsumexp(-margins, axis=1) - log_fakes)


CURVES: dict[tuple[str, str], Curve] = {
    ("softmax", "mean"): softmax_mean,
    ("softmax", "sum"): softmax_sum,
}
"""Curves by (name, normalisation)."""


def real_rows(
    real: Scores,
    all_fakes: WholeBatchScores,
    rows: Int[Array, " n"],
    fakes_per_real: int,
    temperature: float,
) -> Margins:
    """Margins of each of these reals over its K fakes.

    Real `i` of the batch meets the fakes `i, i + 1, ..., i + K - 1`, counted round: a choice of
    fixed shape in which every fake meets K reals too. Latents are independent, so which K fakes
    they are does not matter; with K = 1 it is the pair `(i, i)`.

    Args:
        real: scores of the reals in these rows of the batch, `[n]`.
        all_fakes: scores of all the batch's fakes, `[batch]`.
        rows: which rows of the batch the reals are, `[n]`.
        fakes_per_real: K, at most the batch.
        temperature: tau, divides the margins.

    Returns:
        `[n, K]` margins.
    """
    met = (rows[:, None] + jnp.arange(fakes_per_real)) % len(all_fakes)
    return (real[:, None] - all_fakes[met]) / temperature


def fake_rows(
    fake: Scores,
    all_reals: WholeBatchScores,
    rows: Int[Array, " n"],
    fakes_per_real: int,
    temperature: float,
) -> Margins:
    """The transpose of `real_rows`: margins of the K reals that each of these fakes meets."""
    met = (rows[:, None] - jnp.arange(fakes_per_real)) % len(all_reals)
    return (all_reals[met] - fake[:, None]) / temperature


@dataclass(frozen=True)
class Contrastive:
    """The contrastive game: which curve, K, tau, and whether the dual is played too."""

    curve: Curve
    fakes_per_real: int
    temperature: float = 1.0
    dual: bool = True

    def discriminator_terms(self, scores: BatchScores) -> dict[str, PerSample]:
        """Reals must beat fakes: one term a real and, with the dual, one a fake."""
        return {name: self.curve(margins) for name, margins in self._margins(scores).items()}

    def generator_terms(self, scores: BatchScores) -> dict[str, PerSample]:
        """The same game with `-M`: fakes must beat reals."""
        return {name: self.curve(-margins) for name, margins in self._margins(scores).items()}

    def _margins(self, scores: BatchScores) -> dict[str, Margins]:
        rows, game = scores.rows, (self.fakes_per_real, self.temperature)
        margins = {"real_vs_fakes": real_rows(scores.real, scores.all_fakes, rows, *game)}
        if self.dual:
            margins["fake_vs_reals"] = fake_rows(scores.fake, scores.all_reals, rows, *game)
        return margins
