"""Evaluation protocol of each data set: what reads its samples, and what they are compared with."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

from cgan.config import Data
from cgan.data import Source, load_source
from cgan.data.abilities import classifying, featured, known_modes, literature_of, whole_of
from cgan.kinds import DNA, IMAGE, POINT, PROTEIN, SEQUENCE, Kind
from eval.dataset.confusion import Confusion, confusion_of
from eval.dataset.reference import Reference, batches_of, chunks_of, labels_of, load_reference
from eval.extractors import load_extractor
from eval.extractors.reader import Reader
from eval.extractors.stacked import StackedClassifier
from eval.gather import Advance, silent
from eval.metrics.base import Gathered, Metric
from eval.metrics.catalog import by_default, offered
from eval.names import ExtractorName
from eval.splits import Splits


@dataclass(frozen=True)
class Protocol:
    """How a data set is evaluated: extractor, labeller, and numbers of samples."""

    extractor: ExtractorName
    """Extractor of the features, unless the user asks for another one."""
    labeller: ExtractorName | None
    """Extractor that sorts samples into the data set's classes, or modes; None for none."""
    n: int
    """Number of generated samples unless the user asks for another: the literature's."""
    reference_n: int | None = None
    """Number of train samples that are compared with; None for all."""
    min_accuracy: float = 0.0
    """Least accuracy of the labeller on held-out samples: worse ones would miscount modes."""


LABELED = Protocol("classifier", "classifier", 50_000, 131_072)
"""Images with classes."""
UNLABELED = Protocol("pixels", None, 50_000, 131_072)
"""Images without classes; `inception` and `dinov2` need a file of weights."""
BY_COORDINATES = Protocol("coordinates", None, 50_000, 131_072)
"""What nothing here learns to read: classes are read where the source itself knows how."""

GENOMES = Protocol("kmers", "kmers", 10_000, 16_384)
"""Fragments of several genomes, which are classes."""
ONE_GENOME = Protocol("kmers", None, 10_000, 16_384)
PROTEINS = Protocol("kmers", None, 10_000, 16_384)
"""Proteins, each a class of its own that nobody is asked to recognise."""

USUAL: dict[Kind, tuple[Protocol, Protocol]] = {
    IMAGE: (LABELED, UNLABELED),
    POINT: (BY_COORDINATES, BY_COORDINATES),
    SEQUENCE: (BY_COORDINATES, BY_COORDINATES),
    DNA: (GENOMES, ONE_GENOME),
    PROTEIN: (PROTEINS, PROTEINS),
}
"""With and without classes, by the kind of the samples."""

CONFUSION_ROWS = 50_000
"""Most held-out samples by which the labeller is judged."""


def has_classes(source: Source) -> bool:
    """Whether samples of a source are of more than one class; a set that is all of one has none."""
    return int(np.count_nonzero(source.class_weights)) > 1


def protocol_of(train: Source) -> Protocol:
    """The protocol of a data set, whose train split this is: by its kind, and what it says."""
    of_classes, without = USUAL[train.kind]
    protocol = of_classes if has_classes(train) else without
    if known_modes(train) is not None:
        protocol = replace(protocol, extractor="points", labeller="points")
    elif classifying(train) is not None:
        its_own = protocol is BY_COORDINATES or featured(train) is not None
        features: ExtractorName = "own" if its_own else protocol.extractor
        protocol = replace(protocol, extractor=features, labeller="own")
    literature = literature_of(train)
    return protocol if literature is None else replace(protocol, **literature._asdict())


class Learnt(NamedTuple):
    """Samples that were trained on: what copies are copies of."""

    source: Source
    rows: Int[np.ndarray, " n"]
    """Numbers of the samples in the source that were read, in their order."""
    reference: Reference
    """Features of these samples."""


@dataclass(frozen=True)
class Evaluation:
    """A data set's splits, reader and reference: all that stays the same between evaluations."""

    splits: Splits
    """The whole of both, whatever part of the train split was learnt."""
    reader: Reader
    reference: Reference
    reference_rows: Int[np.ndarray, " n"]
    """Numbers of the train samples that the reference read, in its order."""
    protocol: Protocol
    part: Learnt | None = None
    """What was trained on, where that is a part of the train split."""

    @property
    def learnt(self) -> Learnt:
        """What was trained on: a part of the train split, or the reference's rows of all of it."""
        return self.part or Learnt(self.splits.train, self.reference_rows, self.reference)

    @property
    def learnt_alone(self) -> Gathered | None:
        """Gathered samples that were trained on; None where they are the reference."""
        return None if self.part is None else self.part.reference.gathered

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every metric that this data set's samples can have, by name."""
        train = self.splits.train
        one, modes = np.asarray(train[np.arange(1)].x), known_modes(train) is not None
        return offered(one, self.reader, train.kind, modes)

    @property
    def default_metrics(self) -> dict[str, Metric]:
        """The metrics that are measured unless the user asks for others."""
        return by_default(self.metrics, self.splits.kind)

    def real_chunks(self, n: int, seed: int) -> Iterator[Shaped[np.ndarray, "_ ..."]]:
        """Stream n held-out samples without replacement, or all where there are fewer."""
        return chunks_of(self.splits.held_out, self._real_rows(n, seed))

    def real_labels(self, n: int, seed: int) -> Int[np.ndarray, " n"]:
        """The classes of the samples of `real_chunks`."""
        return labels_of(self.splits.held_out, self._real_rows(n, seed))

    @cached_property
    def reference_by_class(self) -> Gathered:
        """The gathered reference, with the true class of each of its samples."""
        classes = labels_of(self.splits.train, self.reference_rows)
        return replace(self.reference.gathered, asked=classes)

    @cached_property
    def confusion(self) -> Confusion | None:
        """The labeller's confusion on held-out samples; None where there are no classes.

        Also None for mixtures, whose modes are not misread.
        """
        labeller, classes = self.reader.labeller, self.reader.classes
        if labeller is None or known_modes(self.splits.train) is not None:
            return None
        batches = batches_of(self.splits.held_out, self._real_rows(CONFUSION_ROWS, 0))
        stacked = isinstance(labeller, StackedClassifier)
        places = self.splits.train.sample_shape[-1] if stacked else 1
        return confusion_of(labeller, batches, classes, places)

    def _real_rows(self, n: int, seed: int) -> Int[np.ndarray, " n"]:
        return np.random.default_rng([seed, 1]).permutation(len(self.splits.held_out))[:n]


def load_evaluation(
    data: Data,
    extractor: ExtractorName | None = None,
    weights: Path | None = None,
    advance: Advance = silent,
    classes: bool = True,
    splits: Splits | None = None,
) -> Evaluation:
    """Load a data set, its reader and its reference; a classifier may be trained now, once.

    With a limit (`data.limit`) all is that of the whole data set, so that figures compare with
    those of runs without one; only copies are looked for among the samples that are trained on.

    Args:
        data: the data set.
        extractor: of the features; None for the protocol's.
        weights: the file with the extractor's weights, for those that have one.
        advance: told the number of reference samples of each chunk that was read.
        classes: whether samples are sorted into classes, so far as the protocol can.
        splits: of the data set, where they are loaded already; the train split with its limit.

    Raises:
        ConfigError: an extractor that can't read this data, or weights that can't be loaded.
        RuntimeError: a labeller that reads too badly to count modes.
    """
    splits = splits or Splits(load_source(data, "train"), load_source(data, "test"))
    learnt = splits.train
    splits = Splits(whole_of(learnt), splits.held_out)
    protocol = protocol_of(splits.train)
    reader = load_reader(protocol, splits, extractor, weights, classes)
    train = splits.train
    order = np.random.default_rng(0).permutation(len(train))[: protocol.reference_n]
    reference = load_reference(train.name, reader, lambda: chunks_of(train, order), advance)
    part = None if learnt is train else _read_part(learnt, protocol, reader, advance)
    return Evaluation(splits, reader, reference, order, protocol, part)


def _read_part(part: Source, protocol: Protocol, reader: Reader, advance: Advance) -> Learnt:
    """Read the samples of a part of the train split, in random order as the reference's are."""
    rows = np.random.default_rng(0).permutation(len(part))[: protocol.reference_n]
    features = Reader(reader.extractor)
    reference = load_reference(part.name, features, lambda: chunks_of(part, rows), advance)
    return Learnt(part, rows, reference)


def load_reader(
    protocol: Protocol,
    splits: Splits,
    extractor: ExtractorName | None,
    weights: Path | None,
    classes: bool = True,
) -> Reader:
    """Load the reader of a data set's samples; arguments and errors as for `load_evaluation`."""
    features = load_extractor(extractor or protocol.extractor, splits, weights)
    labeller = protocol.labeller
    has_both = features.name == labeller
    if labeller is None or not (classes or has_both):
        return Reader(features)
    labels = features if has_both else load_extractor(labeller, splits)
    accuracy, needed = labels.accuracy, protocol.min_accuracy
    if accuracy is not None and accuracy < needed:
        raise RuntimeError(
            f"the {labeller} reads {accuracy:.1%} of held-out {splits.train.name} right; "
            f"{needed:.0%} or more are needed"
        )
    return Reader(features, labels, len(splits.train.class_names))
