"""Reference that samples are compared with: a data set read by an extractor, kept in the cache.

A cache file's name carries a fingerprint of the samples' content, the extractor's weights and
preprocessing and the layout of the file, so a data set that changed under the same name never meets
old statistics. A damaged file is found by its checksums and made again.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

from cgan.data import Source
from cgan.system.cache import load_as, save_arrays
from cgan.system.files import cache_folder
from cgan.types import Batch
from eval.extractors.reader import Reader
from eval.files.fingerprint import fingerprint
from eval.gather import Advance, Wanted, gather, silent
from eval.metrics.base import Gathered, Need
from eval.metrics.moments import Moments, merge
from eval.together import known_to_all

VERSION = "reference-3"
"""Version of the file's layout; raise it when that changes."""
NAME_AT_MOST = 64
"""Most characters of a data set's name in its file's name; fingerprints tell data sets apart."""
CHUNK_BYTES = 32 * 2**20
ROWS_AT_MOST = 131_072
"""Most rows whose features are kept; moments and counts are of all rows."""
OF_ALL: frozenset[Need] = frozenset({"counts", "moments"})
OF_THE_FIRST: frozenset[Need] = frozenset({"features", "labels", "logits"})


def chunks_of(source: Source, rows: Int[np.ndarray, " n"]) -> Iterator[Shaped[np.ndarray, "_ ..."]]:
    """Stream these samples of a source as they are stored, some megabytes at a time."""
    for batch in batches_of(source, rows):
        yield np.asarray(batch.x)


def labels_of(source: Source, rows: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """The true classes of these samples of a source."""
    return np.concatenate([np.asarray(batch.label) for batch in batches_of(source, rows)])


def batches_of(source: Source, rows: Int[np.ndarray, " n"]) -> Iterator[Batch]:
    """Stream these samples of a source with their true classes, some megabytes at a time."""
    if not len(rows):
        return
    one = np.asarray(source[rows[:1]].x)
    size = int(np.clip(CHUNK_BYTES // one.nbytes, 32, 8192))
    for start in range(0, len(rows), size):
        yield source[rows[start : start + size]]


class Reference(NamedTuple):
    """Gathered statistics of samples, and a fingerprint of those."""

    gathered: Gathered
    samples_fingerprint: str
    """A hash of the samples, in the order in which they were read."""


def load_reference(
    name: str,
    reader: Reader,
    chunks: Callable[[], Iterator[Shaped[np.ndarray, "_ ..."]]],
    advance: Advance = silent,
    called: str = "reference",
) -> Reference:
    """Load a reference's statistics from the cache, or gather and cache them now.

    Args:
        name: of the data set, for the file's name.
        reader: what reads the samples.
        chunks: starts over the samples; they are passed once to hash them, and once more to read
            them if the cache does not know them.
        advance: told the number of samples of each chunk that was read.
        called: what an error calls the samples.
    """
    samples = fingerprint(*(fingerprint(chunk) for chunk in chunks()))

    def gathered(reader: Reader) -> Gathered:
        return _gathered(name, samples, reader, chunks, advance, called)

    extractor, labeller = reader.extractor, reader.labeller
    if labeller is None or labeller is extractor:
        return Reference(gathered(reader), samples)
    # Each by itself, so that features are found again where nobody asks for classes.
    features, classes = (
        gathered(Reader(extractor)),
        gathered(Reader(labeller, labeller, reader.classes)),
    )
    return Reference(replace(features, counts=classes.counts, labels=classes.labels), samples)


def _gathered(
    name: str,
    samples: str,
    reader: Reader,
    chunks: Callable[[], Iterator[Shaped[np.ndarray, "_ ..."]]],
    advance: Advance,
    called: str,
) -> Gathered:
    """Statistics by one extractor of samples with this fingerprint, from the cache or now."""
    labeller = "" if reader.labeller is None else reader.labeller.fingerprint
    extractor = reader.extractor
    key = fingerprint(VERSION, samples, extractor.name, extractor.fingerprint, labeller)
    readable = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)[:NAME_AT_MOST]
    path = cache_folder() / f"reference-{readable}-{extractor.name}-{key}.npz"
    read = partial(_from_arrays, reader=reader)
    if (known := known_to_all(load_as(path, read, "these statistics"))) is not None:
        return known
    wanted = (Wanted(None, OF_ALL), Wanted(ROWS_AT_MOST, OF_THE_FIRST))
    whole, first = gather(chunks(), reader, wanted, advance, called)
    gathered = Gathered(
        n=whole.n,
        counts=whole.counts,
        moments=(merge(whole.moments),),
        features=first.features,
        labels=first.labels,
        logits=first.logits,
    )
    save_arrays(path, _to_arrays(gathered))
    return gathered


def _to_arrays(gathered: Gathered) -> dict[str, np.ndarray]:
    arrays = {
        "n": np.array([of.n for of in gathered.moments]),
        "mean": np.stack([of.mean for of in gathered.moments]),
        "scatter": np.stack([of.scatter for of in gathered.moments]),
    }
    kept = {key: getattr(gathered, key) for key in ("counts", "features", "labels", "logits")}
    return arrays | {key: value for key, value in kept.items() if value is not None}


def _from_arrays(arrays: dict[str, np.ndarray], reader: Reader) -> Gathered | None:
    """Statistics from a file's arrays; None where a part is missing or does not fit the others."""
    labeled = {"counts", "labels"} if reader.labeller is not None else set()
    if set(arrays) - {"logits"} != {"n", "mean", "scatter", "features"} | labeled:
        return None
    n, mean, scatter, features = (arrays[key] for key in ("n", "mean", "scatter", "features"))
    if n.ndim != 1 or features.ndim != 2:
        return None
    parts, rows, dimensions = len(n), *features.shape
    counts, labels, logits = (arrays.get(key) for key in ("counts", "labels", "logits"))
    fits = (
        mean.shape == (parts, dimensions)
        and scatter.shape == (parts, dimensions, dimensions)
        and rows == min(n.sum(), ROWS_AT_MOST)
        and features.dtype == np.float32
        and all(np.isfinite(array).all() for array in (mean, scatter, features))
        and (counts is None or counts.shape == (reader.classes + 1,))
        and (labels is None or labels.shape == (rows,))
        and (logits is None or len(logits) == rows)
    )
    if not fits:
        return None
    return Gathered(
        n=int(n.sum()),
        counts=counts,
        moments=tuple(Moments(int(a), b, c) for a, b, c in zip(n, mean, scatter, strict=True)),
        features=features,
        labels=labels,
        logits=logits,
    )
