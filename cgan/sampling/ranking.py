"""A discriminator's ranking: for a real, a batch of fakes from the closest to the furthest.

The margins are those of training, `M[i, j] = (D(x_i) - D(G(z_j))) / tau`, or the cosines between
embeddings, of samples as they are: no augmentation. A score belongs to one sample, so a score head
would put one batch of fakes into the same order for every real; each real meets fakes of its own.
Embeddings are compared pair by pair, and their order is the real's own: of a batch of fakes those
most and least like it are kept, and beside them the other reals nearest to it, to say what near is.
"""

from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from cgan import parallel
from cgan.config import Experiment, require
from cgan.data import Source
from cgan.kinds import Kind
from cgan.networks import Latents, Networks
from cgan.objectives import BatchOutputs, PairedOutputs
from cgan.objectives.comparisons import Comparison, EmbeddingComparison, ScoreComparison
from cgan.rng import row_keys, stream_key
from cgan.sampling.embeddings import embed, head_temperature
from cgan.sampling.runs import Restored
from cgan.state import TrainState
from cgan.types import Head, Labels, Samples

COMPARISONS: dict[Head, Comparison] = {
    "score": ScoreComparison(),
    "embedding": EmbeddingComparison(),
}
POOL = 4096
"""Number of held-out samples that reals are picked from."""
BATCH = 256
"""Number of fakes that those most and least like a real are chosen from."""
SEARCHED, NEAREST = 1_024, 4
"""Number of other reals that the nearest are sought among, and how many of them are kept."""


class Others(NamedTuple):
    """Other reals for each real, the nearest to it first."""

    reals: Shaped[np.ndarray, "rows near *sample"]
    values: Float[np.ndarray, "rows near"]
    """Cosines with the row's real, largest first."""


class Ranking(NamedTuple):
    """Reals, and for each its own fakes in order: the one closest to real first."""

    reals: Shaped[np.ndarray, "rows *sample"]
    """Held-out samples, in the stored form."""
    fakes: Shaped[np.ndarray, "rows fakes *sample"]
    """Fakes in the stored form, drawn with the averaged weights."""
    values: Float[np.ndarray, "rows fakes"]
    """Margins, smallest first, or similarities, largest first."""
    kind: Literal["margin", "similarity"]
    temperature: float
    """Divisor of the margins; 1 for similarities, which are cosines."""
    of: Kind
    """What the reals and the fakes are."""
    others: Others | None = None
    """The other held-out reals nearest to each real, by embedding; None by score."""
    drawn: int | None = None
    """Fakes of each row's batch, whose first and last ones are kept; None where all are."""

    @property
    def alike(self) -> int:
        """How many of a row's fakes are those most like its real; the rest are least like it."""
        count = self.values.shape[1]
        return count if self.drawn in (None, count) else most_alike(count)


def rank_fakes(
    run: Restored, held_out: Source, reals: int, fakes: int, seed: int, by: Head | None = None
) -> Ranking:
    """Draw fakes for some held-out reals and put them into the discriminator's order.

    The first rows do not depend on how many there are.

    Args:
        run: networks and state.
        held_out: what reals are picked from.
        reals: how many rows.
        fakes: how many in each row. By embedding they are of a batch of `BATCH`, or of as many:
            two thirds of them the most like the real, and the others the least like it.
        seed: of the choice of reals and of the latents.
        by: which head's order; None for the score where there is one.

    Raises:
        ConfigError: the discriminator has no such head, or the held-out split fewer samples.
    """
    config, state = run.parts.config, run.state
    head = choose_head(config, by)
    expected = f"at most the {len(held_out)} that are held out"
    require(reals <= len(held_out), "reals", reals, expected)
    rows = varied_rows(held_out, reals, seed)
    chosen, classes = (np.asarray(leaf) for leaf in held_out[rows])
    drawn = max(fakes, BATCH) if head == "embedding" else fakes
    kept = np.arange(drawn)
    if drawn > fakes:
        kept = np.r_[: most_alike(fakes), drawn - fakes + most_alike(fakes) : drawn]
    samples, margins = [], np.empty((reals, fakes), np.float32)
    compare = jax.jit(partial(compare_row, COMPARISONS[head], run.parts.networks))
    for row, real in enumerate(held_out.encode(chosen)):
        keys = row_keys(stream_key(seed, "latents/ranking", row), jnp.arange(drawn))
        latents = run.parts.networks.draw_latents(keys)
        label = jnp.asarray(classes[row]) if run.parts.classes else None
        row_samples, row_margins = parallel.fetch(compare(state, real, latents, label))
        order = np.argsort(row_margins, kind="stable")[kept]
        samples.append(held_out.decode(row_samples[order]))
        margins[row] = row_margins[order]
    fakes_in_order = np.stack(samples)
    if head == "embedding":
        others = nearest_others(run, held_out, rows, seed)
        values = 1 - margins
        return Ranking(
            chosen, fakes_in_order, values, "similarity", 1.0, held_out.kind, others, drawn
        )
    temperature = float(head_temperature(run.parts, state.learnt, head))
    values = margins / temperature
    return Ranking(chosen, fakes_in_order, values, "margin", temperature, held_out.kind)


def most_alike(fakes: int) -> int:
    """How many of a row's fakes are to be those most like its real: two thirds."""
    return fakes - fakes // 3


def nearest_others(
    run: Restored, held_out: Source, rows: Int[np.ndarray, " rows"], seed: int
) -> Others | None:
    """Find the reals nearest to each of some by the embedding's cosine; None where it's alone.

    Args:
        run: networks and state.
        held_out: what the reals are of.
        rows: their numbers.
        seed: of the reals that are searched.
    """
    pool = varied_rows(held_out, min(SEARCHED, len(held_out)), seed)
    if len(pool) < 2:
        return None
    around, among = (embed(run, *map(np.asarray, held_out[these])) for these in (rows, pool))
    cosines = np.where(rows[:, None] == pool, -np.inf, around @ among.T)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST][:, : len(pool) - 1]
    found = np.asarray(held_out[pool[order.ravel()]].x)
    return Others(
        found.reshape(*order.shape, *found.shape[1:]), np.take_along_axis(cosines, order, axis=1)
    )


def compare_row(
    comparison: Comparison,
    networks: Networks,
    state: TrainState,
    real: Float[Array | np.ndarray, "*sample"],
    latents: Latents,
    label: Int[Array, ""] | None = None,
) -> tuple[Samples, Float[Array, " n"]]:
    """The averaged generator's fakes, and the margin of one real over each before temperature.

    The fakes are of the real's class, where the networks see its label.

    Unaugmented, the real's other view is the real itself: they agree wholly, so a margin between
    embeddings is 1 less the cosine.
    """

    def labels(n: int) -> Labels | None:
        return None if label is None else jnp.full(n, label)

    fakes = networks.generate(state.generator_ema, latents, labels(len(latents)))
    real_out, fakes_out = (
        networks.discriminate(
            state.discriminator, state.discriminator_stats, samples, labels(len(samples))
        )
        for samples in (jnp.asarray(real)[None], fakes)
    )
    outputs = PairedOutputs(real_out, fakes_out, agreement=jnp.ones(1))
    batch = BatchOutputs(outputs, outputs, jnp.arange(1), jnp.arange(len(latents)))
    return fakes, comparison.real_rows(batch)[0]


def choose_head(config: Experiment, by: Head | None) -> Head:
    """Choose the head asked for; without a wish the score, where the discriminator has one.

    Raises:
        ConfigError: it does not have the one asked for.
    """
    weights: dict[Head, float] = {
        "score": config.objective.weight,
        "embedding": config.embedding.weight,
    }
    trained = [head for head, weight in weights.items() if weight > 0]
    require(by is None or by in trained, "by", by, f"{trained[0]!r}, the only head of this run")
    return by or trained[0]


def varied_rows(source: Source, n: int, seed: int) -> Int[np.ndarray, " n"]:
    """Draw rows of a source so that every class comes once before any comes twice.

    The first of them do not depend on `n`, up to `POOL`.
    """
    rows = np.random.default_rng(seed).permutation(len(source))[: max(n, POOL)]
    labels = np.asarray(source[rows].label)
    by_class = np.argsort(labels, kind="stable")
    place_in_class = np.empty_like(by_class)
    place_in_class[by_class] = np.arange(len(rows)) - np.searchsorted(
        labels[by_class], labels[by_class]
    )
    return rows[np.argsort(place_in_class, kind="stable")][:n]
