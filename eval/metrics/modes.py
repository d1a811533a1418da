"""Captured modes: how many of the data's modes the samples hold at all, and which they miss.

PacGAN (Lin et al. 2018, section 4.1) and Unrolled GANs (Metz et al. 2017) count a mode with one
sample; a mode with twenty is one that a generator makes on purpose.

A perfect sampler misses rare modes too. Of n samples it captures on average

    sum_k P(Binomial(n, p_k) >= m)

modes with m samples each, which stands beside the value.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import binom

from cgan.data import Source
from cgan.data.abilities import known_modes
from cgan.data.mixtures import RADIUS_SIGMAS
from eval.metrics.base import Floor, Inputs, Metric, StandardError, Value, present

NAMED_AT_MOST = 10
BOOTSTRAP_DRAWS = 64


def redrawn(counts: Int[np.ndarray, " bins"], seed: int) -> Int[np.ndarray, "draws bins"]:
    """Counts of as many samples drawn anew with the shares seen: a bootstrap over the samples."""
    rng = np.random.default_rng([seed, int(counts.sum())])
    return rng.multinomial(counts.sum(), counts / counts.sum(), size=BOOTSTRAP_DRAWS)


def bootstrap_error(values: Float[np.ndarray, " draws"]) -> StandardError:
    """The standard error of a figure of mode counts, from its values on redrawn counts."""
    return StandardError(float(values.std(ddof=1)), f"bootstrap_{len(values)}")


def mode_shares(source: Source) -> Float[np.ndarray, " modes"]:
    """The share of true samples that are counted in each mode; points far from all are in none."""
    within = -np.expm1(-(RADIUS_SIGMAS**2) / 2) if known_modes(source) else 1.0
    return source.class_weights * within


def captured_floor(shares: Float[np.ndarray, " modes"], n: int, minimum: int, seed: int) -> Floor:
    """Number of captured modes of a perfect sampler: those with `minimum` or more of n samples.

    The mean is exact; the spread is that of seeded draws, whose counts sum to n.
    """
    mean = binom.sf(minimum - 1, n, shares).sum()
    bins = np.append(shares, max(0.0, 1 - shares.sum()))
    draws = np.random.default_rng([seed, n]).multinomial(n, bins, size=BOOTSTRAP_DRAWS)
    captured = (draws[:, :-1] >= minimum).sum(axis=1)
    return Floor(float(mean), float(captured.std(ddof=1)))


def _captured_at(minimum: int) -> Metric:
    def measure(inputs: Inputs, seed: int) -> Value:
        names = present(inputs.source).class_names
        bins = present(inputs.samples.counts)
        missing = np.flatnonzero(bins[:-1] < minimum)
        again = (redrawn(bins, seed)[:, :-1] >= minimum).sum(axis=1)
        details = {
            "out_of": len(names),
            "missing_count": len(missing),
            "missing": [names[index] for index in missing[:NAMED_AT_MOST]],
            "share_in_none": float(bins[-1] / bins.sum()),
        }
        value = float(len(names) - len(missing))
        return Value(value, bootstrap_error(again.astype(np.float64)), details)

    def floor(inputs: Inputs, n: int, seed: int) -> Floor:
        return captured_floor(mode_shares(present(inputs.source)), n, minimum, seed)

    samples = "1 sample" if minimum == 1 else f"{minimum} samples"
    return Metric(
        name=f"modes_captured_at_{minimum}",
        label=f"modes with {samples} or more",
        needs=frozenset({"counts"}),
        measure=measure,
        floor=floor,
        text="{:,.0f}".format,
    )


CAPTURED_AT_1 = _captured_at(1)
CAPTURED_AT_20 = _captured_at(20)
