"""Views of DNA: its other strand, the same strand from a few bases on, a window of it.

The two strands of DNA hold the same: where one has A, C, G or T the other, read backwards, has T,
G, C or A. With bases in this order a partner's index is 3 minus its own, so the other strand of a
one-hot sequence is the sequence with both axes flipped: a linear map, and its own inverse.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.config import require
from cgan.types import RandomKey

Sequence = Float[Array, "length bases"]


def reverse_complement(
    sequence: Float[Array, "*n length bases"],
) -> Float[Array, "*n length bases"]:
    """The other strand of sequences of A, C, G and T, in this order.

    >>> import jax.numpy as jnp
    >>> a, c, g, t = jnp.eye(4)
    >>> print(reverse_complement(jnp.stack([a, a, g])).argmax(axis=-1))  # AAG: CTT
    [1 3 3]
    """
    return sequence[..., ::-1, ::-1]


def seen(
    key: RandomKey,
    sequence: Sequence,
    probability: Float[Array, ""] | float,
    shift: int = 0,
    window: int | None = None,
) -> Float[Array, "_ bases"]:
    """Draw one random view of a sequence: linear in it, and the sequence itself where both are 0.

    Args:
        key: of this sequence.
        sequence: one-hot bases, or weights of them.
        probability: of the other strand, from 0 to 1.
        shift: most places that it is moved either way; at places that it left nothing is known,
            and the weights of all bases are 0 there, as beyond the ends in a convolution.
        window: places of the view, a window from anywhere in the sequence; None for all of it.
    """
    if window is not None:
        sequence = window_of(jax.random.fold_in(key, 0), sequence, window)
    of_strand, of_shift = jax.random.split(key)
    turned = jax.random.uniform(of_strand) < probability
    sequence = jnp.where(turned, reverse_complement(sequence), sequence)
    if not shift:
        return sequence
    start = jax.random.randint(of_shift, (), 0, 2 * shift + 1)
    room = jnp.pad(sequence, [(shift, shift), (0, 0)])
    return jax.lax.dynamic_slice_in_dim(room, start, len(sequence))


def window_of(key: RandomKey, sequence: Sequence, window: int) -> Float[Array, "window bases"]:
    """A stretch of a sequence, from each place in which it has room alike.

    Raises:
        ConfigError: the sequence is shorter.
    """
    expected = f"at most {len(sequence)}, the places of a sample"
    require(window <= len(sequence), "augment.window", window, expected)
    start = jax.random.randint(key, (), 0, len(sequence) - window + 1)
    return jax.lax.dynamic_slice_in_dim(sequence, start, window)
