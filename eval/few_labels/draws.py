"""Which samples are read, and of which of them labels are known: as many of each class."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

from cgan.config import ConfigError
from cgan.data import Source

TRAIN_AT_MOST, HELD_OUT_AT_MOST = 20_000, 10_000
READ_AT_ONCE = 4_096


class Labeled(NamedTuple):
    """Samples in the stored form with the class of each."""

    samples: Shaped[np.ndarray, "n *sample"]
    labels: Int[np.ndarray, " n"]


def read(source: Source, at_most: int, seed: int, window: int | None = None) -> Labeled:
    """All samples of a split, or so many of them, drawn without replacement.

    Args:
        source: the split.
        at_most: how many.
        seed: of the choice.
        window: length of the first part of each sample that is kept; None for all of it.
    """
    rows = np.arange(len(source))
    if len(rows) > at_most:
        rows = np.sort(np.random.default_rng([seed, len(rows)]).choice(rows, at_most, False))
    chunks = []
    for start in range(0, len(rows), READ_AT_ONCE):
        batch = source[rows[start : start + READ_AT_ONCE]]
        chunks.append((np.asarray(batch.x)[:, :window].copy(), np.asarray(batch.label)))
    return Labeled(*(np.concatenate(part) for part in zip(*chunks, strict=True)))


def most_per_class(labels: Int[np.ndarray, " n"], class_names: list[str]) -> tuple[int, str]:
    """Number of samples of the rarest class, and its name."""
    counts = np.bincount(labels, minlength=len(class_names))
    rarest = int(counts.argmin())
    return int(counts[rarest]), class_names[rarest]


def choose_sizes(
    asked: tuple[int, ...], usual: tuple[int, ...], most: int, rarest: str, n: int
) -> tuple[int, ...]:
    """The numbers of labels a class to probe with: those asked for, or the usual ones that fit.

    Args:
        asked: by a user; empty for the usual ones.
        usual: those unless a user asks for others.
        most: samples of the rarest class.
        rarest: its name.
        n: number of train samples that are read.

    Raises:
        ConfigError: more labels than the rarest class has samples.
    """
    if not most or (asked and max(asked) > most):
        raise ConfigError(
            f"labels = {max(asked or usual)}: must be at most {most}, the samples of class "
            f"{rarest!r} among {n:,} of the train split"
        )
    fitting = sorted(set(asked or usual))
    return tuple(size for size in fitting if size <= most)


def balanced(
    labels: Int[np.ndarray, " n"], classes: int, per_class: int, draws: int, seed: int
) -> Int[np.ndarray, "draws rows"]:
    """Rows of as many samples of each class, for each draw, without replacement.

    They are ordered so that the first `classes * k` rows of a draw have k samples of each class:
    its smaller sets are within its larger ones.
    """
    of_class = [np.flatnonzero(labels == number) for number in range(classes)]
    found = np.empty((draws, per_class, classes), np.int64)
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        for number, rows in enumerate(of_class):
            found[draw, :, number] = rng.permutation(rows)[:per_class]
    return found.reshape(draws, -1)
