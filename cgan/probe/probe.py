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
from cgan.probe.reals import SCORED_AT_MOST, Splits, coordinates_of
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


class Scored(NamedTuple):
    """What is scored, its scores, or their means."""

    fake: Any
    train: Any
    held_out: Any


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
        asked = Asked(np.asarray(sampler.latents(n, seed, STREAM)), sampler.labels(n, seed, STREAM))
        some = jax.tree.map(lambda leaf: leaf[:SCORED_AT_MOST], Scored(asked, *reals))
        self._counts = n, Scored(*(len(of[0]) for of in some))
        own = parallel.own(devices)
        at_once = len(parallel.own_rows(parts.config.batch_size, devices))
        at_once //= parts.config.micro_batches
        self._asked = chunks(asked, at_once, len(own))
        has_scores = parts.config.objective.weight > 0
        self._scored = chunks(some, at_once, len(own)) if has_scores else []
        self._draw, self._score = (parallel.spread(f, own) for f in (self._drawn, self._scores))
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
        drawn = [self._draw(players.generator, rows) for rows in self._asked]
        scores = [self._score(players, rows) for rows in self._scored]
        seen = jax.device_put((drawn, scores), parallel.own(self._devices)[0])
        return self._conclude(*seen, self._reference)

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

    def _drawn(self, generator: Params, asked: Asked) -> Float[Array, "n d"]:
        """Where the samples lie that these latents come to."""
        return coordinates(self._parts.networks.generate(generator, *arrays(asked)))

    def _scores(self, players: Players, rows: Scored) -> Scored:
        """The scores of samples and of reals."""
        networks, source = self._parts.networks, self._parts.source

        def score(samples: Samples, labels: Labels | None) -> Scores:
            said = networks.judge(players.discriminator, players.stats, samples, labels)
            return single(said.score)

        latents, labels = arrays(rows.fake)
        fake = score(networks.generate(players.generator, latents, labels), labels)
        reals = (arrays(of) for of in (rows.train, rows.held_out))
        return Scored(fake, *(score(source.encode(x), labels) for x, labels in reals))

    def _concluded(
        self, drawn: list[Float[Array, "n d"]], scores: list[Scored], known: Reference
    ) -> Look:
        """All rows together, on one device."""
        samples, counts = self._counts
        measures = measure(jnp.concatenate(drawn)[:samples], known)
        if not scores:
            return Look(measures, None)
        whole = (jnp.concatenate(of) for of in zip(*scores, strict=True))
        means = (of[:count].mean() for of, count in zip(whole, counts, strict=True))
        return Look(measures, Scored(*means))


def arrays(rows: Any) -> Any:
    """The same rows, all of them JAX's."""
    return jax.tree.map(jnp.asarray, rows)


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
