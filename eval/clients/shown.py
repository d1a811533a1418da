"""What a picture of clients shows: each client's shard, and what each arm's generators drew."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped

from cgan.assemble import Parts
from cgan.config import require
from cgan.data import Source
from cgan.data.clients import Shards
from cgan.sampling.runs import Restored, restore_whole
from cgan.sampling.sampler import Sampler

STREAM = "latents/samples"
Drawn = Shaped[np.ndarray, "_ ..."]


class Arm(NamedTuple):
    """A run, and its samples."""

    name: str
    told: str
    """What each of its samples is by, in words."""
    drawn: tuple[Drawn, ...]
    """Samples in the stored form: of each client's generator, or of the one that all have."""


class Shown(NamedTuple):
    """What there is to see of clients."""

    source: Source
    shards: Shards
    reals: tuple[Drawn, ...]
    """Some samples of each client's shard."""
    arms: tuple[Arm, ...]


def shown(roots: Sequence[Path], n: int, seed: int, source: Source | None = None) -> Shown:
    """Read runs on the same shards, and draw by each.

    Args:
        roots: folders of the runs; some have clients, others, without any, are central training.
        n: samples of each run; of clients that never average, over all of them.
        seed: of the latents and of the choice of reals.
        source: what the runs learnt, where a program handed that to `train`.

    Raises:
        ConfigError: no run has clients, or two have other shards, or other data.
    """
    restored = {root: restore_whole(root, source=source) for root in roots}
    first = next((one.parts for one in restored.values() if one.parts.shards is not None), None)
    expected = "folders of runs of which one at least has clients (federated.clients)"
    require(first is not None, "run", str(roots[0]), expected)
    assert first is not None
    shards = first.shards
    assert shards is not None
    for root, one in restored.items():
        _require_same(root, one.parts, first)
    each = max(1, n // len(shards.rows))
    rng = np.random.default_rng(seed)
    reals = tuple(np.asarray(first.source[rng.permutation(rows)[:each]].x) for rows in shards.rows)
    arms = tuple(_arm(root.name, one, n, each, seed) for root, one in restored.items())
    return Shown(first.source, shards, reals, arms)


def _require_same(root: Path, parts: Parts, first: Parts) -> None:
    """Refuse a run whose clients have other shards, or that learnt other data."""
    here, expected = parts.config.data, first.config.data
    require(here == expected, f"{root}: data", here, f"those of the first run, {expected}")
    if parts.shards is not None and first.shards is not None:
        same = len(parts.shards.rows) == len(first.shards.rows) and all(
            map(np.array_equal, parts.shards.rows, first.shards.rows)
        )
        what = parts.config.federated
        require(same, f"{root}: federated", what, f"of the same shards as {first.config.federated}")


def _arm(name: str, one: Restored, n: int, each: int, seed: int) -> Arm:
    by = "all data" if one.parts.shards is None else "the clients' average"
    if one.parts.are_isolated:
        n, by = each, "each client alone"
    sampler = Sampler(one.parts)
    labels = sampler.labels(n, seed, STREAM)
    latents = sampler.latents(n, seed, STREAM)
    judged = one.parts.each_judged(one.state)
    drawn = (sampler.generate(state.generator_ema, latents, labels) for state in judged)
    return Arm(name, by, tuple(drawn))
