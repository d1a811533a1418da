"""Learnt distances against known ones, by which of two samples was held out.

A distance is first multiplied by the scale that is best on trained pairs. Then stand two figures
for each group of pairs: Spearman's rank correlation, and the root mean squared error as a share of
the known distances' standard deviation, so that their mean alone would score 1.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy import stats

from cgan.config import DistanceName, require
from cgan.data import Source, clades
from cgan.data.abilities import distant
from cgan.kinds import PROTEIN
from cgan.networks import Networks
from cgan.types import single
from eval.extractors.kmer_counts import counts
from eval.few_labels.probed import Weights
from eval.splits import Splits

Pairs = Literal["trained", "one held out", "both held out"]
GROUPS: tuple[Pairs, ...] = ("trained", "one held out", "both held out")
"""Groups of pairs; one held out is one alone or both."""
K = 3
LAGS = 4
CHUNK = 64
Rows = Float[np.ndarray, "n d"]
Square = Float[np.ndarray, "n n"]


class Asked(NamedTuple):
    """One sample of each class, of both splits, and how far apart they are."""

    samples: Shaped[np.ndarray, "n *sample"]
    names: list[str]
    is_held_out: Bool[np.ndarray, " n"]
    distances: Square

    def pairs(self, group: Pairs) -> Bool[np.ndarray, "n n"]:
        """Which pairs are of a group, each once."""
        one, other = self.is_held_out[:, None], self.is_held_out
        of = {"trained": ~one & ~other, "one held out": one | other, "both held out": one & other}
        return np.triu(of[group], 1)


class Figures(NamedTuple):
    """How well one distance does on one group of pairs."""

    spearman: float
    relative_rmse: float
    pairs: int


def asked_of(splits: Splits) -> Asked:
    """What is asked of the splits of a data set that knows distances.

    Raises:
        ConfigError: it knows none, or fewer than two classes are held out.
    """
    train, held_out = splits
    known = distant(train)
    expected = "a run on data that know how far apart their classes are, such as proteins"
    require(known is not None, "data.source", train.name, expected)
    assert known is not None
    parts = [_first_of_each(split) for split in (train, held_out)]
    samples, labels = (np.concatenate(of) for of in zip(*parts, strict=True))
    is_held_out = np.arange(len(labels)) >= len(parts[0][1])
    expected = "3 or more, and as many in the train split: pairs are ranked"
    fewest = min(len(of) for _, of in parts)
    require(fewest >= 3, "held-out classes", fewest, expected)
    distances = known.class_distances()[labels[:, None], labels]
    return Asked(samples, [train.class_names[n] for n in labels], is_held_out, distances)


def _first_of_each(source: Source) -> tuple[np.ndarray, Int[np.ndarray, " classes"]]:
    batch = source[np.arange(len(source))]
    labels, rows = np.unique(np.asarray(batch.label), return_index=True)
    return np.asarray(batch.x)[rows], labels


def figures(asked: Asked, learnt: Square) -> dict[Pairs, Figures]:
    """The figures of one distance, scaled on trained pairs.

    Args:
        asked: the samples.
        learnt: distances between them, in any unit.
    """
    scaled = learnt * scale_of(asked, learnt)
    found = {}
    for group in GROUPS:
        pairs = asked.pairs(group)
        one, other = scaled[pairs], asked.distances[pairs]
        error = float(np.sqrt(np.mean(np.square(one - other))) / other.std())
        rank = float(stats.spearmanr(one, other).statistic)
        found[group] = Figures(rank, error, int(pairs.sum()))
    return found


def scale_of(asked: Asked, learnt: Square) -> float:
    """The factor by which a distance is nearest to the known one on trained pairs."""
    trained = asked.pairs("trained")
    own = np.square(learnt[trained]).sum()
    return float((learnt[trained] * asked.distances[trained]).sum() / own) if own else 0.0


def squared_distances(rows: Rows) -> Square:
    """Squared Euclidean distances of all pairs of rows, in double precision."""
    rows = rows.astype(np.float64)
    lengths = np.square(rows).sum(axis=1)
    return np.maximum(lengths[:, None] + lengths - 2 * rows @ rows.T, 0)


def baselines(asked: Asked, splits: Splits) -> dict[str, Square]:
    """Distances that nothing was learnt for, of proteins."""
    if splits.kind != PROTEIN:
        return {}
    stored = asked.samples
    found = {f"Euclid of {K}-mer counts": np.sqrt(squared_distances(counts(stored, K)))}
    shares = np.sqrt(spaced_shares(stored, LAGS))
    return found | {f"Hellinger of pairs up to {LAGS} apart, squared": squared_distances(shares)}


def spaced_shares(stored: Shaped[np.ndarray, "n length letters"], lags: int) -> Rows:
    """Shares of pairs of residues 1 to `lags` places apart, each lag's summing to 1."""
    known = stored[..., :-1].astype(np.float64)
    found = []
    for lag in range(1, lags + 1):
        pairs = np.einsum("nla,nlb->nab", known[:, :-lag], known[:, lag:], optimize=True)
        rows = pairs.reshape(len(stored), -1)
        found.append(rows / np.maximum(rows.sum(axis=1, keepdims=True), 1))
    return np.concatenate(found, axis=1)


def embedded(
    networks: Networks, encode: Callable[[Any], Any], weights: Weights, stored: Any
) -> Any:
    """Embeddings `[n, dimensions]` of stored samples."""
    return single(networks.discriminate(*weights, encode(stored)).embedding)


def embedder(
    networks: Networks, encode: Callable[[Any], Any]
) -> Callable[[Weights, np.ndarray], Rows]:
    """A function from weights and stored samples to embeddings, compiled once."""
    embed = jax.jit(partial(embedded, networks, encode))

    def of_all(weights: Weights, stored: np.ndarray) -> Rows:
        chunks = range(0, len(stored), CHUNK)
        return np.concatenate([embed(weights, stored[at : at + CHUNK]) for at in chunks])

    return of_all


def learnt_distances(rows: Rows, distance: DistanceName) -> Square:
    """Distances of embeddings, as they are regressed."""
    squared = squared_distances(rows)
    return squared if distance == "squared" else np.sqrt(squared)


def all_figures(asked: Asked, distances: Mapping[str, Square]) -> dict[str, dict[Pairs, Figures]]:
    """The figures of several distances by their names."""
    return {name: figures(asked, learnt) for name, learnt in distances.items()}


def order_of(asked: Asked) -> list[str]:
    """Names in the order of the tree of average linkage of the known distances."""
    return clades.leaves(clades.of_distances(asked.distances, asked.names))
