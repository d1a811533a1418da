"""Classic two-term losses: each sample is graded alone, as real or as fake.

They are the baselines of the contrastive game and take part in it by the same protocol. A loss is
three functions of a score: what the discriminator pays for a real, what it pays for a fake, and
what the generator pays for a fake.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from cgan.objectives.games import Loss
from cgan.objectives.outputs import BatchOutputs
from cgan.types import Params, PerSample, Scores, single

Cost = Callable[[Scores], PerSample]


@dataclass(frozen=True)
class Classic(Loss):
    """A two-term game.

    >>> scores = jnp.array([-2.0, 0.0, 2.0])
    >>> print(HINGE.real(scores), HINGE.fake(scores), HINGE.generator(scores))
    [3. 1. 0.] [0. 1. 3.] [ 2. -0. -2.]
    """

    real: Cost
    """The discriminator's cost of a real, a function of its score."""
    fake: Cost
    """The discriminator's cost of a fake, a function of its score."""
    generator: Cost
    """The generator's cost of a fake, a function of its score."""

    def discriminator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The discriminator's costs `[n]` of its reals and of its fakes.

        Fakes of earlier steps, where a batch has any, are fakes like those of today: the means of
        both terms, `fake` and `stale`, add up to the mean over all of them.
        """
        real, fake = single(batch.local.real.score), single(batch.local.fake.score)
        terms = {"real": self.real(real), "fake": self.fake(fake)}
        if batch.stale is None or batch.local.stale is None:
            return terms
        there, size = batch.stale.there, len(batch.stale.there)
        share = size / (size + there.sum())
        old = jnp.where(there[batch.rows], self.fake(single(batch.local.stale)), 0)
        return terms | {"fake": share * terms["fake"], "stale": share * old}

    def generator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The generator's costs `[n]` of its fakes."""
        return {"fake": self.generator(single(batch.local.fake.score))}


def _softplus(scores: Scores) -> PerSample:
    return jax.nn.softplus(scores)


def _softplus_negated(scores: Scores) -> PerSample:
    return jax.nn.softplus(-scores)


def _identity(scores: Scores) -> PerSample:
    return scores


def _negated(scores: Scores) -> PerSample:
    return -scores


def _half_square_to(target: float) -> Cost:
    return lambda scores: 0.5 * jnp.square(scores - target)


NONSATURATING = Classic(_softplus_negated, _softplus, _softplus_negated)
"""Cross-entropy on logits; the generator maximises `log D` (Goodfellow et al. 2014, section 3)."""

SATURATING = Classic(_softplus_negated, _softplus, lambda scores: -jax.nn.softplus(scores))
"""The minimax game itself: the generator minimises `log(1 - D)` (Goodfellow et al. 2014, eq. 1)."""

HINGE = Classic(
    lambda scores: jax.nn.relu(1 - scores), lambda scores: jax.nn.relu(1 + scores), _negated
)
"""Hinge loss (Lim & Ye 2017; Miyato et al. 2018, eqs. 16 and 17)."""

LEAST_SQUARES = Classic(_half_square_to(1.0), _half_square_to(0.0), _half_square_to(1.0))
"""Least squares to the targets 1 and 0 (Mao et al. 2017, eq. 9)."""

WASSERSTEIN = Classic(_negated, _identity, _negated)
"""The difference of mean scores (Arjovsky et al. 2017, eqs. 2 and 3); needs a gradient penalty."""

CLASSIC: dict[str, Classic] = {
    "nonsaturating": NONSATURATING,
    "saturating": SATURATING,
    "hinge": HINGE,
    "least_squares": LEAST_SQUARES,
    "wasserstein": WASSERSTEIN,
}
"""Classic losses by name."""

BOUNDARY = {"nonsaturating": 0.0, "saturating": 0.0, "hinge": 0.0, "least_squares": 0.5}
"""Score between real and fake of the losses that have one: others see differences only."""
