"""Some samples of a train split, for studies of training with few (`data.limit`).

Turns are taken: each class gives one sample of its own in random order, then each that has more
gives another, in an order of the classes that is drawn anew for each turn. The first N of that
sequence are as many of each class as N allows, and are among the first M > N of it. It follows from
the split's classes and the seed alone, so that every process and every later reader finds the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from cgan.config import Data, require
from cgan.data.abilities import content_in
from cgan.data.contents import Content, hash_of
from cgan.data.source import Source
from cgan.kinds import Kind
from cgan.types import Batch

STREAM = (0, 1)
"""What tells the choice from the epochs of the same seed, which are streams of one number."""


@dataclass(frozen=True, eq=False)
class Limited:
    """Some samples of a split, in its order; their form, classes and true shares are its own."""

    whole: Source
    rows: Int[np.ndarray, " n"]
    """Numbers of the samples in the whole split, ascending."""
    seed: int
    """Seed of the choice."""
    of_whole: Content
    """Content of the whole split."""

    @property
    def name(self) -> str:
        return self.whole.name

    @property
    def kind(self) -> Kind:
        return self.whole.kind

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.whole.sample_shape

    @property
    def class_names(self) -> Sequence[str]:
        return self.whole.class_names

    @property
    def class_weights(self) -> Float[np.ndarray, " classes"]:
        """True share of each class in the whole split, which a choice does not change."""
        return self.whole.class_weights

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        return self.whole[self.rows[indices]]

    def content(self) -> Content:
        """The content of the samples: that of the whole split, and which of it they are."""
        told = self.of_whole.ordered.encode() + np.asarray(self.rows, "<i8").tobytes()
        chosen = hash_of(told).hex()
        return Content(chosen, chosen, np.asarray(self.of_whole.labels)[self.rows])

    def encode(self, stored: Any) -> Any:
        return self.whole.encode(stored)

    def decode(self, samples: Float[np.ndarray, "n *sample"]) -> np.ndarray:
        return self.whole.decode(samples)


def limited(source: Source, data: Data) -> Source:
    """The samples of a train split that the settings let be learnt: all, or `data.limit` of them.

    A source that these settings have limited before is left as it is.

    Raises:
        ConfigError: a limit beyond the samples that there are, or below one of each class.
    """
    if data.limit is None:
        return source
    if isinstance(source, Limited) and (len(source), source.seed) == (data.limit, data.limit_seed):
        return source
    content = content_in(source)
    labels = np.asarray(content.labels) if source.class_names else np.zeros(len(source), np.int32)
    called = f"training {source.kind.plural} of {source.name}"
    return Limited(source, choose(labels, data, called), data.limit_seed, content)


def choose(labels: Int[np.ndarray, " n"], data: Data, called: str) -> Int[np.ndarray, " limit"]:
    """Numbers of the `data.limit` samples that are chosen among those of these classes, ascending.

    Args:
        labels: the class of each sample; all alike where there are no classes.
        data: the settings; their limit is not None.
        called: what errors call the samples, such as "training images of digits".

    Raises:
        ConfigError: as for `limited`.
    """
    limit, n, classes = data.limit, len(labels), len(np.unique(labels))
    assert limit is not None
    require(limit <= n, "data.limit", limit, f"at most {n}, the number of {called}")
    expected = f"at least {classes}, one for each class of the {called}"
    require(limit >= classes, "data.limit", limit, expected)
    return np.sort(balanced_order(labels, data.limit_seed)[:limit])


def balanced_order(labels: Int[np.ndarray, " n"], seed: int) -> Int[np.ndarray, " n"]:
    """All samples in an order whose every beginning holds the classes as evenly as can be.

    Args:
        labels: the class of each sample.
        seed: of the order of the samples of each class, and of the classes in each turn.
    """
    rng = np.random.default_rng([seed, *STREAM])
    shuffled, places = rng.permutation(len(labels)), rng.permutation(len(labels))
    by_class = np.argsort(labels[shuffled], kind="stable")
    _, counts = np.unique(labels, return_counts=True)
    turns = np.empty(len(labels), np.int64)
    turns[by_class] = np.concatenate([np.arange(count) for count in counts])
    return shuffled[np.lexsort((places, turns))]


def size_in_words(source: Source) -> str:
    """The number of a train split's samples in words, and how many of each class were chosen."""
    if not isinstance(source, Limited):
        return f"{len(source):,} samples"
    named = bool(source.class_names)
    labels = source.content().labels if named else np.zeros(0, np.int32)
    return choice_in_words(labels, len(source), len(source.whole), source.kind)


def choice_in_words(labels: Int[np.ndarray, " k"], limit: int, n: int, kind: Kind) -> str:
    """Words for a choice of so many of n samples, by the class of each where there are classes."""
    said = f"{limit:,} of {n:,} training {kind.plural}"
    if not len(labels):
        return said
    counts = np.unique(labels, return_counts=True)[1]
    least, most = counts.min(), counts.max()
    each = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return f"{said}, {each} of each class"
