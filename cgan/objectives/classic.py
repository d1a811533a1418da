"""Classic two-term losses: each sample is graded alone, as real or as fake."""

import jax

from cgan.objectives.scores import BatchScores
from cgan.types import PerSample


class NonSaturating:
    """The non-saturating game (Goodfellow et al. 2014, section 3), on logits."""

    def discriminator_terms(self, scores: BatchScores) -> dict[str, PerSample]:
        """Cross-entropy of real against fake: `-log D(x)` and `-log(1 - D(G(z)))`."""
        return {"real": jax.nn.softplus(-scores.real), "fake": jax.nn.softplus(scores.fake)}

    def generator_terms(self, scores: BatchScores) -> dict[str, PerSample]:
        """`-log D(G(z))`, whose gradient stays strong when the discriminator wins."""
        return {"fake": jax.nn.softplus(-scores.fake)}
