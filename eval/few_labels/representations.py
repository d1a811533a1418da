"""What classifiers read: pixels, their principal components, a discriminator's maps."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped
from sklearn.decomposition import PCA

from cgan import parallel
from cgan.config import require
from cgan.kinds import DNA, IMAGE
from cgan.networks import TRUNK
from cgan.types import Samples
from eval.extractors.base import images_at_once
from eval.extractors.kmer_counts import canonical_frequencies
from eval.extractors.maps import as_rows
from eval.few_labels.draws import Labeled
from eval.few_labels.probed import Probed, Weights
from eval.gather import Advance

Origin = Literal["run", "untrained", "none"]
"""Whose weights made a representation; none where it needs no network."""
EMBEDDING = "embedding"
COMPONENTS = 50
"""Principal components that are kept."""
KMERS = (3, 4)
"""Lengths of the k-mers by which DNA is classified without a network."""
CPU_BATCH, ACCELERATOR_BATCH = 256, 2_048


class Representation(NamedTuple):
    """A row of features for each sample of both splits."""

    name: str
    origin: Origin
    train: Float[np.ndarray, "n d"]
    held_out: Float[np.ndarray, "m d"]
    proportioned: bool = False
    """Whether the features' sizes say how much they count, so that they are scaled as one."""


def taps_of(probed: Probed, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the maps to read, lowest first: those asked for, or all that there are.

    Raises:
        ConfigError: the discriminator has no such map.
    """
    known = (*(level.tap for level in probed.networks.levels), TRUNK)
    known += (EMBEDDING,) if probed.has_embedding else ()
    for tap in asked:
        require(tap in known, "taps", tap, f"one or more of {', '.join(known)}")
    return tuple(tap for tap in known if not asked or tap in asked)


def baselines_of(probed: Probed) -> int:
    """How many representations need no network."""
    return 2 + len(KMERS) * (probed.splits.kind == DNA)


def baselines(probed: Probed, train: Labeled, held_out: Labeled) -> Iterator[Representation]:
    """The samples as the networks see them, and their principal components in the train split."""
    encode = probed.splits.train.encode
    rows = [
        np.asarray(encode(part.samples)).reshape(len(part.samples), -1)
        for part in (train, held_out)
    ]
    raw, raw_held_out = (part.astype(np.float32) for part in rows)
    name = "pixels" if probed.splits.kind is IMAGE else "coordinates"
    yield Representation(name, "none", raw, raw_held_out)
    pca = PCA(min(COMPONENTS, *raw.shape), random_state=0).fit(raw)
    train_rows, held_out_rows = (
        pca.transform(part).astype(np.float32) for part in (raw, raw_held_out)
    )
    yield Representation("PCA", "none", train_rows, held_out_rows, proportioned=True)
    if probed.splits.kind == DNA:
        for k in KMERS:
            shares, shares_held_out = (
                canonical_frequencies(part.samples, k) for part in (train, held_out)
            )
            yield Representation(f"canonical {k}-mers", "none", shares, shares_held_out)


def of_discriminator(
    probed: Probed,
    origin: Origin,
    taps: tuple[str, ...],
    train: Labeled,
    held_out: Labeled,
    advance: Advance,
) -> Iterator[Representation]:
    """The discriminator's maps at each tap; one that repeats a later one is left out.

    Args:
        probed: the discriminator.
        origin: whose weights: the run's, or those that it started from.
        taps: names of the maps.
        train: samples of the train split.
        held_out: samples of the other.
        advance: told how many samples were read.
    """
    weights = probed.trained if origin == "run" else probed.start()
    read, read_held_out = (
        _read(probed, weights, taps, part.samples, advance) for part in (train, held_out)
    )
    for tap in _different(read):
        yield Representation(tap, origin, read[tap], read_held_out[tap])


def _different(maps: Mapping[str, np.ndarray]) -> list[str]:
    """Taps whose maps are not those of a later one: the last level is the trunk for some."""
    names = list(maps)
    return [
        name
        for at, name in enumerate(names)
        if not any(np.array_equal(maps[name], maps[later]) for later in names[at + 1 :])
    ]


def _read(
    probed: Probed,
    weights: Weights,
    taps: tuple[str, ...],
    samples: Shaped[np.ndarray, "n *sample"],
    advance: Advance,
) -> dict[str, Float[np.ndarray, "n d"]]:
    """Maps of samples in batches of one shape, each a row."""
    networks, encode = probed.networks, probed.splits.train.encode

    def maps(weights: Weights, stored: Shaped[Array, "n *sample"]) -> dict[str, Any]:
        inputs = encode(stored)
        found = {
            tap: as_rows(networks.features(*weights, inputs, tap=tap))
            for tap in taps
            if tap != EMBEDDING
        }
        if EMBEDDING in taps:
            found[EMBEDDING] = embedding_of(probed, weights, inputs)
        return found

    devices = jax.local_devices()
    apply = parallel.spread(maps, devices)
    placed = parallel.replicate(weights, devices)
    batch = images_at_once(CPU_BATCH, ACCELERATOR_BATCH)
    chunks = []
    for start in range(0, len(samples), batch):
        chunk = samples[start : start + batch]
        padding = [(0, batch - len(chunk)), *[(0, 0)] * (samples.ndim - 1)]
        read = jax.device_get(apply(placed, np.pad(chunk, padding)))
        chunks.append({tap: rows[: len(chunk)] for tap, rows in read.items()})
        advance(len(chunk))
    return {tap: np.concatenate([chunk[tap] for chunk in chunks]) for tap in taps}


def embedding_of(probed: Probed, weights: Weights, inputs: Samples) -> Float[Array, "n d"]:
    """The embedding head's unit vectors, which see no labels."""
    labels = jnp.zeros(len(inputs), jnp.int32) if probed.has_labels else None
    embedding = probed.networks.discriminate(*weights, inputs, labels).embedding
    assert embedding is not None
    return embedding
