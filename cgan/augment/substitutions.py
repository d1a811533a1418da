"""Views of proteins: some residues are others, at random.

What a substitution keeps of a protein is its fold and its kin; how far it is from others changes.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgan.types import RandomKey

Sequence = Float[Array, "length letters"]


def seen(key: RandomKey, sequence: Sequence, probability: Float[Array, ""] | float) -> Sequence:
    """Draw one random view of a protein: each residue is drawn anew with this probability.

    Args:
        key: of this protein.
        sequence: one-hot residues, or weights of them; where the last letter, which stands for
            none, weighs most it stays.
        probability: of a residue, from 0 to 1; the new one is drawn evenly from all of them.
    """
    of_places, of_letters = jax.random.split(key)
    length, letters = sequence.shape
    is_residue = sequence.argmax(axis=-1) < letters - 1
    changes = (jax.random.uniform(of_places, (length,)) < probability) & is_residue
    drawn = jax.random.randint(of_letters, (length,), 0, letters - 1)
    return jnp.where(changes[:, None], jax.nn.one_hot(drawn, letters), sequence)
