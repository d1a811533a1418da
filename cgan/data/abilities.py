"""What a source may say of itself beyond `Source`: each for itself, and each may be left out.

Whatever reads one asks the function here, never an attribute, and knows what to do without it.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Shaped

from cgan.config import ConfigError, require
from cgan.data.contents import Content
from cgan.data.source import Source, check_source
from cgan.kinds import POINT

CHUNK = 4096
"""Samples read at once of a source that can't say what it holds."""


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
class Part(Protocol):
    """Some samples of another train split, which says of them what they do not say themselves.

    They are learnt, and what is learnt is held against the whole.
    """

    @property
    def whole(self) -> Source:
        """The split that they are of."""


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


@runtime_checkable
class Featured(Protocol):
    """A source that knows in which features its samples are to be compared."""

    def features(self, stored: Shaped[np.ndarray, "n *sample"]) -> Float[np.ndarray, "n d"]:
        """What tells samples apart, in units that are alike for all features."""


@runtime_checkable
class Grouped(Protocol):
    """A source whose many classes are shared out among clients in groups."""

    @property
    def class_groups(self) -> Int[np.ndarray, " classes"]:
        """The group of each class, counted from 0."""

    def part_of_group(
        self, stored: Shaped[np.ndarray, "n *sample"]
    ) -> Shaped[np.ndarray, "n *part"]:
        """The part of samples that says which group they are of."""


@runtime_checkable
class Distant(Protocol):
    """A source that knows how far apart its classes are."""

    def class_distances(self) -> Float[np.ndarray, "classes classes"]:
        """Distances of all classes, in the order of `class_names`: 0 on the diagonal."""


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


def whole_of(source: Source) -> Source:
    """The whole of the split that these samples are of, which may be themselves."""
    return [*_speaking(source)][-1]


def _speaking(source: Source) -> Iterator[Source]:
    """The source, and for a part what it is a part of, which is asked next."""
    yield source
    while isinstance(source, Part):
        source = source.whole
        yield source


def content_in(source: Source) -> Content:
    """The content of a split: what it says, or read now."""
    if isinstance(source, Recognizable):
        return source.content()
    digest, labels = hashlib.sha256(), []
    for start in range(0, len(source), CHUNK):
        batch = source[np.arange(start, min(start + CHUNK, len(source)))]
        digest.update(np.ascontiguousarray(batch.x).tobytes())
        labels.append(np.asarray(batch.label))
    return Content(digest.hexdigest(), digest.hexdigest(), np.concatenate(labels))


def description_of(source: Source) -> str:
    """What a start says of these data; empty for nothing."""
    said = (each.description for each in _speaking(source) if isinstance(each, Described))
    return next(said, "")


def held_out_of(source: Source) -> Source:
    """The held-out split that a train split knows.

    Raises:
        ConfigError: it knows none, or one of other samples.
    """
    for each in _speaking(source):
        if not isinstance(each, Divided):
            continue
        held_out = check_source(each.held_out, "source.held_out")
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
    if not in_plane:
        return None
    return next((each for each in _speaking(source) if isinstance(each, KnownModes)), None)


def classifying(source: Source) -> Classifying | None:
    """The source as what sorts samples into its classes; None where it knows no rule."""
    if not source.class_names:
        return None
    return next((each for each in _speaking(source) if isinstance(each, Classifying)), None)


def featured(source: Source) -> Featured | None:
    """The source as what has features of its own; None where it has none."""
    return next((each for each in _speaking(source) if isinstance(each, Featured)), None)


def literature_of(source: Source) -> Literature | None:
    """How these data are evaluated in the literature; None where they say nothing of it."""
    said = (each.literature for each in _speaking(source) if isinstance(each, Evaluated))
    return next(said, None)


def distant(source: Source) -> Distant | None:
    """The source as what knows how far apart its classes are; None where it does not."""
    return next((each for each in _speaking(source) if isinstance(each, Distant)), None)


def classes_shared_out(source: Source) -> Int[np.ndarray, " classes"]:
    """For each class what is shared out among clients in its place: its group, or itself."""
    said = (each.class_groups for each in _speaking(source) if isinstance(each, Grouped))
    return next(said, np.arange(len(source.class_names)))


def part_shared_out(
    source: Source, stored: Shaped[np.ndarray, "n *sample"]
) -> Shaped[np.ndarray, "n *part"]:
    """The part of samples that says whose they are among clients: the whole, unless told."""
    said = (each for each in _speaking(source) if isinstance(each, Grouped))
    grouped = next(said, None)
    return stored if grouped is None else grouped.part_of_group(stored)
