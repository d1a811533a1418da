"""Layers against NumPy, SciPy and loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from cgan.networks import convolution, layers

KEY = jax.random.key(0)


def normal(*shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(3), shape)


def test_conv3x3_convolves_and_adds_its_bias() -> None:
    layer = layers.Conv3x3(features=3)
    x = normal(2, 4, 5, 2)
    bias = np.array([1.0, -2.0, 5.0], np.float32)
    params = {"kernel": jax.random.normal(KEY, (18, 3)), "bias": jnp.asarray(bias)}
    found = np.asarray(jax.jit(layer.apply)({"params": params}, x))
    windows = params["kernel"].reshape(3, 3, 2, 3)
    expected = np.asarray(convolution.backend_convolution(x, windows, 1)) + bias
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("n", "height", "width", "channels", "side"),
    [(2, 2, 3, 3, 2), (1, 3, 1, 2, 2), (2, 1, 2, 3, 4)],
)
def test_depth_to_space_and_back_move_each_value_where_a_loop_moves_it(
    n: int, height: int, width: int, channels: int, side: int
) -> None:
    deep = np.arange(n * height * width * side**2 * channels, dtype=np.float32)
    deep = deep.reshape(n, height, width, side**2 * channels)
    wide = np.empty((n, side * height, side * width, channels), np.float32)
    for image, row, column, channel in np.ndindex(*wide.shape):
        depth = (side * (row % side) + column % side) * channels + channel
        wide[image, row, column, channel] = deep[image, row // side, column // side, depth]
    shuffle, unshuffle = layers.depth_to_space, layers.space_to_depth
    np.testing.assert_array_equal(np.asarray(jax.jit(shuffle, static_argnums=1)(deep, side)), wide)
    np.testing.assert_array_equal(
        np.asarray(jax.jit(unshuffle, static_argnums=1)(wide, side)), deep
    )


def fourier(x: jax.Array, count: int, max_frequency: float) -> jax.Array:
    features: jax.Array = layers.FourierFeatures(count, max_frequency).apply({}, x)
    return features


@pytest.mark.parametrize("max_frequency", [1.0, 2.0, 50.0])
@pytest.mark.parametrize("inputs", [1, 2, 7])
def test_frequencies_are_log_uniform_from_one_to_the_highest(
    inputs: int, max_frequency: float
) -> None:
    count = 400
    zero = jnp.zeros((1, inputs))
    slopes = jax.jit(jax.jacfwd(lambda x: fourier(x, count, max_frequency)[0]))(zero)[:, 0]
    # At zero the sine of a phase has the phase's own slope: direction times frequency.
    waves = np.asarray(slopes[inputs : inputs + count], float)
    frequencies = np.linalg.norm(waves, axis=1)
    assert frequencies.min() >= 1 - 1e-5
    assert frequencies.max() <= max_frequency * (1 + 1e-5)
    if max_frequency > 1:
        shares = np.log(frequencies) / np.log(max_frequency)
        assert stats.kstest(shares, "uniform").pvalue > 1e-3
    if inputs == 2:
        angles = np.arctan2(waves[:, 1], waves[:, 0]) / (2 * np.pi) % 1
        assert stats.kstest(angles, "uniform").pvalue > 1e-3


def test_fourier_features_stand_beside_their_inputs_as_sine_and_cosine_of_one_phase() -> None:
    x = normal(50, 2)
    features = np.asarray(fourier(x, 6, 9.0))
    assert features.shape == (50, 2 + 6 + 6)
    np.testing.assert_array_equal(features[:, :2], np.asarray(x))
    sine, cosine = features[:, 2:8], features[:, 8:]
    np.testing.assert_allclose(sine**2 + cosine**2, 1, atol=1e-5)
    odd, even = np.asarray(fourier(-x, 6, 9.0))[:, 2:8], np.asarray(fourier(-x, 6, 9.0))[:, 8:]
    np.testing.assert_allclose(odd, -sine, atol=1e-5)
    np.testing.assert_allclose(even, cosine, atol=1e-5)


def test_fourier_features_are_the_same_every_time() -> None:
    x = normal(6, 3)
    np.testing.assert_array_equal(np.asarray(fourier(x, 5, 8.0)), np.asarray(fourier(x, 5, 8.0)))


def test_a_vector_on_the_sphere_keeps_its_direction_whatever_its_length() -> None:
    x = normal(6, 5) * jnp.asarray([1e-4, 1e-2, 1, 10, 1e4, 1e8])[:, None]
    found = np.asarray(layers.on_sphere(x), float)
    exact = np.asarray(x, float)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    np.testing.assert_allclose(found, exact, rtol=1e-4)


def test_a_vector_of_zeros_stays_one_and_all_its_derivatives_are_finite() -> None:
    zero = jnp.zeros((1, 3))
    np.testing.assert_array_equal(np.asarray(layers.on_sphere(zero)), 0)

    def squared_slopes(x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.square(jax.jacrev(layers.on_sphere)(x)))

    assert np.isfinite(np.asarray(jax.jacrev(layers.on_sphere)(zero))).all()
    assert np.isfinite(np.asarray(jax.jit(jax.grad(squared_slopes))(zero))).all()
