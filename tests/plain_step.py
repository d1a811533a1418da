"""`examples/minimal.py` as the oracle of `cgan/step.py`, with what a page has no room for.

Classes that are told apart, the embedding's two views, and penalties along random directions and
between samples. Like the page it knows no gather and no micro-batches.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from cgan.assemble import Parts
from cgan.data.pipeline import load_batches
from cgan.objectives import BatchOutputs
from cgan.objectives.penalties import between, random_signs
from cgan.state import TrainState
from examples import minimal


@dataclass(frozen=True, eq=False)
class PlainStep(minimal.PlainStep):
    """The step of any of the variants in `tests/test_step.py`."""

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
