"""Evaluation: extractor -> features -> metric -> record. `cgan` never imports this package.

A new metric is a file in `eval/metrics/` and a line in its `catalog.py`; a new extractor is a
file in `eval/extractors/` and a line in its `__init__.py`; the protocol of a data set is a line in
`protocol.py`. What a notebook needs stands here by name, and is imported when it is asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eval.dataset.protocol import load_evaluation
    from eval.measuring.measure import evaluate
    from eval.measuring.runs import subject_of
    from eval.measuring.subject import Subject
    from eval.metrics.base import Inputs, Metric, StandardError, Value
    from eval.records.record import Record
    from eval.splits import Splits

__all__ = [
    "Inputs",
    "Metric",
    "Record",
    "Splits",
    "StandardError",
    "Subject",
    "Value",
    "evaluate",
    "load_evaluation",
    "subject_of",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name in __all__:
        for thing in _names():
            if thing.__name__ == name:
                return thing
    raise AttributeError(f"module 'eval' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The names that `__getattr__` hands on."""
    return [*__all__]


def _names() -> tuple[Any, ...]:
    from eval.dataset.protocol import load_evaluation
    from eval.measuring.measure import evaluate
    from eval.measuring.runs import subject_of
    from eval.measuring.subject import Subject
    from eval.metrics.base import Inputs, Metric, StandardError, Value
    from eval.records.record import Record
    from eval.splits import Splits

    of_metrics = (Metric, Inputs, Value, StandardError)
    return evaluate, load_evaluation, subject_of, Subject, Splits, Record, *of_metrics
