"""The contrastive game: one real against a batch of fakes, for both players.

A comparison gives the margins `M[i, j]`, by how much real `i` beats fake `j`; divided by the
temperature, a curve turns a row of them into the loss of one real and, on the transpose, of one
fake (the dual). The discriminator minimises the curve of `M`. The generator plays the same game
with `-M`: its fakes must beat the reals.
"""

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from cgan.objectives.comparisons import Comparison
from cgan.objectives.curves import Curve
from cgan.objectives.verdicts import BatchVerdicts
from cgan.types import Margins, Params, PerSample


@dataclass(frozen=True)
class Contrastive:
    """One comparison graded on one curve."""

    comparison: Comparison
    curve: Curve
    temperature: float = 1.0
    temperature_bounds: tuple[float, float] | None = None
    dual: bool = True
    hardness: float = 0.0
    top_k: int | None = None

    def init(self) -> Params:
        """What the discriminator learns beside its weights: the log of the temperature, if any."""
        if self.temperature_bounds is None:
            return {}
        return {"log_temperature": jnp.asarray(math.log(self.temperature), jnp.float32)}

    def project(self, learnt: Params) -> Params:
        """The nearest values within the bounds, to be taken after each step of the optimiser."""
        if self.temperature_bounds is None:
            return learnt
        low, high = (math.log(bound) for bound in self.temperature_bounds)
        return {"log_temperature": jnp.clip(learnt["log_temperature"], low, high)}

    def readings(self, learnt: Params) -> dict[str, Float[Array, ""]]:
        """The temperature, where it is learnt."""
        return {"temperature": jnp.exp(learnt["log_temperature"])} if learnt else {}

    def discriminator_terms(self, learnt: Params, batch: BatchVerdicts) -> dict[str, PerSample]:
        """Reals must beat fakes: one term a real and, with the dual, one a fake."""
        return self._grade(self._margins(learnt, batch))

    def generator_terms(self, learnt: Params, batch: BatchVerdicts) -> dict[str, PerSample]:
        """The same game with `-M`: fakes must beat reals."""
        return self._grade({name: -rows for name, rows in self._margins(learnt, batch).items()})

    def _margins(self, learnt: Params, batch: BatchVerdicts) -> dict[str, Margins]:
        temperature = jnp.exp(learnt["log_temperature"]) if learnt else self.temperature
        rows, offsets = batch.rows[:, None], batch.offsets
        found = {"real_vs_fakes": choose(self.comparison.real_rows(batch), rows + offsets)}
        if self.dual:
            found["fake_vs_reals"] = choose(self.comparison.fake_rows(batch), rows - offsets)
        return {name: margins / temperature for name, margins in found.items()}

    def _grade(self, margins: dict[str, Margins]) -> dict[str, PerSample]:
        """A term for each direction. Their weights sum to 1, so that the dual changes no scale."""
        terms = {}
        for name, rows in margins.items():
            if self.top_k is not None:
                rows = hardest_rivals(rows, self.top_k)
            terms[name] = self.curve(rows, hard_weights(rows, self.hardness)) / len(margins)
        return terms


def choose(
    margins: Float[Array, "rows batch"], met: Int[Array, "rows K"]
) -> Float[Array, "rows K"]:
    """Of rows over the whole batch, the margins over those that are met, counted round it."""
    batch_size = margins.shape[1]
    if met.shape[1] == batch_size:
        return margins
    return jnp.take_along_axis(margins, met % batch_size, axis=1)


def hardest_rivals(margins: Float[Array, "rows K"], count: int) -> Float[Array, "rows count"]:
    """The smallest margins of each row."""
    return -jax.lax.top_k(-margins, count)[0]


def hard_weights(margins: Margins, concentration: float) -> Margins:
    """Weights with mean 1 that grow with a rival's score: `w_j ~ exp(-beta M_j)`.

    They stand for negatives drawn from `q(x) ~ exp(beta f(x)) p(x)` instead of from `p` (Robinson
    et al. 2021, section 3, with importance weights). Which rivals are met is not the players'
    to optimise, so no gradient flows through them; with it, easy fakes would be pulled the wrong
    way.

    Args:
        margins: in units of the temperature, `[rows, K]`.
        concentration: beta; 0 weighs all rivals alike.
    """
    if concentration == 0:
        return jnp.ones_like(margins)
    shares = jax.nn.softmax(-concentration * jax.lax.stop_gradient(margins), axis=1)
    return margins.shape[1] * shares
