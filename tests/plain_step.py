"""One training step written plainly: the whole batch at once, in the order in which it is told.

The oracle of `cgan/step.py`. It knows no gather, no micro-batches and no state but what each of its
functions is given; whose parameters those are is said where they are called.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from cgan.assemble import Parts
from cgan.augment import build as build_views
from cgan.data.pipeline import load_batches
from cgan.objectives import BatchOutputs, PairedOutputs, draw_offsets
from cgan.objectives.penalties import between, random_signs
from cgan.rng import row_keys, stream_key

Tree = Any


class Discriminating(NamedTuple):
    """What an output depends on beside its sample."""

    params: Tree
    stats: Tree
    learnt: Tree


class PlainStep:
    """The losses of the step with this number."""

    def __init__(self, parts: Parts, number: int = 0) -> None:
        self.parts, self.number = parts, number
        config = self.config = parts.config
        self.networks, self.game = parts.networks, parts.game
        self.rows = jnp.arange(config.batch_size)
        whole = load_batches(parts.source, config.batch_size, config.seed, number, 1)
        batch = jax.tree.map(lambda leaf: leaf[0], whole)
        self.reals = jnp.asarray(parts.source.encode(batch.x))
        self.labels = jnp.asarray(batch.label) if config.conditioning.labels else None
        self.mask = None
        if config.conditioning.compare == "same_class":
            same = [[one == other for other in batch.label] for one in batch.label]
            self.mask = jnp.asarray(same)

    def key(self, stream: str) -> jax.Array:
        """Of a stream at this step."""
        return stream_key(self.config.seed, stream, self.number)

    def fakes(self, generator: Tree, player: str) -> jax.Array:
        """Those that a player's turn is played with."""
        latents = self.networks.draw_latents(row_keys(self.key(f"latents/{player}"), self.rows))
        return self.networks.generate(generator, latents, self.labels)

    def view(self, name: str, samples: jax.Array) -> jax.Array:
        """The samples as they are judged."""
        keys = row_keys(self.key(f"views/{name}"), self.rows)
        augment = self.config.augment
        return build_views(augment, self.parts.source.kind)(keys, samples, augment.probability)

    def terms_of(
        self, grade: Any, by: Discriminating, player: str, fakes: jax.Array
    ) -> dict[str, jax.Array]:
        """What a player's game makes of outputs on this batch."""

        def discriminate(side: str, samples: jax.Array) -> Any:
            seen = self.view(f"{player}/{side}", samples)
            return self.networks.discriminate(by.params, by.stats, seen, self.labels)

        real, other = discriminate("real", self.reals), discriminate("other", self.reals)
        agreement = None
        if self.config.embedding.weight:
            agreement = jnp.sum(real.embedding * other.embedding, axis=1)
        outputs = PairedOutputs(real, discriminate("fake", fakes), agreement)
        n = self.config.batch_size
        offsets = draw_offsets(self.key("offsets"), n, self.config.objective.fakes_per_real or n)
        batch = BatchOutputs(outputs, outputs, self.rows, offsets, self.mask)
        return grade(by.learnt, batch)

    def discriminator_loss(self, by: Discriminating, generator: Tree) -> jax.Array:
        """The mean loss on this generator's fakes, with the penalties."""
        fakes = self.fakes(generator, "discriminator")
        terms = self.terms_of(self.game.discriminator_terms, by, "discriminator", fakes)
        return sum_of_means(terms) + self.penalties(by, fakes)

    def generator_loss(self, generator: Tree, by: Discriminating) -> jax.Array:
        """The mean loss of a generator, graded by this discriminator."""
        fakes = self.fakes(generator, "generator")
        return sum_of_means(self.terms_of(self.game.generator_terms, by, "generator", fakes))

    def penalties(self, by: Discriminating, fakes: jax.Array) -> jax.Array:
        """Squared slopes of the score, each sample's by itself, or along its own random signs."""
        penalty, n = self.config.penalty, self.config.batch_size

        def score(sample: jax.Array, label: jax.Array | None) -> jax.Array:
            label = None if label is None else label[None]
            return self.networks.discriminate(by.params, by.stats, sample[None], label).score[0]

        slope = jax.vmap(jax.grad(score))
        real = self.view("discriminator/real", self.reals)
        fake = self.view("discriminator/fake", fakes)
        loss = jnp.zeros(())
        for side, weight, samples in (("real", penalty.r1, real), ("fake", penalty.r2, fake)):
            if not weight:
                continue
            slopes = slope(samples, self.labels)
            if penalty.estimator == "hutchinson":
                signs = random_signs(row_keys(self.key(f"penalty/{side}"), self.rows), samples)
                slopes = (slopes * signs).reshape(n, -1).sum(axis=1)
            loss += weight / 2 * jnp.sum(slopes**2) / n
        if penalty.gradient_penalty:
            keys = row_keys(self.key("penalty/between"), self.rows)
            slopes = slope(between(keys, real, fake), self.labels)
            norms = jnp.linalg.norm(slopes.reshape(n, -1), axis=1)
            loss += penalty.gradient_penalty * jnp.mean((norms - 1) ** 2)
        return loss


def sum_of_means(terms: dict[str, jax.Array]) -> jax.Array:
    """Over the batch, of all terms."""
    return sum((jnp.mean(term) for term in terms.values()), start=jnp.zeros(()))
