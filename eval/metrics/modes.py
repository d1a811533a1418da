"""Captured modes: how many of the data's modes the samples hold at all, and which they miss.

PacGAN (Lin et al. 2018, section 4.1) and Unrolled GANs (Metz et al. 2017) count a mode with one
sample; a mode with twenty is one that a generator makes on purpose.
"""

import numpy as np
from jaxtyping import Int

from eval.metrics.base import Inputs, Metric, Value

NAMED_AT_MOST = 10


def mode_counts(labels: Int[np.ndarray, " n"], modes: int) -> Int[np.ndarray, " modes"]:
    """Samples in each mode; those that belong to none (label -1) are left out."""
    return np.bincount(labels[labels >= 0], minlength=modes)


def _captured_at(minimum: int) -> Metric:
    def measure(inputs: Inputs) -> Value:
        names = inputs.source.class_names
        counts = mode_counts(inputs.samples.labels, len(names))
        missing = np.flatnonzero(counts < minimum)
        details = {
            "out_of": len(names),
            "missing_count": len(missing),
            "missing": [names[index] for index in missing[:NAMED_AT_MOST]],
        }
        return Value(float(len(names) - len(missing)), details)

    samples = "1 sample" if minimum == 1 else f"{minimum} samples"
    return Metric(
        name=f"modes_captured_at_{minimum}",
        label=f"modes with {samples} or more",
        measure=measure,
        text="{:,.0f}".format,
    )


CAPTURED_AT_1 = _captured_at(1)
CAPTURED_AT_20 = _captured_at(20)
