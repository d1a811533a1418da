"""Images mirrored at random: a coin for each sample, each time that it is read.

The coin is a hash of the seed and of the sample's position in the sequence of all samples that
training reads (`step * batch_size + row` of the global batch). So it does not matter which host
reads which rows, nothing has to be saved to resume, and an image falls anew in each epoch.
"""

import numpy as np
from jaxtyping import Bool, Int, UInt8, UInt64


def flipped(
    images: UInt8[np.ndarray, "n height width channels"],
    positions: Int[np.ndarray, " n"],
    seed: int,
) -> UInt8[np.ndarray, "n height width channels"]:
    """Copy these images, about half of them mirrored left to right.

    Args:
        images: as they are stored.
        positions: of each image in the sequence of samples.
        seed: the experiment's seed.
    """
    copy, mirrored = images.copy(), coins(positions, seed)
    copy[mirrored] = images[mirrored][:, :, ::-1]
    return copy


def coins(positions: Int[np.ndarray, " n"], seed: int) -> Bool[np.ndarray, " n"]:
    """Whether the sample at each position is mirrored."""
    start = int(splitmix64(np.zeros(1, np.int64), seed)[0])
    return splitmix64(positions, start) >> np.uint64(63) == 1


def splitmix64(positions: Int[np.ndarray, " n"], seed: int) -> UInt64[np.ndarray, " n"]:
    """Random numbers at these positions, of SplitMix64 (Steele et al. 2014, figure 16).

    Its state only counts, in odd steps, so that each number can be had without those before it.
    """
    state = np.uint64(seed) + (positions.astype(np.uint64) + np.uint64(1)) * GOLDEN
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""Step of SplitMix64's state: 2**64 over the golden ratio, made odd."""
