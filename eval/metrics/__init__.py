"""Metrics by kind of data, in the order of the table. A new one is a file and a line here."""

from typing import Literal

from eval.metrics.base import Floor, Inputs, Metric, Value
from eval.metrics.frechet import DIGIT_FRECHET
from eval.metrics.modes import CAPTURED_AT_1, CAPTURED_AT_20
from eval.metrics.quality import HIGH_QUALITY, WIDTH_RATIO
from eval.metrics.reverse_kl import REVERSE_KL

Kind = Literal["digit_images", "points"]

METRICS: dict[Kind, tuple[Metric, ...]] = {
    "digit_images": (CAPTURED_AT_1, CAPTURED_AT_20, REVERSE_KL, DIGIT_FRECHET),
    "points": (CAPTURED_AT_1, CAPTURED_AT_20, HIGH_QUALITY, WIDTH_RATIO, REVERSE_KL),
}

__all__ = ["METRICS", "Floor", "Inputs", "Kind", "Metric", "Value"]
