"""Extractors by name. A new one is a file here with a `load(source)` and a line in `EXTRACTORS`."""

from collections.abc import Callable

from cgan.data import Source
from eval.extractors import digit_classifier, points
from eval.extractors.base import Extractor, Features

EXTRACTORS: dict[str, Callable[[Source], Extractor]] = {
    "points": points.load,
    "digit_classifier": digit_classifier.load,
}

__all__ = ["EXTRACTORS", "Extractor", "Features"]
