"""The discriminator's trunk with a fresh linear classifier on top, trained on a handful of labels.

From the run's weights, and from weights that are drawn afresh: by the same recipe, on the same
samples in the same order.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Shaped

from cgan.networks import TRUNK
from cgan.types import Params, RandomKey, Samples
from eval.few_labels.draws import Labeled
from eval.few_labels.probed import Probed, Weights


class Recipe(NamedTuple):
    """All settings of fine-tuning."""

    steps: int = 100
    batch_size: int = 32
    lr: float = 1e-3
    """Adam's, along half a cosine down to 0."""


RECIPE = Recipe()
EVALUATED_AT_ONCE = 256


class Learner(NamedTuple):
    """What is trained: the trunk, and a linear classifier of its features."""

    trunk: Params
    kernel: Float[Array, "d classes"]
    bias: Float[Array, " classes"]


Accuracy = Callable[[Weights, Int[np.ndarray, " rows"], int], float]
"""Function of the weights to start from, the labelled rows and the seed of their order."""


def fine_tuning(
    probed: Probed, train: Labeled, held_out: Labeled, most_rows: int, recipe: Recipe = RECIPE
) -> Accuracy:
    """Compile fine-tuning once: a function to the held-out accuracy that it leads to.

    Args:
        probed: whose discriminator it is.
        train: the samples among which the labelled ones are.
        held_out: the samples that are classified.
        most_rows: most labelled ones; fewer take no compilation of their own.
        recipe: its settings.
    """
    classes, m = len(probed.splits.train.class_names), len(held_out.samples)
    padding = -m % EVALUATED_AT_ONCE
    padded = np.pad(held_out.samples, [(0, padding), *[(0, 0)] * (held_out.samples.ndim - 1)])
    chunks = jnp.asarray(padded.reshape(-1, EVALUATED_AT_ONCE, *padded.shape[1:]))
    encode = probed.splits.train.encode
    schedule = optax.cosine_decay_schedule(recipe.lr, recipe.steps)
    optimizer = optax.adam(schedule)

    @jax.jit
    def learnt(
        weights: Weights,
        samples: Shaped[Array, "most_rows *sample"],
        labels: Int[Array, " most_rows"],
        n: Int[Array, ""],
        key: RandomKey,
        chunks: Shaped[Array, "chunks at_once *sample"],
    ) -> Int[Array, "chunks at_once"]:
        def features(trunk: Params, inputs: Samples) -> Float[Array, "rows d"]:
            maps = probed.networks.features(trunk, weights.stats, inputs, tap=TRUNK)
            return maps.reshape(len(maps), -1)

        inputs = encode(samples)
        known = (jnp.arange(len(samples)) < n)[:, None]
        start = features(weights.params, inputs)
        mean = jnp.sum(known * start, axis=0) / n
        spread = jnp.sqrt(jnp.sum(known * (start - mean) ** 2) / (n * start.shape[1])) + 1e-6

        def logits(learner: Learner, inputs: Samples) -> Float[Array, "rows classes"]:
            scaled = (features(learner.trunk, inputs) - mean) / spread
            return classified(learner, scaled)

        def step(
            carried: tuple[Learner, optax.OptState], key: RandomKey
        ) -> tuple[tuple[Learner, optax.OptState], None]:
            learner, state = carried
            rows = jax.random.randint(key, (recipe.batch_size,), 0, n)

            def loss(learner: Learner) -> Float[Array, ""]:
                found = logits(learner, inputs[rows])
                return optax.softmax_cross_entropy_with_integer_labels(found, labels[rows]).mean()

            updates, state = optimizer.update(jax.grad(loss)(learner), state)
            return (optax.apply_updates(learner, updates), state), None

        kernel = jnp.zeros((start.shape[1], classes))
        learner = Learner(weights.params, kernel, jnp.zeros(classes))
        keys = jax.random.split(key, recipe.steps)
        (learner, _), _ = jax.lax.scan(step, (learner, optimizer.init(learner)), keys)
        return jax.lax.map(lambda chunk: logits(learner, encode(chunk)).argmax(axis=1), chunks)

    def accuracy(weights: Weights, rows: Int[np.ndarray, " rows"], seed: int) -> float:
        n = len(rows)
        filled = np.concatenate([rows, np.repeat(rows[:1], most_rows - n)])
        found = learnt(
            weights,
            jnp.asarray(train.samples[filled]),
            jnp.asarray(train.labels[filled]),
            jnp.int32(n),
            jax.random.key(seed),
            chunks,
        )
        return float(np.mean(np.asarray(found).ravel()[:m] == held_out.labels))

    return accuracy


def classified(learner: Learner, features: Float[Array, "rows d"]) -> Float[Array, "rows classes"]:
    """Logits of features, by the linear classifier."""
    product = jnp.matmul(features, learner.kernel, precision=jax.lax.Precision.HIGHEST)
    return product + learner.bias


def afresh(probed: Probed, seed: int) -> Weights:
    """Weights of the discriminator as a seed draws them."""
    return Weights(*probed.networks.init_discriminator(jax.random.key(seed)))
