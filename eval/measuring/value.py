"""One metric of one set of samples: its value, or why it has none.

Degenerate samples (all black, all alike, too few) leave some metrics undefined. Such a metric says
so in its own row, and the others are there.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from eval.metrics.base import Floor, Inputs, Metric, UndefinedError, Value


def value_of(metric: Metric, inputs: Inputs, seed: int) -> Value:
    """Measure a metric: its value, or None with `why` in the details where it is undefined.

    One that looks for copies is given what was trained on as its reference.

    Raises:
        FeatureError: samples that can't be measured by any metric.
    """
    inputs, note = _compared(metric, inputs)
    try:
        _require_rows(metric, inputs)
        with np.errstate(all="ignore"):
            found = metric.measure(inputs, seed)
    except UndefinedError as reason:
        return Value(None, details={"why": str(reason)})
    value, error, details = found.value, found.error, note | _strict(found.details)
    if value is not None and not math.isfinite(value):
        value, details = None, details | {"why": "it is too large, or no number"}
    if value is None or (error is not None and not math.isfinite(error.value)):
        error = None
    return found._replace(value=value, error=error, details=details)


def perfect_sampler(metric: Metric, inputs: Inputs, n: int, seed: int) -> Floor | None:
    """The score of a perfect sampler with n samples; None where none is modelled, or undefined."""
    try:
        with np.errstate(all="ignore"):
            found = None if metric.floor is None else metric.floor(inputs, n, seed)
    except UndefinedError:
        return None
    return found if found is not None and math.isfinite(found.mean + found.sd) else None


def _compared(metric: Metric, inputs: Inputs) -> tuple[Inputs, dict[str, str]]:
    """The inputs with what this metric compares with as their reference, and a note on that."""
    if not metric.of_copies or inputs.learnt is None:
        return inputs, {}
    note = f"compared with the {inputs.learnt.n:,} samples that were trained on"
    return replace(inputs, reference=inputs.learnt), {"note": note}


def _require_rows(metric: Metric, inputs: Inputs) -> None:
    for name, n in (("samples", inputs.samples.n), ("real ones", inputs.reference.n)):
        if n < metric.at_least:
            raise UndefinedError(f"takes {metric.at_least:,} {name}, and there are {n:,}")


def _strict(details: dict[str, Any]) -> dict[str, Any]:
    """The details of a value without numbers that JSON does not know."""
    return {key: _known(value) for key, value in details.items()}


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        return _strict(value)
    if isinstance(value, list):
        return [_known(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
