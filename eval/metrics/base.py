"""What a metric is: a name, how it prints, and a pure function of what is measured."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from cgan.data import Source
from eval.extractors.base import Features


@dataclass(frozen=True)
class Inputs:
    """All that a metric may look at."""

    samples: Features
    """What is measured: generated samples, or a baseline."""
    reference: Features
    """The train split, read by the same extractor."""
    source: Source
    """The train split itself, for its classes and their true shares."""


class Value(NamedTuple):
    """One figure; None where the samples leave it undefined."""

    value: float | None
    details: dict[str, Any] = {}  # noqa: RUF012
    """What a reader needs to know besides, as JSON: a convention, the names of missing modes."""


class Floor(NamedTuple):
    """What a perfect sampler scores with the same number of samples: mean and spread of draws."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Metric:
    """One metric. Its name states its protocol and goes into the record."""

    name: str
    label: str
    """What the table calls it."""
    measure: Callable[[Inputs], Value]
    floor: Callable[[Inputs, int, int], Floor] | None = None
    """A perfect sampler's score for `(inputs, n, seed)`; None where it is the obvious one."""
    text: Callable[[float], str] = field(default="{:.4f}".format)
    """How the table prints its value."""


def floor_of(draws: Float[np.ndarray, " draws"]) -> Floor:
    """The floor from the scores of independent perfect samplers."""
    return Floor(float(draws.mean()), float(draws.std(ddof=1)))
