"""Pictures that a translator was given, as baselines: as they are, and moved pixel by pixel."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from cgan.data import Source
from cgan.translation.inputs import GivenPictures
from eval.dataset.protocol import has_classes

CHUNK = 256
MEASURED = 10_000
"""Most train pictures of each set whose statistics are taken."""
LEAST_SD = 1.0
"""Least standard deviation of a pixel, in levels, that is divided by."""
Chunks = Iterator[UInt8[np.ndarray, "_ height width channels"]]


class PixelStatistics(NamedTuple):
    """Mean and standard deviation of each pixel of a set of pictures, in levels."""

    mean: Float[np.ndarray, "height width channels"]
    sd: Float[np.ndarray, "height width channels"]

    @classmethod
    def of(cls, source: Source) -> "PixelStatistics":
        """The statistics of a split, or of its first pictures where there are many."""
        count, total, squares = min(len(source), MEASURED), 0.0, 0.0
        for start in range(0, count, CHUNK):
            rows = np.arange(start, min(start + CHUNK, count))
            levels = np.asarray(source[rows].x).astype(np.float64)
            total, squares = total + levels.sum(axis=0), squares + np.square(levels).sum(axis=0)
        mean = np.asarray(total / count)
        return cls(mean, np.sqrt(np.maximum(squares / count - np.square(mean), 0)))


def classes_given(given: GivenPictures, target: Source) -> bool:
    """Whether what is translated has the classes of the target, so that they can be kept."""
    if not (has_classes(target) and has_classes(given.held_out)):
        return False
    return tuple(given.held_out.class_names) == tuple(target.class_names)


def given_chunks(given: GivenPictures, n: int, seed: int, stream: str) -> Chunks:
    """Stream the first n pictures of a stream, as a run is given them."""
    for start in range(0, n, CHUNK):
        rows = given.rows(np.arange(start, min(start + CHUNK, n)), seed, stream)
        yield np.asarray(given.held_out[rows].x)


def moved_chunks(given: GivenPictures, target: Source, n: int, seed: int, stream: str) -> Chunks:
    """Stream them with each pixel's mean and standard deviation made those of the target's.

    Args:
        given: the pictures; the statistics are of those of their train split.
        target: the train split of what is learnt.
        n: how many.
        seed: of the stream.
        stream: its name.
    """
    here, there = PixelStatistics.of(given.train), PixelStatistics.of(target)
    for levels in given_chunks(given, n, seed, stream):
        moved = (levels - here.mean) / np.maximum(here.sd, LEAST_SD) * there.sd + there.mean
        yield np.clip(np.rint(moved), 0, 255).astype(np.uint8)
