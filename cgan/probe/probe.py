"""A cheap look at a run in training: the same few hundred latents and reals at every point of it.

Nothing waits for a look: it is handed to the devices behind a step, and read when that step is.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgan import parallel
from cgan.assemble import Parts
from cgan.data import Source
from cgan.data.mixtures import Mixture
from cgan.probe.columns import COVERAGE, DUPLICATES, EFFECTIVE, HELD_OUT_GAP, MODES, SCORE_GAP
from cgan.probe.measures import Measures, Reference, measure, reference
from cgan.probe.reals import SCORED_AT_MOST, Reals, Splits, coordinates_of
from cgan.probe.space import coordinates
from cgan.sampling.sampler import Asked, Sampler
from cgan.state import TrainState
from cgan.types import Labels, Params, Samples, Scores, single

STREAM = "latents/probe"


class Players(NamedTuple):
    """Both networks at one point of a run."""

    generator: Params
    discriminator: Params
    stats: Params


class Scored(NamedTuple):
    """One value each for fakes, train reals and held-out reals: samples, scores, or means."""

    fake: Any
    train: Any
    held_out: Any


class Judged(NamedTuple):
    """Samples and labels as the discriminator takes them."""

    samples: Samples | np.ndarray
    labels: Labels | np.ndarray | None


class Drawn(NamedTuple):
    """Samples of some of the latents, and their coordinates."""

    samples: Samples
    coordinates: Float[Array, "n d"]


class Look(NamedTuple):
    """Results of one look of a probe, on the devices."""

    measures: Measures
    scores: Scored | None
    """Mean scores; None without a head for scores."""


class Probe:
    """A probe of one experiment: looks at its players at any point of the run."""

    def __init__(self, parts: Parts, reals: Splits, devices: Sequence[jax.Device]) -> None:
        """Draw the latents, and work out what is known of the reals.

        Args:
            parts: of the experiment.
            reals: to look at; there are as many samples as train reals.
            devices: those that train.
        """
        self._networks, self._devices, own = parts.networks, devices, parallel.own(devices)
        self._first, self._size = own[0], len(reals.train.x)
        self._has_scores = parts.config.objective.weight > 0
        sampler, seed, n = Sampler(parts), parts.config.seed, self._size
        asked = Asked(np.asarray(sampler.latents(n, seed, STREAM)), sampler.labels(n, seed, STREAM))
        rows = len(parallel.own_rows(parts.config.batch_size, devices))
        at_once = min(rows // parts.config.micro_batches, -(-SCORED_AT_MOST // len(own)) * len(own))
        self._asked = chunks(asked, at_once)
        some = [scored(parts.source, split) for split in reals]
        self._reals = [chunks(of, at_once) for of in some]
        self._counts = Scored(min(n, SCORED_AT_MOST), *(len(of.samples) for of in some))
        self._draw, self._discriminate = (
            parallel.spread(f, own) for f in (self._drawn, self._judged)
        )
        self._measure, self._mean = jax.jit(self._measured), jax.jit(self._means)
        train, held_out = (coordinates_of(parts.source, split) for split in reals)
        known = reference(parts.source, train, held_out)
        self._reference, rows = jax.device_put((known, chunks(train, at_once)), self._first)
        self._of_reals: Measures = parallel.fetch(self._measure(rows, self._reference))
        self._captured = MODES if isinstance(parts.source, Mixture) else COVERAGE

    def look(self, state: TrainState) -> Look:
        """Start a look at a state on the devices; does not wait for them."""
        players = Players(state.generator_ema, state.discriminator, state.discriminator_stats)
        players = parallel.own_copy(players, self._devices)
        drawn = [self._draw(players.generator, rows) for rows in self._asked]
        fakes = [Judged(d.samples, rows.labels) for d, rows in zip(drawn, self._asked, strict=True)]
        scores = None
        if self._has_scores:
            judged = Scored(fakes[: len(self._reals[0])], *self._reals)
            scores = Scored(*([self._discriminate(players, rows) for rows in of] for of in judged))
        rows, scores = jax.device_put(([d.coordinates for d in drawn], scores), self._first)
        means = None if scores is None else self._mean(scores)
        return Look(self._measure(rows, self._reference), means)

    def figures(self, look: Look) -> dict[str, float]:
        """Figures of a look, on the host, by name."""
        measures, of_reals, scores = look.measures, self._of_reals, look.scores
        figures = {
            self._captured: measures.captured / of_reals.captured,
            EFFECTIVE: measures.effective / of_reals.effective,
            DUPLICATES: measures.duplicates,
        }
        if scores is not None:
            figures[SCORE_GAP] = scores.train - scores.fake
            figures[HELD_OUT_GAP] = scores.train - scores.held_out
        return {name: float(value) for name, value in figures.items()}

    def _drawn(self, generator: Params, asked: Asked) -> Drawn:
        latents, labels = arrays(asked)
        samples = self._networks.generate(generator, latents, labels)
        return Drawn(samples, coordinates(samples))

    def _judged(self, players: Players, rows: Judged) -> Scores:
        samples, labels = arrays(rows)
        output = self._networks.discriminate(players.discriminator, players.stats, samples, labels)
        return single(output.score)

    def _measured(self, pieces: list[Float[Array, "size d"]], known: Reference) -> Measures:
        return measure(jnp.concatenate(pieces)[: self._size], known)

    def _means(self, scores: Scored) -> Scored:
        counted = zip(scores, self._counts, strict=True)
        return Scored(*(jnp.concatenate(of)[:count].mean() for of, count in counted))


def arrays(rows: Any) -> Any:
    """A tree of rows with all arrays JAX's."""
    return jax.tree.map(jnp.asarray, rows)


def scored(source: Source, reals: Reals) -> Judged:
    """Choose the reals that are scored."""
    x, labels = jax.tree.map(lambda leaf: leaf[:SCORED_AT_MOST], reals)
    return Judged(np.asarray(source.encode(x)), labels)


def chunks(tree: Any, size: int) -> list[Any]:
    """Cut a tree of `[n, ...]` arrays into pieces of one length, the last filled with first rows.

    Args:
        tree: of NumPy arrays.
        size: of a piece; a multiple of the devices that share it.
    """
    n = len(jax.tree.leaves(tree)[0])
    pieces = (np.arange(start, start + size) % n for start in range(0, n, size))
    return [jax.tree.map(lambda leaf, rows=rows: leaf[rows], tree) for rows in pieces]
