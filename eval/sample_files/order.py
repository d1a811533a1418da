"""A random order for samples on disk."""

import numpy as np
from jaxtyping import Int


def shuffled(n: int) -> Int[np.ndarray, " n"]:
    """A fixed random order of n samples.

    Files are often sorted by class, and some metrics look at the first so many.
    """
    return np.random.default_rng(0).permutation(n)
