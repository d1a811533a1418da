"""Shares of modes that are not alike: a power law, so that a collapse shows in its tail first.

    p_k = rank_k ** -alpha / sum_j rank_j ** -alpha

Ranks are a fixed random order of the modes: rare ones stand among common ones, and the same ones
are rare in every experiment. Class frequencies of natural images fall off like that (Zipf's law has
alpha = 1; Van Horn & Perona 2017, "The devil is in the tails").
"""

import numpy as np
from jaxtyping import Float, Int

RANK_SEED = 0


def power_law(modes: int, alpha: float) -> Float[np.ndarray, " modes"]:
    """Share of each of the modes by a power law; they sum to 1.

    Args:
        modes: how many.
        alpha: of the law; 0 makes all shares equal.
    """
    ranks: Int[np.ndarray, " modes"] = np.random.default_rng(RANK_SEED).permutation(modes) + 1
    weights = ranks.astype(np.float64) ** -alpha
    return weights / weights.sum()


def name_of(name: str, alpha: float) -> str:
    """Name that records give a data set whose modes have these shares."""
    return f"{name}_imbalance_{alpha:g}" if alpha else name
