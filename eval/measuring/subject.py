"""What is evaluated: samples that can be streamed, and where they come from."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

from eval.records.record import SampleSet

Chunks = Callable[[], Iterator[Shaped[np.ndarray, "_ ..."]]]
"""Begins to stream samples in the stored form."""


class Subject(NamedTuple):
    """What is evaluated: samples that can be streamed, and where they come from."""

    chunks: Iterable[Shaped[np.ndarray, "_ ..."]]
    """In the stored form (uint8 NHWC images, float32 points)."""
    n: int
    nimg: int
    """Images that the checkpoint had seen."""
    asked: Int[np.ndarray, " n"] | None = None
    """The class that each sample was asked for; None for a run without labels."""
    beside: Mapping[SampleSet, Chunks] = MappingProxyType({})
    """More baselines by name, each as many samples as these: of translations what was given."""
    key: str | None = None
    """A hash of all that the samples depend on; None for samples whose features are not kept."""
