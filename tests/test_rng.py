"""Random keys: a pure function of seed, stream, step and row."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan.rng import row_keys, stream_key

SEEDS = (0, 1, 2**31, 2**32 - 1)
STREAMS = ("latents/discriminator", "latents/generator", "init/generator", "init/discriminator")


def data(key: jax.Array) -> np.ndarray:
    return np.asarray(jax.random.key_data(key))


def test_the_derivation_of_keys_has_not_changed() -> None:
    """A resumed run depends on it. The values are what these two calls gave when it was fixed;

    to look at them: `print(jax.random.key_data(stream_key(0, "latents/discriminator", 3)))`.
    """
    key = stream_key(0, "latents/discriminator", 3)
    np.testing.assert_array_equal(data(key), [4094031295, 943745113])
    np.testing.assert_array_equal(
        data(row_keys(key, jnp.arange(3))),
        [[3675309151, 2128768661], [3892065106, 1160206732], [3576599591, 2261896901]],
    )


def test_no_two_seeds_streams_steps_or_rows_share_a_key() -> None:
    keys = [
        data(row_keys(stream_key(seed, stream, step), jnp.arange(4)))
        for seed in SEEDS
        for stream in STREAMS
        for step in (0, 1, 2)
    ]
    flat = np.concatenate(keys)
    assert len(np.unique(flat, axis=0)) == len(flat) == len(SEEDS) * len(STREAMS) * 3 * 4


def test_streams_steps_and_seeds_are_uncorrelated() -> None:
    n = 20_000
    draws = [
        jax.random.normal(stream_key(seed, stream, step), (n,))
        for seed, stream, step in [(0, "a", 0), (0, "b", 0), (0, "a", 1), (1, "a", 0), (1, "b", 1)]
    ]
    correlation = np.corrcoef(np.stack(draws))
    off_diagonal = correlation[~np.eye(len(draws), dtype=bool)]
    assert np.abs(off_diagonal).max() < 4.5 / np.sqrt(n)


def test_the_same_arguments_give_the_same_key() -> None:
    np.testing.assert_array_equal(data(stream_key(5, "x", 7)), data(stream_key(5, "x", 7)))


def test_a_traced_step_gives_the_key_of_the_plain_number() -> None:
    traced = jax.jit(lambda step: jax.random.key_data(stream_key(3, "x", step)))
    np.testing.assert_array_equal(np.asarray(traced(jnp.int32(11))), data(stream_key(3, "x", 11)))


@pytest.mark.parametrize("parts", [1, 2, 4, 8])
def test_a_row_has_the_same_key_however_the_rows_are_split(parts: int) -> None:
    key = stream_key(0, "latents", 2)
    whole = data(row_keys(key, jnp.arange(8)))
    split = [data(row_keys(key, rows)) for rows in jnp.split(jnp.arange(8), parts)]
    np.testing.assert_array_equal(np.concatenate(split), whole)


def test_a_row_key_is_that_of_its_number_not_of_its_place() -> None:
    key = stream_key(0, "latents", 2)
    whole = data(row_keys(key, jnp.arange(8)))
    np.testing.assert_array_equal(data(row_keys(key, jnp.array([6, 1]))), whole[[6, 1]])
