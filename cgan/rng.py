"""Random keys, derived where they are needed from (seed, stream, step, row); never stored.

A key is a pure function of what it is for, so a resumed run draws what the uninterrupted run
would have drawn, and a row of the global batch draws the same on any number of devices.
"""

import zlib

import jax
from jaxtyping import Array, Int, UInt32

from cgan.types import RandomKey, RowKeys

Seed = int | UInt32[Array, ""]
"""A seed from 0 to 2**32 - 1; an array where one compiled program serves many seeds."""


def stream_seed(stream: str) -> int:
    """The number by which a named stream is told from others, on devices and on the host."""
    return zlib.crc32(stream.encode())


def stream_key(seed: Seed, stream: str, step: int | Int[Array, ""] = 0) -> RandomKey:
    """The key of a named random stream at one step.

    Args:
        seed: the experiment's seed.
        stream: what the numbers are for, such as `"latents/discriminator"`.
        step: training step; 0 for what is drawn once.

    Returns:
        A typed JAX key. Different streams of one seed are independent.
    """
    key = jax.random.fold_in(jax.random.key(seed), stream_seed(stream))
    return jax.random.fold_in(key, step)


def row_keys(key: RandomKey, rows: Int[Array, " n"]) -> RowKeys:
    """A key for each row of the global batch, whichever device holds that row."""
    return jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, rows)
