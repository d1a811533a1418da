"""Reals that a probe looks at: a few hundred of each split, the same in every run."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int, Shaped

from cgan.assemble import Parts
from cgan.config import Experiment
from cgan.data import Source, load_held_out
from cgan.data.flips import flipped
from cgan.probe.space import coordinates

AT_MOST, SCORED_AT_MOST = 512, 128
"""Most reals of a split, and most of them whose scores are averaged.

A probe has as many samples as train reals; scores cost most, and a mean needs fewer.
"""
AT_LEAST = 64
"""Fewest reals of a split: of fewer the figures would be noise."""
BYTES_AT_MOST = 2**28
"""Most bytes of a split's reals as they are stored: very large images are fewer."""
CHUNK = 64
"""Reals that are read into coordinates in one call."""


class Reals(NamedTuple):
    """Reals of one split, in the stored form."""

    x: Shaped[np.ndarray, "n *sample"]
    labels: Int[np.ndarray, " n"] | None
    """Classes of the reals; None where the networks see none."""


class Splits(NamedTuple):
    """Reals of both splits."""

    train: Reals
    held_out: Reals


def fixed_splits(parts: Parts, held_out: Source | None = None) -> Splits | None:
    """Choose the reals that a run's probes look at; None where there are too few.

    Args:
        parts: of the run.
        held_out: its held-out split; None loads it.

    Raises:
        ConfigError: the held-out split is not there or damaged.
    """
    if held_out is None:
        held_out = load_held_out(parts.config.data, parts.source)
    if min(len(parts.source), len(held_out)) < AT_LEAST:
        return None
    splits = Splits(*(fixed_reals(of, parts.config) for of in (parts.source, held_out)))
    return splits if min(len(of.x) for of in splits) >= AT_LEAST else None


def fixed_reals(source: Source, config: Experiment) -> Reals:
    """Choose a split's reals to look at, mirrored at random where training mirrors them.

    The generator learns from mirrored images, and is held against such.
    """
    reals = fixed_samples(source, config.data.flip)
    return reals if config.conditioning.labels else reals._replace(labels=None)


def fixed_samples(source: Source, flip: bool = False) -> Reals:
    """Choose some hundred samples of a split, the same in every run, and their classes.

    Args:
        source: the split.
        flip: mirror each at random.
    """
    of_sample = source[np.zeros(1, np.int64)].x.nbytes
    count = min(AT_MOST, len(source), BYTES_AT_MOST // of_sample)
    chosen = np.random.default_rng(0).choice(len(source), count, replace=False)
    x, labels = (np.asarray(leaf) for leaf in source[chosen])
    return Reals(flipped(x, chosen, seed=0) if flip else x, labels)


def coordinates_of(source: Source, reals: Reals) -> Float[np.ndarray, "n d"]:
    """Coordinates of these reals in the probe's space, `[n, d]`."""
    read = jax.jit(lambda stored: coordinates(source.encode(stored), source.kind))
    starts = range(0, len(reals.x), CHUNK)
    return np.concatenate([np.asarray(read(reals.x[start : start + CHUNK])) for start in starts])
