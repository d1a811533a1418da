"""Reverse Kullback-Leibler divergence between the modes' shares: generated against true.

    KL(q || p) = sum_k q_k log(q_k / p_k)   in nats,

with `q` the shares among the samples and `p` the true ones (PacGAN, Lin et al. 2018, section 4.1).
A finite draw from `p` itself does not score 0, so a floor stands beside each value: what a perfect
sampler scores with as many samples (about (modes - 1) / 2n while n is large).

Points that belong to no mode are a bin of their own. Its true share is that of a round Gaussian
beyond three standard deviations: exp(-9/2), the tail of the Rayleigh distribution.
"""

import numpy as np
from jaxtyping import Float, Int

from cgan.data import Source
from eval.extractors.points import RADIUS_SIGMAS
from eval.metrics.base import Floor, Inputs, Metric, Value, floor_of, present
from eval.metrics.modes import bootstrap_error, redrawn

FLOOR_DRAWS = 64
OFF_MODE_SHARE = float(np.exp(-(RADIUS_SIGMAS**2) / 2))


def reverse_kl(counts: Int[np.ndarray, " bins"], true_shares: Float[np.ndarray, " bins"]) -> float:
    """KL(q || p) in nats, with q the counts as shares; an empty bin adds nothing.

    Raises:
        ValueError: no samples at all.
    """
    if counts.sum() < 1:
        raise ValueError("reverse KL needs at least 1 sample")
    seen = counts > 0
    shares = counts[seen] / counts.sum()
    with np.errstate(divide="ignore"):
        return float((shares * np.log(shares / true_shares[seen])).sum())


def _true_shares(source: Source) -> Float[np.ndarray, " bins"]:
    """The shares of the modes and, for points, of the bin that belongs to none."""
    if len(source.sample_shape) > 1:
        return source.class_weights
    return np.append(source.class_weights * (1 - OFF_MODE_SHARE), OFF_MODE_SHARE)


def _measure(inputs: Inputs, seed: int) -> Value:
    source, bins = present(inputs.source), present(inputs.samples.counts)
    shares = _true_shares(source)
    if len(shares) < len(bins):
        if bins[-1]:
            raise ValueError(f"{bins[-1]} samples of {source.name} have no class")
        bins = bins[:-1]
    again = np.array([reverse_kl(counts, shares) for counts in redrawn(bins, seed)])
    return Value(reverse_kl(bins, shares), bootstrap_error(again), {"unit": "nats"})


def kl_floor(true_shares: Float[np.ndarray, " bins"], n: int, seed: int) -> Floor:
    """What a perfect sampler scores with n samples: mean and spread over seeded draws."""
    rng = np.random.default_rng([seed, n])
    draws = rng.multinomial(n, true_shares, size=FLOOR_DRAWS)
    return floor_of(np.array([reverse_kl(counts, true_shares) for counts in draws]))


def _floor(inputs: Inputs, n: int, seed: int) -> Floor:
    return kl_floor(_true_shares(present(inputs.source)), n, seed)


REVERSE_KL = Metric(
    name="reverse_kl_nats",
    label="reverse KL (nats)",
    needs=frozenset({"counts"}),
    measure=_measure,
    floor=_floor,
)
