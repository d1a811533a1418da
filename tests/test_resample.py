"""Halving and doubling of maps against SciPy."""

import jax
import numpy as np
import pytest
from scipy import signal

from cgan.networks import resample
from cgan.networks.resample import LINEAR, NEAREST, SMOOTH, Taps


def along(x: np.ndarray, axis: int, taps: np.ndarray, up: int, first: int, step: int) -> np.ndarray:
    """SciPy's zeros between the samples, filter and choice of samples along one axis."""
    side = x.shape[axis] * up
    whole = signal.upfirdn(taps, x, up=up, axis=axis)
    missing = max(0, first + side - whole.shape[axis])
    edges = [(0, missing if at == axis else 0) for at in range(x.ndim)]
    return np.take(np.pad(whole, edges), np.arange(first, first + side, step), axis=axis)


@pytest.mark.parametrize("taps", [NEAREST, LINEAR, SMOOTH])
def test_halving_and_doubling_are_scipys_and_transposes_of_each_other(taps: Taps) -> None:
    rng = np.random.default_rng(len(taps))
    x = rng.normal(size=(2, 6, 8, 3)).astype(np.float32)
    small = rng.normal(size=(2, 3, 4, 3)).astype(np.float32)
    weights, before = np.array(taps) / sum(taps), (len(taps) - 1) // 2
    expected = x.astype(float)
    for axis in (1, 2):
        expected = along(expected, axis, weights, 1, len(taps) - 1 - before, 2)
    halved = np.asarray(jax.jit(resample.halved, static_argnums=1)(x, taps))
    np.testing.assert_allclose(halved, expected, rtol=1e-5, atol=1e-6)
    expected = small.astype(float)
    for axis in (1, 2):
        expected = along(expected, axis, 2 * weights, 2, before, 1)
    doubled = np.asarray(jax.jit(resample.doubled, static_argnums=1)(small, taps))
    np.testing.assert_allclose(doubled, expected, rtol=1e-5, atol=1e-6)
    assert np.vdot(doubled, x) == pytest.approx(4 * np.vdot(small, halved), rel=1e-4)


@pytest.mark.parametrize("taps", [NEAREST, LINEAR, SMOOTH])
def test_a_constant_stays_one_away_from_the_edges(taps: Taps) -> None:
    flat = np.full((1, 6, 6, 1), 3.0, np.float32)
    for resampled in (resample.halved, resample.doubled):
        inside = np.asarray(jax.jit(resampled, static_argnums=1)(flat, taps))[:, 1:-1, 1:-1]
        np.testing.assert_allclose(inside, 3, rtol=1e-6)


def test_nearest_is_the_mean_of_four_and_their_copies() -> None:
    x = jax.random.normal(jax.random.key(0), (1, 4, 4, 2))
    means = x.reshape(1, 2, 2, 2, 2, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(np.asarray(resample.halved(x, NEAREST)), means, rtol=1e-5)
    copies = x.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(np.asarray(resample.doubled(x, NEAREST)), copies)


def test_widths_double_from_the_finest_maps_down_to_the_most() -> None:
    assert resample.sides(32) == [32, 16, 8, 4]
    assert resample.sides(4) == [4]
    published = {256: 96, 128: 192, 64: 384, 32: 768, 16: 768, 8: 768, 4: 768}
    assert resample.widths(256, 96, 768) == published
