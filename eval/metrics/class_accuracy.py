"""Class accuracy: the share of samples that are read as the class they were asked for.

For generators that are conditional on labels (Shmelkov et al. 2018 call it GAN-test). It rises as
samples become typical of their class, so it says nothing of their variety; and the labeller errs
too: held-out real samples, beside it, score the labeller's own accuracy.
"""

import numpy as np

from eval.metrics.base import Inputs, Metric, Value, present
from eval.metrics.by_class import by_class
from eval.metrics.errors import of_mean


def _measure(inputs: Inputs, seed: int) -> Value:
    asked, read = present(inputs.samples.asked), present(inputs.samples.labels)
    names, right = present(inputs.source).class_names, asked == read
    counts = np.bincount(asked, minlength=len(names))
    shares = np.bincount(asked, weights=right, minlength=len(names)) / counts.clip(min=1)
    classes = np.flatnonzero(counts)
    details = by_class(names, classes, shares[classes], counts[classes])
    return Value(float(right.mean()), of_mean(right), details)


CLASS_ACCURACY = Metric(
    name="class_accuracy",
    label="read as the class asked for",
    needs=frozenset({"labels"}),
    measure=_measure,
    text="{:.1%}".format,
)
