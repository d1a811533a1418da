"""What a source may say of itself beyond `Source`: each for itself, and each may be left out.

Whatever reads one asks the function here, never an attribute, and knows what to do without it.
"""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Shaped

from cgan.config import ConfigError, require
from cgan.data.contents import Content
from cgan.data.source import Source, check_source
from cgan.kinds import POINT


@runtime_checkable
class Described(Protocol):
    """A source that says what a start should say of it."""

    @property
    def description(self) -> str:
        """A line or a few; empty for nothing."""


@runtime_checkable
class Recognizable(Protocol):
    """A source that knows what it holds without reading all of it."""

    def content(self) -> Content:
        """What is in the split."""


@runtime_checkable
class Divided(Protocol):
    """A train split that knows its held-out one: what a program hands in needs it."""

    @property
    def held_out(self) -> Source:
        """The split of the same data set that is never trained on."""


@runtime_checkable
class KnownModes(Protocol):
    """Points in the plane of a mixture of round Gaussians that are known; a label is a mode."""

    @property
    def means(self) -> Float[np.ndarray, "modes 2"]:
        """The centres, in the stored form."""

    @property
    def sigma(self) -> float:
        """The standard deviation of a coordinate within a mode, in the stored form."""

    @property
    def scale(self) -> float:
        """What `encode` divides by."""


@runtime_checkable
class Classifying(Protocol):
    """A source that knows a rule by which any samples of its form have classes."""

    def classify(self, stored: Shaped[np.ndarray, "n *sample"]) -> Int[np.ndarray, " n"]:
        """The class of each sample, an index into `class_names`; -1 for one of none."""


class Literature(NamedTuple):
    """How a data set is evaluated in the literature."""

    n: int
    """Number of generated samples."""
    reference_n: int | None = None
    """Number of train samples compared with; None for all."""
    min_accuracy: float = 0.0
    """Least accuracy of what reads classes, held out; with less, modes would be miscounted."""


@runtime_checkable
class Evaluated(Protocol):
    """A source that says how it is evaluated in the literature."""

    @property
    def literature(self) -> Literature | None:
        """How the data set is evaluated in the literature; None where like any other."""


def description_of(source: Source) -> str:
    """What a start says of these data; empty for nothing."""
    return source.description if isinstance(source, Described) else ""


def held_out_of(source: Source) -> Source:
    """The held-out split that a train split knows.

    Raises:
        ConfigError: it knows none, or one of other samples.
    """
    if isinstance(source, Divided):
        held_out = check_source(source.held_out, "source.held_out")
        found, expected = (tuple(split.sample_shape) for split in (held_out, source))
        require(found == expected, "source.held_out.sample_shape", found, f"{expected}")
        return held_out
    raise ConfigError(
        f"source = {source.name!r}: has no held_out; must have a member held_out, another source "
        "with samples that are not trained on"
    )


def known_modes(source: Source) -> KnownModes | None:
    """The modes of a mixture; None where the data have none that are known."""
    in_plane = source.kind == POINT and source.sample_shape == (2,)
    return source if in_plane and isinstance(source, KnownModes) else None


def classifying(source: Source) -> Classifying | None:
    """The source as what sorts samples into its classes; None where it knows no rule."""
    return source if isinstance(source, Classifying) and source.class_names else None


def literature_of(source: Source) -> Literature | None:
    """How these data are evaluated in the literature; None where they say nothing of it."""
    return source.literature if isinstance(source, Evaluated) else None
