"""The identity of a data set, short enough for a run to keep: number, classes, form and content."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cgan.data.abilities import content_in
from cgan.data.source import Source

NAMED_AT_MOST = 5
"""Most classes that a message names."""


@dataclass(frozen=True)
class Split:
    """The identity of one split: numbers and hashes of its samples."""

    samples: int
    per_class: tuple[int, ...]
    """Number of samples of each class."""
    ordered: str
    """A hash of the samples in their order."""
    unordered: str
    """A hash of the samples in any order."""
    labels: str
    """A hash of the samples' classes."""


@dataclass(frozen=True)
class Identity:
    """The identity of a data set. Neither its place nor its name there is part of it."""

    sample_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    class_weights: tuple[float, ...]
    """The true share of each class."""
    train: Split
    held_out: Split

    @property
    def number(self) -> int:
        """A number that two data sets share only if they are the same.

        Shares follow from the rest, and another machine may round them otherwise.
        """
        told = json.dumps({**asdict(self), "class_weights": None}).encode()
        return int.from_bytes(hashlib.sha256(told).digest()[:8], "big")


def identify(train: Source, held_out: Source) -> Identity:
    """The identity of the data set with these splits."""
    return Identity(
        tuple(int(side) for side in train.sample_shape),
        tuple(train.class_names),
        tuple(float(share) for share in train.class_weights),
        _split(train),
        _split(held_out),
    )


def _split(source: Source) -> Split:
    content = content_in(source)
    counts = np.bincount(content.labels, minlength=len(source.class_names))
    labels = hashlib.sha256(np.asarray(content.labels, "<i4").tobytes()).hexdigest()
    per_class = tuple(int(count) for count in counts[: len(source.class_names)])
    return Split(len(source), per_class, content.ordered, content.unordered, labels)


def to_json(identity: Identity) -> dict[str, Any]:
    """The identity as JSON can hold it, which is all of it."""
    return asdict(identity)


def from_json(values: Any) -> Identity:
    """Read back what `to_json` made.

    Raises:
        ValueError: the values are of something else.
    """
    try:
        return Identity(
            tuple(values["sample_shape"]),
            tuple(values["class_names"]),
            tuple(values["class_weights"]),
            Split(**_tuples(values["train"])),
            Split(**_tuples(values["held_out"])),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"does not describe data ({error})") from None


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


def changes(old: Identity, new: Identity) -> list[str]:
    """Words for each difference between two identities; empty where there is none."""
    return [*_form_changes(old, new), *_class_changes(old, new), *_split_changes(old, new)]


def _form_changes(old: Identity, new: Identity) -> Iterator[str]:
    if old.sample_shape != new.sample_shape:
        yield f"samples were {_sides(old.sample_shape)}, and are {_sides(new.sample_shape)}"


def _class_changes(old: Identity, new: Identity) -> Iterator[str]:
    if old.class_names == new.class_names:
        return
    gone = [name for name in old.class_names if name not in new.class_names]
    come = [name for name in new.class_names if name not in old.class_names]
    if gone:
        yield f"without the class{_named(gone)}"
    if come:
        yield f"with the new class{_named(come)}"
    if not gone and not come:
        yield "the classes are in another order"


def _split_changes(old: Identity, new: Identity) -> Iterator[str]:
    same_names = old.class_names == new.class_names
    for title, before, after in (
        ("train", old.train, new.train),
        ("held out", old.held_out, new.held_out),
    ):
        if before.samples != after.samples:
            classes = _counts(old, before, new, after)
            yield f"{title}: {before.samples:,} samples then, {after.samples:,} now{classes}"
        elif before.unordered != after.unordered:
            classes = _counts(old, before, new, after)
            yield f"{title}: as many samples, but other ones{classes}"
        elif same_names and before.per_class != after.per_class:
            yield f"{title}: the same samples in other classes{_counts(old, before, new, after)}"
        elif same_names and before.ordered != after.ordered:
            classes = " or in other classes" if new.class_names else ""
            yield f"{title}: the same samples in another order{classes}"
        elif same_names and before.labels != after.labels:
            yield f"{title}: the same samples in other classes"


def _counts(old: Identity, before: Split, new: Identity, after: Split) -> str:
    """Words for the classes whose numbers changed."""
    were = dict(zip(old.class_names, before.per_class, strict=True))
    are = dict(zip(new.class_names, after.per_class, strict=True))
    told = [
        f"{name!r} {were[name]:,} then, {are[name]:,} now"
        for name in old.class_names
        if name in are and were[name] != are[name]
    ]
    return f" ({_some(told)})" if told else ""


def _named(names: Sequence[str]) -> str:
    return f"{'es' if len(names) > 1 else ''} {_some([repr(name) for name in names])}"


def _some(told: Sequence[str]) -> str:
    more = len(told) - NAMED_AT_MOST
    return ", ".join(told[:NAMED_AT_MOST]) + (f" and {more:,} more" if more > 0 else "")


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
