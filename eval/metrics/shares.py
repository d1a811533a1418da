"""Divergences of mode counts from the modes' true shares: what they have in common as metrics.

A finite draw from the true shares does not score 0, so a floor stands beside each value: what a
perfect sampler scores with as many samples.

Points that belong to no mode are a bin of their own. Its true share is that of a round Gaussian
beyond three standard deviations: exp(-9/2), the tail of the Rayleigh distribution.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from cgan.data import Source
from cgan.data.mixtures import RADIUS_SIGMAS
from eval.metrics.base import Floor, Inputs, Metric, UndefinedError, Value, floor_of, present
from eval.metrics.modes import bootstrap_error, redrawn

Divergence = Callable[[Int[np.ndarray, " bins"], Float[np.ndarray, " bins"]], float]
"""A function from counts and true shares, both `[bins]`, to their divergence."""

FLOOR_DRAWS = 64
OFF_MODE_SHARE = float(np.exp(-(RADIUS_SIGMAS**2) / 2))


def true_shares(source: Source) -> Float[np.ndarray, " bins"]:
    """The shares of the modes and, for points, of the bin that belongs to none."""
    if len(source.sample_shape) > 1:
        return source.class_weights
    return np.append(source.class_weights * (1 - OFF_MODE_SHARE), OFF_MODE_SHARE)


def counted(inputs: Inputs) -> Int[np.ndarray, " bins"]:
    """Number of samples in each bin of `true_shares`.

    Raises:
        ValueError: images without a class.
    """
    source, counts = present(inputs.source), present(inputs.samples.counts)
    if len(source.sample_shape) == 1:
        return counts
    if counts[-1]:
        raise ValueError(f"{counts[-1]} samples of {source.name} have no class")
    return counts[:-1]


def sampler_floor(
    divergence: Divergence, shares: Float[np.ndarray, " bins"], n: int, seed: int
) -> Floor:
    """The divergence of a perfect sampler with n samples: mean and spread over seeded draws."""
    draws = np.random.default_rng([seed, n]).multinomial(n, shares, size=FLOOR_DRAWS)
    return floor_of(np.array([divergence(counts, shares) for counts in draws]))


def metric_of_shares(
    name: str, label: str, divergence: Divergence, details: dict[str, Any]
) -> Metric:
    """Make a metric of a divergence, with its bootstrap error and a perfect sampler's floor."""

    def measure(inputs: Inputs, seed: int) -> Value:
        counts, shares = counted(inputs), true_shares(present(inputs.source))
        if np.isinf(value := divergence(counts, shares)):
            raise UndefinedError("it is infinite: samples are of classes that the data lack")
        again = np.array([divergence(drawn, shares) for drawn in redrawn(counts, seed)])
        return Value(value, bootstrap_error(again), details)

    def floor(inputs: Inputs, n: int, seed: int) -> Floor:
        return sampler_floor(divergence, true_shares(present(inputs.source)), n, seed)

    return Metric(name, label, frozenset({"counts"}), measure, floor)
