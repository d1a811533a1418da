"""Content kept: the share of translations that are read as the class of what they translate.

The labeller is the target's: it was trained on no translation and on no picture that was given. It
errs too: held-out real samples, beside it, score its own accuracy; pictures as they were given, how
far its reading carries over without any translation.
"""

from eval.metrics.base import Inputs, Metric, UndefinedError, Value
from eval.metrics.class_accuracy import CLASS_ACCURACY


def _measure(inputs: Inputs, seed: int) -> Value:
    if inputs.samples.asked is None:
        raise UndefinedError("nothing was given whose class could be kept")
    return CLASS_ACCURACY.measure(inputs, seed)


CONTENT_KEPT = Metric(
    name="content_kept",
    label="content kept",
    needs=frozenset({"labels"}),
    measure=_measure,
    text="{:.1%}".format,
)
