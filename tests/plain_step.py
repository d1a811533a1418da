"""`examples/minimal.py` as the oracle of `cgan/step.py`, with what a page has no room for.

Classes that are told apart, the embedding's two views, penalties along random directions and
between samples, and adversarial views. Like the page it knows no gather and no micro-batches.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cgan.assemble import Parts
from cgan.augment.adversarial import random_offsets
from cgan.data.pipeline import load_batches
from cgan.objectives import BatchOutputs
from cgan.objectives.penalties import between, random_signs
from cgan.state import TrainState
from examples import minimal


@dataclass(frozen=True, eq=False)
class PlainStep(minimal.PlainStep):
    """The step of any of the variants in `tests/test_step.py`."""

    neighbors: dict[str, jax.Array] = field(default_factory=dict)
    """What views were moved to, by their names."""

    def view(self, name: str, samples: jax.Array) -> jax.Array:
        """The view, or where an attack has moved it."""
        return self.neighbors[name] if name in self.neighbors else super().view(name, samples)

    def discriminator_loss(self, players: tuple[Any, Any], state: TrainState) -> jax.Array:
        """The page's, of adversarial ones where there are any: constants, whatever they cost."""
        config = self.parts.config
        if not config.augment.adversarial_radius:
            return super().discriminator_loss(players, state)
        fixed = jax.lax.stop_gradient(state._replace(discriminator=players[0]))
        found: dict[str, jax.Array] = {}
        if config.objective.weight:
            fakes = self.fakes(state.generator, "discriminator")
            for side, samples, sign in (("real", self.reals, -1), ("fake", fakes, 1)):
                seen = self.view(f"discriminator/{side}", samples)
                signs = sign * jnp.ones(len(seen))
                found[f"discriminator/{side}"] = self.worst(fixed, side, seen, self.up, signs)
        if config.embedding.weight:
            anchors = replace(self, neighbors=found).view("discriminator/real", self.reals)
            anchors = self.discriminate(fixed, anchors).embedding
            seen = self.view("discriminator/other", self.reals)
            other = self.worst(fixed, "other", seen, self.apart, anchors)
            found["discriminator/other"] = other
        return super(PlainStep, replace(self, neighbors=found)).discriminator_loss(players, state)

    def up(self, one: Any, sign: jax.Array) -> jax.Array:
        """A fake's score, or a real's turned."""
        return sign * one.score[0]

    def apart(self, one: Any, anchor: jax.Array) -> jax.Array:
        """How unlike another view's embedding is."""
        return -one.embedding[0] @ anchor

    def worst(
        self, fixed: TrainState, stream: str, x: jax.Array, of: Callable[..., Any], extra: jax.Array
    ) -> jax.Array:
        """Each sample's by itself, in a batch of one."""
        augment, (n, *shape) = self.parts.config.augment, x.shape
        radius, steps = augment.adversarial_radius, augment.adversarial_steps

        def gain(sample: jax.Array, extra: jax.Array, label: jax.Array | None) -> jax.Array:
            weights = fixed.discriminator, fixed.discriminator_stats
            labels = None if label is None else label[None]
            return of(self.parts.networks.discriminate(*weights, sample[None], labels), extra)

        offsets = random_offsets(self.keys(f"adversary/{stream}"), x, radius).reshape(n, -1)
        for step in range(steps):
            at = x + offsets.reshape(n, *shape)
            slopes = jax.vmap(jax.grad(gain))(at, extra, self.labels).reshape(n, -1)
            along = slopes / jnp.linalg.norm(slopes, axis=1, keepdims=True)
            offsets = offsets + 2 * radius * (1 - step / steps) * along
            size = jnp.linalg.norm(offsets, axis=1, keepdims=True)
            offsets = jnp.where(size > radius, offsets * radius / size, offsets)
        return x + offsets.reshape(n, *shape)

    def outputs(self, state: TrainState, fakes: jax.Array, player: str) -> BatchOutputs:
        """The page's, with how alike two views of a real are, which rows one may meet, and when."""
        outputs, config = super().outputs(state, fakes, player), self.parts.config
        if config.conditioning.compare == "same_class":
            labels = np.asarray(self.labels)
            same = [[one == other for other in labels] for one in labels]
            outputs = outputs._replace(mask=jnp.asarray(same))
        outputs = outputs._replace(nimg=jnp.float32(self.number * config.batch_size))
        if config.embedding.weight:
            other = self.discriminate(state, self.view(f"{player}/other", self.reals)).embedding
            agreement = jnp.sum(outputs.local.real.embedding * other, axis=1)
            both = outputs.local._replace(agreement=agreement)
            outputs = outputs._replace(local=both, whole=both)
        return outputs

    def penalties(self, state: TrainState, fakes: jax.Array) -> jax.Array:
        """R1 and R2 by slopes or along random signs, and slopes between reals and fakes."""
        penalty, n = self.parts.config.penalty, len(self.reals)
        real = self.view("discriminator/real", self.reals)
        fake = self.view("discriminator/fake", fakes)
        loss = jnp.zeros(())
        if penalty.estimator == "exact":
            loss = super().penalties(state, fakes)
        else:
            assert penalty.estimator == "hutchinson"
            for side, weight, samples in (("real", penalty.r1, real), ("fake", penalty.r2, fake)):
                signs = random_signs(self.keys(f"penalty/{side}"), samples)
                along = (self.slopes(state, samples) * signs).reshape(n, -1).sum(axis=1)
                loss += weight / 2 * jnp.mean(along**2)
        if penalty.gradient_penalty:
            slopes = self.slopes(state, between(self.keys("penalty/between"), real, fake))
            norms = jnp.linalg.norm(slopes.reshape(n, -1), axis=1)
            loss += penalty.gradient_penalty * jnp.mean((norms - 1) ** 2)
        return loss

    def slopes(self, state: TrainState, samples: jax.Array) -> jax.Array:
        """Each sample's by itself, in a batch of one."""

        def score(sample: jax.Array, label: jax.Array | None) -> jax.Array:
            network, stats = state.discriminator, state.discriminator_stats
            labels = None if label is None else label[None]
            return self.parts.networks.discriminate(network, stats, sample[None], labels).score[0]

        return jax.vmap(jax.grad(score))(samples, self.labels)


def plain_step(parts: Parts, number: int = 0) -> PlainStep:
    """The step with this number, on the batch that the trainer reads for it."""
    config = parts.config
    whole = load_batches(parts.source, config.batch_size, config.seed, number, 1)
    batch = jax.tree.map(lambda leaf: leaf[0], whole)
    labels = jnp.asarray(batch.label) if config.conditioning.labels else None
    return PlainStep(parts, number, jnp.asarray(parts.source.encode(batch.x)), labels)
