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
from cgan.data.mixtures import Mixture
from cgan.probe.columns import COVERAGE, DUPLICATES, EFFECTIVE, HELD_OUT_GAP, MODES, SCORE_GAP
from cgan.probe.measures import Measures, Reference, measure, reference
from cgan.probe.reals import Reals, Splits, coordinates_of
from cgan.probe.space import coordinates
from cgan.sampling import Asked, Sampler
from cgan.state import TrainState
from cgan.types import Labels, Params, Samples, Scores, single

STREAM = "latents/probe"


class Players(NamedTuple):
    """Both networks at one point of a run."""

    generator: Params
    discriminator: Params
    stats: Params


class Rows(NamedTuple):
    """What a probe looks at, or some of it."""

    asked: Asked
    train: Reals
    held_out: Reals


class Scored(NamedTuple):
    """Scores of these rows, or their means."""

    fake: Any
    train: Any
    held_out: Any


class Seen(NamedTuple):
    """What the rows come to."""

    coordinates: Float[Array, "n d"]
    """Of the samples."""
    scores: Scored | None
    """None without a head for scores."""


class Look(NamedTuple):
    """What a probe found."""

    measures: Measures
    scores: Scored | None
    """Means; None without a head for scores."""


class Probe:
    """Looks at the players of one experiment."""

    def __init__(self, parts: Parts, reals: Splits, devices: Sequence[jax.Device]) -> None:
        """Draw the latents, and work out what is known of the reals.

        Args:
            parts: of the experiment.
            reals: to look at; there are as many samples as train reals.
            devices: those that train.
        """
        self._parts, self._devices = parts, devices
        sampler, seed, n = Sampler(parts), parts.config.seed, len(reals.train.x)
        self._counts = Scored(n, n, len(reals.held_out.x))
        asked = Asked(np.asarray(sampler.latents(n, seed, STREAM)), sampler.labels(n, seed, STREAM))
        own = parallel.own(devices)
        at_once = len(parallel.own_rows(parts.config.batch_size, devices))
        at_once //= parts.config.micro_batches
        self._chunks = chunks(Rows(asked, *reals), at_once, len(own))
        self._see = parallel.spread(self._seen, own)
        self._conclude = jax.jit(self._concluded)
        train, held_out = (coordinates_of(parts.source, split) for split in reals)
        known = reference(parts.source, train, held_out)
        self._reference, train = jax.device_put((known, train), own[0])
        self._of_reals: Measures = parallel.fetch(jax.jit(measure)(train, self._reference))
        self._captured = MODES if isinstance(parts.source, Mixture) else COVERAGE

    def look(self, state: TrainState) -> Look:
        """Have the devices look at a state; does not wait for them."""
        players = Players(state.generator_ema, state.discriminator, state.discriminator_stats)
        players = parallel.own_copy(players, self._devices)
        seen = [self._see(players, rows) for rows in self._chunks]
        return self._conclude(jax.device_put(seen, parallel.own(self._devices)[0]), self._reference)

    def figures(self, look: Look) -> dict[str, float]:
        """What was found, on the host, as named numbers."""
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

    def _seen(self, players: Players, rows: Rows) -> Seen:
        """What each row of the fixed latents and reals comes to, on any number of devices."""
        networks, encode = self._parts.networks, self._parts.source.encode
        latents, labels = jax.tree.map(jnp.asarray, rows.asked)
        fakes = networks.generate(players.generator, latents, labels)
        if not self._parts.config.objective.weight:
            return Seen(coordinates(fakes), None)

        def score(samples: Samples, labels: Labels | None) -> Scores:
            said = networks.judge(players.discriminator, players.stats, samples, labels)
            return single(said.score)

        train, held_out = (
            score(encode(x), labels) for x, labels in jax.tree.map(jnp.asarray, rows[1:])
        )
        return Seen(coordinates(fakes), Scored(score(fakes, labels), train, held_out))

    def _concluded(self, seen: list[Seen], known: Reference) -> Look:
        """All rows together, on one device."""
        whole: Seen = jax.tree.map(lambda *parts: jnp.concatenate(parts), *seen)
        scores = whole.scores
        if scores is not None:
            scores = Scored(*(of[:n].mean() for of, n in zip(scores, self._counts, strict=True)))
        return Look(measure(whole.coordinates[: self._counts.fake], known), scores)


def chunks(tree: Any, rows_at_once: int, devices: int) -> list[Any]:
    """A tree of arrays in pieces of one length, each of which the devices share evenly.

    Arrays that are shorter, and the last piece, are filled with rows from their start.

    Args:
        tree: of `[n, ...]` arrays, each with its own n.
        rows_at_once: as many as fit into the devices' memory; a multiple of `devices`.
        devices: how many share a piece.
    """
    longest = max(len(leaf) for leaf in jax.tree.leaves(tree))
    size = min(rows_at_once, -(-longest // devices) * devices)
    return [
        jax.tree.map(
            lambda leaf, start=start: leaf[np.arange(start, start + size) % len(leaf)], tree
        )
        for start in range(0, longest, size)
    ]
