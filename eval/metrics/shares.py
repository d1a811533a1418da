"""The true shares of the bins that samples are counted in.

Points that belong to no mode are a bin of their own. Its true share is that of a round Gaussian
beyond three standard deviations: exp(-9/2), the tail of the Rayleigh distribution.
"""

import numpy as np
from jaxtyping import Float

from cgan.data import Source
from eval.extractors.points import RADIUS_SIGMAS

OFF_MODE_SHARE = float(np.exp(-(RADIUS_SIGMAS**2) / 2))


def bin_shares(source: Source) -> Float[np.ndarray, " bins"]:
    """The shares of the modes and, for points, of the bin that belongs to none."""
    if len(source.sample_shape) > 1:
        return source.class_weights
    return np.append(source.class_weights * (1 - OFF_MODE_SHARE), OFF_MODE_SHARE)
