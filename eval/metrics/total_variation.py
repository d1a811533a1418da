"""Total variation between the modes' shares: generated against true.

    TV(q, p) = 1/2 sum_k |q_k - p_k|,

with `q` the shares among the samples and `p` the true ones (Levin & Peres 2017, Markov chains and
mixing times, proposition 4.2): the share of the samples that would have to move to another mode. It
lies in 0..1 and weighs a missing mode by the share that it should have, where the reverse KL hardly
sees a rare one.
"""

import numpy as np
from jaxtyping import Float, Int

from eval.metrics.shares import metric_of_shares


def total_variation(
    counts: Int[np.ndarray, " bins"], true_shares: Float[np.ndarray, " bins"]
) -> float:
    """Half the L1 distance between the counts as shares and the true shares.

    Raises:
        ValueError: no samples at all.

    >>> total_variation(np.array([9, 1]), np.array([0.5, 0.5]))
    0.4
    """
    if counts.sum() < 1:
        raise ValueError("total variation needs at least 1 sample")
    return float(np.abs(counts / counts.sum() - true_shares).sum() / 2)


TOTAL_VARIATION = metric_of_shares(
    "total_variation", "total variation of modes", total_variation, {}
)
