"""Reverse Kullback-Leibler divergence between the modes' shares: generated against true.

    KL(q || p) = sum_k q_k log(q_k / p_k)   in nats,

with `q` the shares among the samples and `p` the true ones (PacGAN, Lin et al. 2018, section 4.1).
A perfect sampler scores about (modes - 1) / 2n while n is large.
"""

import numpy as np
from jaxtyping import Float, Int

from eval.metrics.shares import metric_of_shares


def reverse_kl(counts: Int[np.ndarray, " bins"], true_shares: Float[np.ndarray, " bins"]) -> float:
    """KL(q || p) in nats, with q the counts as shares; an empty bin adds nothing.

    Raises:
        ValueError: no samples at all.

    >>> shares = np.array([0.5, 0.5])
    >>> round(reverse_kl(np.array([10, 0]), shares), 4), reverse_kl(np.array([5, 5]), shares)
    (0.6931, 0.0)
    """
    if counts.sum() < 1:
        raise ValueError("reverse KL needs at least 1 sample")
    seen = counts > 0
    shares = counts[seen] / counts.sum()
    with np.errstate(divide="ignore"):
        return float((shares * np.log(shares / true_shares[seen])).sum())


REVERSE_KL = metric_of_shares("reverse_kl_nats", "reverse KL (nats)", reverse_kl, {"unit": "nats"})
