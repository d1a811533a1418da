"""Graded targets, how much and not whether: distances of embeddings regress distances of samples.

For samples `a` and `b` whose distance `d(a, b)` is known beforehand,

    mean over pairs of (s * |f(a) - f(b)|^p - d(a, b))^2,

where `f` is the embedding, of length 1, `s` a learnt positive scale, and `p` is 1 or 2. It is
metric multidimensional scaling (Kruskal 1964) by a network, which places samples that it never saw.
With `p` = 2 a distance is in proportion to `1 - cosine`: square roots of distances along a tree are
distances of points (Schoenberg 1938), which those along it are not.

A contrast says of two samples only whether they are the same one.
"""

import math
from collections.abc import Callable
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from cgan.objectives.comparisons import products
from cgan.objectives.outputs import BatchOutputs
from cgan.types import Embeddings, Params, PerSample, present, single

Distance = Literal["euclidean", "squared"]
Table = Callable[[], Float[np.ndarray, "classes classes"]]
"""What gives the distances of classes; asked for when a step is traced, and not before."""
SCALE = 1.0
"""The scale before step 0."""
LOG_SCALE_AT_MOST = math.log(1e4)


class Graded:
    """The discriminator's regression of distances among the reals; the generator has no part."""

    def __init__(self, table: Table, distance: Distance) -> None:
        self._table, self._distance = table, distance

    def init(self) -> Params:
        """The log of the scale."""
        return {"log_scale": jnp.asarray(math.log(SCALE), jnp.float32)}

    def project(self, learnt: Params) -> Params:
        """The scale within bounds that float32 can square."""
        low_high = (-LOG_SCALE_AT_MOST, LOG_SCALE_AT_MOST)
        return {"log_scale": jnp.clip(learnt["log_scale"], *low_high)}

    def readings(self, learnt: Params) -> dict[str, Float[Array, ""]]:
        """The scale to be logged."""
        return {"scale": jnp.exp(learnt["log_scale"])}

    def discriminator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """The mean squared error of each real's distances to the others."""
        classes = present(batch.classes), present(batch.whole_classes)
        embedded = single(batch.local.real.embedding), single(batch.whole.real.embedding)
        errors = self.errors(learnt, *embedded, *classes)
        return {"regression": mean_over(errors, is_other(batch.rows, len(classes[1])))}

    def generator_terms(self, learnt: Params, batch: BatchOutputs) -> dict[str, PerSample]:
        """No terms: fakes have no distances that are known."""
        return {}

    def errors(
        self,
        learnt: Params,
        local: Embeddings,
        whole: Float[Array, "batch dimensions"],
        classes: Int[Array, " n"],
        whole_classes: Int[Array, " batch"],
    ) -> Float[Array, "n batch"]:
        """Errors of the distances of each local sample to each of the batch."""
        asked = self.targets(classes, whole_classes)
        return jnp.exp(learnt["log_scale"]) * apart(local, whole, self._distance) - asked

    def targets(
        self, classes: Int[Array, " n"], whole_classes: Int[Array, " batch"]
    ) -> Float[Array, "n batch"]:
        """The distances that are known."""
        return jnp.asarray(self._table(), jnp.float32)[classes[:, None], whole_classes]


def apart(
    one: Embeddings, other: Float[Array, "m dimensions"], distance: Distance
) -> Float[Array, "n m"]:
    """Distances between unit vectors, or their squares; of equal ones the gradient is 0."""
    squared = jnp.maximum(2 - 2 * products(one, other), 0)
    if distance == "squared":
        return squared
    some = squared > 0
    return jnp.where(some, jnp.sqrt(jnp.where(some, squared, 1.0)), 0.0)


def is_other(rows: Int[Array, " n"], batch_size: int) -> Bool[Array, "n batch"]:
    """Whether each row of the batch is another one than each local row."""
    return rows[:, None] != jnp.arange(batch_size)


def mean_over(errors: Float[Array, "n batch"], pairs: Bool[Array, "n batch"]) -> PerSample:
    """Mean squares of each row's errors over its pairs."""
    return jnp.sum(jnp.square(errors) * pairs, axis=1) / jnp.maximum(jnp.sum(pairs, axis=1), 1)


__all__ = ["Distance", "Graded", "Table", "apart", "is_other", "mean_over"]
