"""Sines and cosines by series against NumPy's in double precision, and their derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan.networks.sinusoids import by_series, sines_and_cosines

QUARTERS = np.arange(-400, 401)[:, None] * (np.pi / 2) + np.linspace(-0.9, 0.9, 181)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 10.0, 79.0])
def test_they_are_right_to_the_rounding_of_float32_up_to_50_000(scale: float) -> None:
    angles = (QUARTERS * scale).astype(np.float32)
    sines, cosines = jax.jit(by_series)(angles)
    exact = angles.astype(np.float64)
    assert scale < 79 or np.abs(exact).max() > 49_000
    np.testing.assert_allclose(sines, np.sin(exact), atol=2e-7)
    np.testing.assert_allclose(cosines, np.cos(exact), atol=2e-7)


def test_sines_of_small_angles_keep_their_digits() -> None:
    angles = jnp.array([1e-30, -1e-8, 1e-4, -0.3])
    sines, cosines = by_series(angles)
    np.testing.assert_allclose(sines, np.sin(np.float64(angles)), rtol=2e-7)
    np.testing.assert_array_equal(cosines[:2], [1.0, 1.0])


def test_derivatives_of_any_order_are_each_other() -> None:
    def sine(x: jax.Array) -> jax.Array:
        return by_series(x)[0]

    def cosine(x: jax.Array) -> jax.Array:
        return by_series(x)[1]

    for x in jnp.linspace(-7.0, 7.0, 29):
        assert jax.grad(sine)(x) == pytest.approx(np.cos(x), abs=2e-7)
        assert jax.grad(cosine)(x) == pytest.approx(-np.sin(x), abs=2e-7)
        assert jax.grad(jax.grad(sine))(x) == pytest.approx(-np.sin(x), abs=2e-7)
        assert jax.jacfwd(jax.grad(jax.grad(cosine)))(x) == pytest.approx(np.sin(x), abs=2e-7)


@pytest.mark.parametrize("exponent", range(5, 38))
def test_however_large_the_angle_they_stay_within_1(exponent: int) -> None:
    angles = jnp.linspace(-1.0, 1.0, 1001) * 10.0**exponent
    for found in jax.jit(by_series)(angles):
        assert np.abs(found).max() <= 1 + 1e-6


def test_what_is_no_number_stays_none() -> None:
    for found in by_series(jnp.array([jnp.nan, jnp.inf])):
        assert np.isnan(found).all()


def test_other_precisions_are_the_backends_own() -> None:
    x = jnp.linspace(-3, 3, 7, dtype=jnp.bfloat16)
    sines, cosines = sines_and_cosines(x)
    assert sines.dtype == cosines.dtype == jnp.bfloat16
    np.testing.assert_array_equal(sines, jnp.sin(x))
    np.testing.assert_array_equal(cosines, jnp.cos(x))
