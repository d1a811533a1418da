"""Quality of points: the share near a mode, and whether a mode has its true width.

The share of high quality is that of the samples within three standard deviations of their nearest
mode (VEEGAN, Srivastava et al. 2017, section 4.1). Real data scores 1 - exp(-9/2) = 98.9 %. A
generator that collapses each mode to a point scores 100 %, so its width stands beside it.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from cgan.data.mixtures import RADIUS_SIGMAS
from eval.extractors.points import modes_of
from eval.metrics.base import Inputs, Metric, Value, present
from eval.metrics.errors import half_samples, of_mean


def _share_measure(inputs: Inputs, seed: int) -> Value:
    near = present(inputs.samples.labels) >= 0
    return Value(float(near.mean()), of_mean(near), {"radius_sigmas": RADIUS_SIGMAS})


def truncated_sigma(radius: float) -> float:
    """Standard deviation of one coordinate of a round unit Gaussian cut off at a radius.

    The squared distance is exponential: E[R^2 | R < r] = 2 - r^2 e / (1 - e), e = exp(-r^2 / 2).

    >>> round(truncated_sigma(3.0), 3), round(truncated_sigma(30.0), 3)
    (0.974, 1.0)
    """
    tail = np.exp(-(radius**2) / 2)
    return float(np.sqrt(1 - radius**2 / 2 * tail / (1 - tail)))


def width_ratio(
    points: Float[np.ndarray, "n 2"], labels: Int[np.ndarray, " n"], modes: int, sigma: float
) -> float | None:
    """Pooled standard deviation within the modes over the true one; 1 for real data.

    Deviations are from each mode's own mean, over samples of high quality, and the cut at three
    standard deviations is corrected for. None while no mode has two samples.

    >>> points = np.random.default_rng(0).normal(0, 0.5, (1_000, 2))
    >>> labels = np.where(np.linalg.norm(points, axis=1) < 1.5, 0, -1)
    >>> round(width_ratio(points, labels, modes=1, sigma=0.5), 1)
    1.0
    """
    inside = labels >= 0
    points, labels = points[inside].astype(np.float64), labels[inside]
    counts = np.bincount(labels, minlength=modes)
    degrees = len(labels) - np.count_nonzero(counts)
    if degrees < 1:
        return None
    sums = np.stack([np.bincount(labels, weights=axis, minlength=modes) for axis in points.T], 1)
    deviations = points - (sums / counts.clip(min=1)[:, None])[labels]
    variance = (deviations**2).sum() / (2 * degrees)
    return float(np.sqrt(variance) / (sigma * truncated_sigma(RADIUS_SIGMAS)))


def _width_measure(inputs: Inputs, seed: int) -> Value:
    modes = modes_of(present(inputs.source))
    points, labels = present(inputs.samples.features), present(inputs.samples.labels)

    def ratio(rows: Int[np.ndarray, " rows"]) -> float | None:
        return width_ratio(points[rows], labels[rows], len(modes.means), modes.sigma)

    details: dict[str, Any] = {"radius_sigmas": RADIUS_SIGMAS}
    value, error = ratio(np.arange(len(points))), half_samples(ratio, len(points), seed)
    if value is None:
        details |= {"why": "no mode has two samples"}
    return Value(value, error, details)


HIGH_QUALITY = Metric(
    name="high_quality_share_3sigma",
    label="high quality (within 3 sigma)",
    needs=frozenset({"labels"}),
    measure=_share_measure,
    text="{:.1%}".format,
)
WIDTH_RATIO = Metric(
    name="mode_width_ratio_3sigma",
    label="mode width / true width",
    needs=frozenset({"features", "labels"}),
    measure=_width_measure,
    text="{:.2f}".format,
)
