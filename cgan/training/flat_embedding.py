"""The radius of attacks from which on an embedding may be one vector for everything.

The derivation is in docs/adversarial.md: near such an embedding the worst positive costs its
discriminator as much as telling samples apart can win.
"""

import numpy as np
from jaxtyping import Float

from cgan.assemble import Parts
from cgan.config import Experiment

READ = 256
"""Most reals whose spread is taken."""
WON = {"mirrored": 1.0, "neighbor": 2.0}
"""What the discriminator wins by telling samples apart, in units of the mirrored game's."""


def remark(parts: Parts) -> str | None:
    """Words for a radius from which on nothing need be learnt; None for a smaller one."""
    config = parts.config
    radius = config.augment.adversarial_radius
    if not radius or not config.embedding.weight:
        return None
    rows = np.linspace(0, len(parts.source) - 1, min(READ, len(parts.source))).astype(int)
    reals = np.asarray(parts.source.encode(parts.source[rows].x), np.float64)
    limit = flat_from(config, reals.reshape(len(reals), -1))
    if radius < limit:
        return None
    return (
        f"augment.adversarial_radius = {radius:g}: from {limit:.3g} on an embedding that is one "
        "vector for everything is stable, and its game may learn nothing; see docs/adversarial.md"
    )


def flat_from(config: Experiment, reals: Float[np.ndarray, "n d"]) -> float:
    """The radius from which on one vector for everything is stable, where fakes are like reals.

    Without views: with them it is smaller. `sqrt(2 sum_i max(s_i - tau (r1 + r2) / (c weight), 0))`
    over the largest eigenvalues `s_i` of the reals' covariance, as many as the embedding has
    dimensions but one, with `c` from `WON`.

    Args:
        config: the experiment.
        reals: some of them, each a row.
    """
    embedding = config.embedding
    centered = reals - reals.mean(axis=0)
    spreads = np.linalg.svd(centered, compute_uv=False) ** 2 / len(reals)
    held = embedding.temperature * (embedding.r1 + embedding.r2)
    held /= WON[embedding.game] * embedding.weight
    left = np.maximum(np.sort(spreads)[::-1][: embedding.dimensions - 1] - held, 0)
    return float(np.sqrt(2 * left.sum()))
