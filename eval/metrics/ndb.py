"""NDB: the number of statistically different bins, over the number of bins.

Richardson & Weiss 2018 (On GANs and GMMs, section 3): the reference's space is cut into bins, and a
bin is different if the share of the samples in it is not the reference's by a two-proportion z-test
with pooled variance,

    z = (q - p) / sqrt(P (1 - P) (1 / n + 1 / m)),   P = (n q + m p) / (n + m),

at a level of 5 %. So samples of the reference's own distribution score 0.05, more samples find
smaller differences, and figures of different n can't be compared. Bins are in the space of features
(see `bins`), where the paper's are in that of pixels; and p is counted on rows that the bins were
not fitted to: shares of the others are not those of new data.
"""

import numpy as np
from jaxtyping import Bool, Int
from scipy.stats import norm

from eval.metrics.base import (
    Floor,
    Gathered,
    Inputs,
    Metric,
    UndefinedError,
    Value,
    check_features,
    present,
)
from eval.metrics.bins import Bins, bins_of
from eval.metrics.modes import bootstrap_error, redrawn

LEVEL = 0.05


def different_bins(
    counts: Int[np.ndarray, "*draws bins"], reference: Int[np.ndarray, " bins"]
) -> Bool[np.ndarray, "*draws bins"]:
    """Whether each bin holds another share of the samples than of the reference, tested at 5 %.

    Args:
        counts: samples in each bin.
        reference: reference rows in each bin.
    """
    n, m = counts.sum(axis=-1, keepdims=True), reference.sum()
    pooled = (counts + reference) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    apart = np.abs(counts / n - reference / m)
    return apart > norm.isf(LEVEL / 2) * error


def jensen_shannon(counts: Int[np.ndarray, " bins"], reference: Int[np.ndarray, " bins"]) -> float:
    """Jensen-Shannon divergence of two sets' shares, in nats; the authors' code prints it."""
    q, p = counts / counts.sum(), reference / reference.sum()
    middle = (q + p) / 2
    parts = [of[of > 0] * np.log(of[of > 0] / middle[of > 0]) for of in (q, p)]
    return float(sum(part.sum() for part in parts) / 2)


def _several_bins(reference: Gathered) -> Bins:
    """The bins of a reference, at least two: a single one would hold all of any samples.

    Raises:
        UndefinedError: there is one alone.
    """
    bins = bins_of(reference)
    if len(bins.reference) == 1:
        raise UndefinedError("too few different real samples for more than one bin")
    return bins


def _measure(inputs: Inputs, seed: int) -> Value:
    samples, reference = present(inputs.samples.features), present(inputs.reference.features)
    check_features(samples, reference)
    bins = _several_bins(inputs.reference)
    counts = bins.count(samples)
    again = different_bins(redrawn(counts, seed), bins.reference).mean(axis=1)
    details = {
        "bins": len(counts),
        "reference_rows_counted": int(bins.reference.sum()),
        "level": LEVEL,
        "jensen_shannon_nats": jensen_shannon(counts, bins.reference),
    }
    value = float(different_bins(counts, bins.reference).mean())
    return Value(value, bootstrap_error(again), details, reference_n=len(reference))


def _floor(inputs: Inputs, n: int, seed: int) -> Floor:
    """The floor of NDB: a perfect sampler's bin is different with the probability of the level."""
    bins = len(_several_bins(inputs.reference).reference)
    return Floor(LEVEL, float(np.sqrt(LEVEL * (1 - LEVEL) / bins)))


NDB = Metric(
    name="ndb_share_5_percent_split",
    label="different bins (NDB / K)",
    needs=frozenset({"features"}),
    measure=_measure,
    floor=_floor,
    text="{:.3f}".format,
)
