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
from cgan.data.abilities import known_modes
from cgan.probe.columns import (
    COVERAGE,
    DUPLICATES,
    EFFECTIVE,
    HELD_OUT_GAP,
    MODES,
    SCORE_GAP,
    UNCOVERED,
)
from cgan.probe.measures import Measures, Reference, measure, reference
from cgan.probe.reals import SCORED_AT_MOST, Splits, coordinates_of
from cgan.probe.space import coordinates
from cgan.probe.uncovered import stand_ins, uncovered
from cgan.sampling.embeddings import embedding_temperature
from cgan.sampling.sampler import Asked, Sampler
from cgan.state import TrainState
from cgan.types import DiscriminatorOutput, Embeddings, Labels, Params, Samples, single

STREAM = "latents/probe"


class Players(NamedTuple):
    """Both networks at one point of a run."""

    generator: Params
    discriminator: Params
    stats: Params
    learnt: Params


class Judged(NamedTuple):
    """One value each for fakes, train reals and held-out reals: outputs, scores, or means."""

    fake: Any
    train: Any
    held_out: Any


class Shown(NamedTuple):
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
    scores: Judged | None
    """Mean scores; None without a head for scores."""
    uncovered: Float[Array, ""] | None
    """Share of train reals without a near fake; None without a head for embeddings."""


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
        self._kind = parts.source.kind
        self._first, self._size = own[0], len(reals.train.x)
        self._parts = parts
        self._has_scores = parts.config.objective.weight > 0
        self._has_embeddings = parts.config.embedding.weight > 0
        sampler, seed, n = Sampler(parts), parts.config.seed, self._size
        asked = Asked(np.asarray(sampler.latents(n, seed, STREAM)), sampler.labels(n, seed, STREAM))
        rows = len(parallel.own_rows(parts.config.batch_size, devices))
        at_once = min(rows // parts.config.micro_batches, -(-SCORED_AT_MOST // len(own)) * len(own))
        self._asked, self._at_once = parallel.chunks(asked, at_once), at_once
        held_out_n = len(reals.held_out.x)
        compared = (stand_ins(n, held_out_n), n, held_out_n) if self._has_embeddings else (0, 0, 0)
        there = n, n, held_out_n
        self._counts = Judged(
            *(max(min(SCORED_AT_MOST, most), of) for most, of in zip(there, compared, strict=True))
        )
        self._reals = [
            parallel.chunks(jax.tree.map(lambda leaf, count=count: leaf[:count], split), at_once)
            for split, count in zip(reals, self._counts[1:], strict=True)
        ]
        self._draw, self._encode, self._discriminate = (
            parallel.spread(f, own) for f in (self._drawn, self._encoded, self._said)
        )
        self._measure, self._mean = jax.jit(self._measured), jax.jit(self._means)
        self._uncover = jax.jit(self._uncovered)
        train, held_out = (coordinates_of(parts.source, split) for split in reals)
        known = reference(parts.source, train, held_out)
        pieces = parallel.chunks(train, at_once)
        self._reference, rows = jax.device_put((known, pieces), self._first)
        self._of_reals: Measures = parallel.fetch(self._measure(rows, self._reference))
        self._captured = COVERAGE if known_modes(parts.source) is None else MODES

    def look(self, state: TrainState) -> Look:
        """Start a look at a state on the devices; does not wait for them."""
        state = self._parts.judged(parallel.own_copy(state, self._devices))
        players = Players(
            state.generator_ema, state.discriminator, state.discriminator_stats, state.learnt
        )
        drawn = [self._draw(players.generator, rows) for rows in self._asked]
        fakes = [Shown(d.samples, rows.labels) for d, rows in zip(drawn, self._asked, strict=True)]
        reals = [
            [Shown(self._encode((), rows.x), rows.labels) for rows in split]
            for split in self._reals
        ]
        shown = Judged(fakes[: -(-self._counts.fake // self._at_once)], *reals)
        said = Judged(*([self._discriminate(players, rows) for rows in of] for of in shown))
        rows, said, learnt = jax.device_put(
            ([d.coordinates for d in drawn], said, players.learnt), self._first
        )
        return Look(
            self._measure(rows, self._reference),
            self._mean(said) if self._has_scores else None,
            self._uncover(said, learnt) if self._has_embeddings else None,
        )

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
        if look.uncovered is not None:
            figures[UNCOVERED] = look.uncovered
        return {name: float(value) for name, value in figures.items()}

    def _drawn(self, generator: Params, asked: Asked) -> Drawn:
        latents, labels = arrays(asked)
        samples = self._networks.generate(generator, latents, labels)
        return Drawn(samples, coordinates(samples, self._kind))

    def _encoded(self, _: tuple[()], stored: Array) -> Samples:
        return self._parts.source.encode(stored)

    def _said(self, players: Players, rows: Shown) -> DiscriminatorOutput:
        samples, labels = arrays(rows)
        return self._networks.discriminate(players.discriminator, players.stats, samples, labels)

    def _measured(self, pieces: list[Float[Array, "size d"]], known: Reference) -> Measures:
        return measure(jnp.concatenate(pieces)[: self._size], known)

    def _means(self, said: Judged) -> Judged:
        def mean(pieces: list[DiscriminatorOutput], count: int) -> Float[Array, ""]:
            scores = jnp.concatenate([single(piece.score) for piece in pieces])
            return scores[: min(count, SCORED_AT_MOST)].mean()

        return Judged(*map(mean, said, self._counts))

    def _uncovered(self, said: Judged, learnt: Params) -> Float[Array, ""]:
        def rows(pieces: list[DiscriminatorOutput], count: int) -> Embeddings:
            return jnp.concatenate([single(piece.embedding) for piece in pieces])[:count]

        fakes, train, held_out = map(rows, said, self._counts)
        temperature = embedding_temperature(self._parts, learnt)
        return uncovered(train, fakes, held_out, temperature).share


def arrays(rows: Any) -> Any:
    """A tree of rows with all arrays JAX's."""
    return jax.tree.map(jnp.asarray, rows)
