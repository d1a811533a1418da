"""The worst change of a function of samples within balls around them, row by row.

By an attack, which finds a point and so a lower bound; and by the Jacobian at the middle, which is
what the change would be if the function were linear.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.augment.adversarial import climb, lengths, random_offsets, step_length
from cgan.types import PerSample, RowKeys, Samples

Change = Callable[[Samples], PerSample]
"""A function to how far the outputs on samples are from those on the middles of their balls."""
Outputs = Callable[[Samples], Float[Array, "n d"]]
POWER_STEPS = 30
"""Steps of power iteration to the largest singular value of a Jacobian."""


def worst_changes(
    change: Change, keys: RowKeys, samples: Samples, radii: Float[Array, " radii"], steps: int
) -> Float[Array, "radii n"]:
    """The largest change that an attack finds within each radius.

    From one random start in each ball, so many steps of projected gradient ascent, which grow
    shorter; the best point met counts, those within the smaller balls too, so that the figures
    never fall with the radius.

    Args:
        change: what is climbed.
        keys: of the random starts, row by row.
        samples: the middles of the balls.
        radii: ascending.
        steps: of ascent.
    """

    def within(carried: tuple[Array, Array], radius: Array) -> tuple[tuple[Array, Array], Array]:
        number, best = carried
        starts = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, number)

        def ascend(step: Array, carried: tuple[Array, Array]) -> tuple[Array, Array]:
            offsets, best = carried
            length = step_length(step, steps, radius)
            offsets = climb(change, samples, offsets, radius, length)
            return offsets, jnp.maximum(best, change(samples + offsets))

        offsets = random_offsets(starts, samples, radius)
        _, best = jax.lax.fori_loop(0, steps, ascend, (offsets, best))
        return (number + 1, best), best

    start = (jnp.zeros((), jnp.int32), jnp.zeros(len(samples)))
    return jax.lax.scan(within, start, radii)[1]


def jacobian_norms(outputs: Outputs, keys: RowKeys, samples: Samples) -> PerSample:
    """The largest singular value of each row's Jacobian; of a single output its gradient's norm.

    By power iteration on the product of the Jacobian's transpose with it.

    Args:
        outputs: a row of numbers for each sample, which depends on that sample alone.
        keys: of the random directions to start from, row by row.
        samples: where it is taken.
    """
    _, along = jax.linearize(outputs, samples)
    back = jax.linear_transpose(along, samples)

    def refine(_: Array, directions: Samples) -> Samples:
        (found,) = back(along(directions))
        # A power of it: in two steps a Jacobian of 1e-20 would be gone from float32.
        size = jnp.max(jnp.abs(found), axis=range(1, found.ndim), keepdims=True)
        scaled = found / jnp.where(size > 0, size, 1)
        return scaled / jnp.where(size > 0, lengths(scaled), 1)

    starts = random_offsets(keys, samples, 1.0)
    directions = jax.lax.fori_loop(0, POWER_STEPS, refine, starts / lengths(starts))
    return jnp.sqrt(jnp.sum(jnp.square(along(directions)), axis=1))
