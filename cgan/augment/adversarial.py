"""Adversarial views: each sample moved to the worst point of a ball around it, by an attack.

Projected gradient ascent (Madry et al. 2018, "Towards deep learning models resistant to adversarial
attacks", section 2.1) in the Euclidean norm, from a random start: each step goes along the
normalised gradient and back into the ball. What is climbed is a gain of each row by itself, so a
view is a function of its row's key and sample alone, the same on any number of devices and
micro-batches. The way there is a constant to the loss, which is what the maximum's gradient is
(Danskin's theorem). `docs/adversarial.md` has the theory.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.config import Experiment
from cgan.types import (
    DiscriminatorOutput,
    Embeddings,
    Labels,
    PerSample,
    RowKeys,
    Samples,
    single,
)

Gain = Callable[[Samples], PerSample]
"""What is climbed: a number for each sample, which depends on that sample alone."""
Offsets = Float[Array, "n *sample"]
"""Differences of adversarial views to their samples."""
Radius = Float[Array, ""] | float
Fixed = Callable[[Samples, Labels | None], DiscriminatorOutput]
"""A discriminator with its weights as they are: constants to whoever differentiates."""


class Adversary:
    """Attacks of a discriminator's training on the samples that it is about to grade.

    The score meets every real where it is lowest and every fake where it is highest; the embedding
    meets the other view of a real where that is least like it. Both sides of a score alike, since
    a discriminator that is flat has no worst direction: all then stay at their random starts, and
    reals that alone were moved could be told from fakes that are distributed as they are.
    """

    def __init__(self, config: Experiment) -> None:
        """The attacks of a config; of radius 0 there are none."""
        self.radius = config.augment.adversarial_radius
        self.steps = config.augment.adversarial_steps
        self.is_on = self.radius > 0
        self.moves_scored = self.is_on and config.objective.weight > 0
        """Whether the score's samples are moved; without a score they stay where they are."""

    def scored(
        self,
        discriminate: Fixed,
        keys: tuple[RowKeys, RowKeys],
        real: Samples,
        fake: Samples,
        labels: Labels | None,
    ) -> tuple[Samples, Samples]:
        """Views of reals and of fakes that look most like the other kind, by their scores.

        Args:
            discriminate: the discriminator.
            keys: of the rows' reals, and of their fakes.
            real: the reals, as the discriminator sees them.
            fake: the fakes.
            labels: of each row; None where the networks see none.
        """
        n = len(real)
        twice = jax.tree.map(lambda kept: jnp.concatenate([kept, kept]), labels)
        sides = jnp.concatenate([-jnp.ones(n), jnp.ones(n)])

        def gain(samples: Samples) -> PerSample:
            return sides * single(discriminate(samples, twice).score)

        both = worst(
            gain, jnp.concatenate(keys), jnp.concatenate([real, fake]), self.radius, self.steps
        )
        return both[:n], both[n:]

    def positive(
        self,
        discriminate: Fixed,
        keys: RowKeys,
        other: Samples,
        labels: Labels | None,
        embedding: Embeddings,
    ) -> Samples:
        """The reals' other views, moved to where they are least like the reals, by their cosines.

        Args:
            discriminate: the discriminator.
            keys: of the rows.
            other: the other views.
            labels: of each row; None where the networks see none.
            embedding: of the reals, which stays as it is.
        """
        fixed = jax.lax.stop_gradient(single(embedding))

        def gain(samples: Samples) -> PerSample:
            return -jnp.sum(fixed * single(discriminate(samples, labels).embedding), axis=1)

        return worst(gain, keys, other, self.radius, self.steps)


def worst(gain: Gain, keys: RowKeys, samples: Samples, radius: float, steps: int) -> Samples:
    """The point of each sample's ball whose gain is largest, as far as these steps find it.

    It is not clipped to the range of the data: a view that could not go beyond would shield
    the pixels at its ends, where most of an image's are, from the attack.

    Args:
        gain: what is climbed, with constants for weights.
        keys: of the random starts, row by row.
        samples: the middles of the balls.
        radius: of the balls, in the samples' units.
        steps: of ascent; none leaves the random start.

    Returns:
        Points at most `radius` away (Euclidean). Their offsets are constants: a gradient by such a
        point is one by its sample.

    >>> x, towards = jnp.zeros((1, 2)), jnp.array([3.0, 4.0])
    >>> found = worst(lambda x: x @ towards, jax.random.split(jax.random.key(0), 1), x, 0.5, 8)
    >>> print(jnp.round(found, 3))
    [[0.3 0.4]]
    """
    middles = jax.lax.stop_gradient(samples)

    def climbed(step: Array, offsets: Offsets) -> Offsets:
        return climb(gain, middles, offsets, radius, step_length(step, steps, radius))

    offsets = jax.lax.fori_loop(0, steps, climbed, random_offsets(keys, middles, radius))
    return samples + jax.lax.stop_gradient(offsets)


def random_offsets(keys: RowKeys, like: Samples, radius: Radius) -> Offsets:
    """Offsets of uniform density within the ball, each row's from its own key."""
    dimensions = max(like[0].size, 1)

    def draw(key: Array) -> Array:
        of_direction, of_length = jax.random.split(key)
        direction = jax.random.normal(of_direction, like.shape[1:])
        share = jax.random.uniform(of_length) ** (1 / dimensions)
        return share * direction / jnp.linalg.norm(direction.ravel())

    return (radius * jax.vmap(draw)(keys)).astype(like.dtype)


def step_length(step: Array | int, steps: int, radius: Radius) -> Float[Array, ""]:
    """The length of a step: the ball's diameter at first, and evenly less to the last.

    The first crosses the ball from wherever it starts. On a slope that is the same everywhere one
    step from a start across reaches .89 of the ball's worst, two .97, three .99.
    """
    return 2 * radius * (1 - jnp.asarray(step) / steps)


def climb(
    gain: Gain, samples: Samples, offsets: Offsets, radius: Radius, length: Radius
) -> Offsets:
    """One step along each row's normalised gradient, and back into the ball.

    A row whose gradient is zero stays where it is; one whose gradient is not finite shows it.
    """
    slopes = jax.grad(lambda moved: jnp.sum(gain(moved)))(samples + offsets)
    return into_ball(offsets + length * directions(slopes), radius)


def directions(slopes: Offsets) -> Offsets:
    """Each row's unit vector, or zero where it is zero; the smallest floats have one too."""
    largest = jnp.max(jnp.abs(slopes), axis=range(1, slopes.ndim), keepdims=True)
    scaled = slopes / jnp.where(largest == 0, 1, largest)
    return scaled / jnp.where(largest == 0, 1, lengths(scaled))


def into_ball(offsets: Offsets, radius: Radius) -> Offsets:
    """The point of the ball that is nearest to each row."""
    size = lengths(offsets)
    return offsets * jnp.where(size > radius, radius / jnp.where(size > 0, size, 1), 1)


def lengths(rows: Offsets) -> Float[Array, "n ..."]:
    """Euclidean norm of each row, `[n, 1, ...]`."""
    return jnp.sqrt(jnp.sum(jnp.square(rows), axis=range(1, rows.ndim), keepdims=True))
