"""The curves, from rows of margins to losses, against float64 NumPy and optax."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from objective_oracles import CURVE_NAMES, HARD_CURVES, ORACLES, label, softplus

from cgan.objectives.curves import CURVES

every_curve = pytest.mark.parametrize("name", CURVE_NAMES, ids=label)


def some_margins(rows=4, k=5, seed=0):
    return np.random.default_rng(seed).normal(scale=2, size=(rows, k)).astype(np.float32)


def some_weights(rows=4, k=5, seed=1):
    weights = np.random.default_rng(seed).exponential(size=(rows, k))
    return (weights / weights.mean(axis=1, keepdims=True)).astype(np.float32)


JITTED = {name: jax.jit(curve) for name, curve in CURVES.items()}
SLOPES = {
    name: jax.jit(jax.grad(lambda m, w, curve=curve: curve(m, w).sum()))
    for name, curve in CURVES.items()
}


def plain(name, margins):
    return JITTED[name](jnp.asarray(margins), jnp.ones(np.shape(margins)))


@every_curve
@pytest.mark.parametrize("k", [1, 2, 5])
def test_each_row_equals_the_float64_oracle(name, k):
    margins, weights = some_margins(k=k), some_weights(k=k)
    found = JITTED[name](jnp.asarray(margins), jnp.asarray(weights))
    rows = zip(margins.astype(np.float64), weights.astype(np.float64), strict=True)
    np.testing.assert_allclose(found, [ORACLES[name](*row) for row in rows], rtol=2e-6)


@every_curve
def test_gradients_equal_central_differences_of_the_oracle(name):
    margins, weights = some_margins(), some_weights()
    found = SLOPES[name](jnp.asarray(margins), jnp.asarray(weights))
    step = 1e-6
    for row, found_row in enumerate(found):
        m, w = margins[row].astype(np.float64), weights[row].astype(np.float64)
        for axis, slope in zip(np.eye(len(m)), found_row, strict=True):
            difference = ORACLES[name](m + step * axis, w) - ORACLES[name](m - step * axis, w)
            np.testing.assert_allclose(slope, difference / (2 * step), rtol=1e-4, atol=1e-6)


@every_curve
def test_one_negative_is_relativistic_pairing(name):
    margins = some_margins(k=1)
    expected = softplus(-margins[:, 0].astype(np.float64))
    np.testing.assert_allclose(plain(name, margins), expected, rtol=1e-6)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_zero_margins_give_the_known_constants(k):
    constants = {
        ("softmax", "mean"): math.log(2),
        ("softmax", "sum"): math.log(k + 1),
        ("pairwise", "mean"): math.log(2),
        ("average", "mean"): math.log(2),
        ("hardest", "mean"): math.log(2),
        ("listwise", "mean"): math.log(2) + math.log(math.factorial(k)) / k,
        ("listwise", "sum"): math.log(math.factorial(k + 1)),
    }
    assert constants.keys() == CURVES.keys()
    for name, constant in constants.items():
        np.testing.assert_allclose(plain(name, np.zeros((4, k), np.float32)), constant, rtol=1e-6)


@every_curve
@pytest.mark.parametrize("k", [1, 4, 64])
def test_a_margin_common_to_all_negatives_weighs_the_same_in_every_curve_over_the_mean(name, k):
    """One half at zero, whatever K is, so that a penalty's weight means the same beside each."""
    slope = float(SLOPES[name](jnp.zeros((1, k)), jnp.ones((1, k))).sum())
    expected = -0.5 if name[1] == "mean" else -k / (k + 1)
    assert slope == pytest.approx(expected, rel=1e-4)


def test_the_softmax_sum_is_optax_cross_entropy_of_the_real_among_its_negatives():
    margins = some_margins()
    logits = np.concatenate([np.zeros((4, 1), np.float32), -margins], axis=1)
    expected = optax.softmax_cross_entropy_with_integer_labels(
        jnp.asarray(logits), jnp.zeros(4, jnp.int32)
    )
    np.testing.assert_allclose(plain(("softmax", "sum"), margins), expected, rtol=1e-6)


def test_the_list_adds_to_the_softmax_sum_optax_cross_entropies_of_the_later_places():
    margins = some_margins()
    negatives = -np.sort(margins, axis=1)
    later = sum(
        optax.softmax_cross_entropy_with_integer_labels(
            jnp.asarray(negatives[:, place:]), jnp.zeros(4, jnp.int32)
        )
        for place in range(negatives.shape[1])
    )
    found = plain(("listwise", "sum"), margins) - plain(("softmax", "sum"), margins)
    np.testing.assert_allclose(found, later, rtol=1e-5)


@pytest.mark.parametrize("name", [("softmax", "mean"), ("pairwise", "mean")], ids=label)
def test_curves_over_the_mean_do_not_shift_when_the_negatives_are_doubled(name):
    margins = some_margins()
    doubled = np.concatenate([margins, margins], axis=1)
    np.testing.assert_allclose(plain(name, doubled), plain(name, margins), rtol=1e-6)


@every_curve
@given(
    row=hnp.arrays(np.float32, 5, elements=st.floats(-20, 20, width=32)),
    rise=st.floats(0.125, 10, width=32),
)
@settings(max_examples=25, deadline=None)
def test_every_curve_falls_where_all_margins_grow(name, row, rise):
    both = plain(name, np.stack([row, row + np.float32(rise)] * 2))
    assert both[1] <= both[0] + 1e-5
    if name[0] != "listwise" and row.min() > -5 and row.max() < 5:
        assert both[1] < both[0]


@every_curve
def test_a_hopeless_margin_costs_its_size_and_keeps_its_slope(name):
    """No saturation: at -1e4 the loss is linear."""
    margins = jnp.full((4, 5), -1e4)
    np.testing.assert_allclose(plain(name, margins), 1e4, rtol=1e-3)
    slope = SLOPES[name](margins, jnp.ones((4, 5))).sum(axis=1)
    np.testing.assert_allclose(slope, -1, rtol=2e-3)


@pytest.mark.parametrize("name", HARD_CURVES, ids=label)
def test_a_negative_without_weight_is_not_there(name):
    margins = some_margins()
    weights = np.tile(np.float32([2.5, 2.5, 0, 0, 0]), (4, 1))
    found = JITTED[name](jnp.asarray(margins), jnp.asarray(weights))
    expected = plain(name, margins[:, :2])
    if name == ("softmax", "sum"):  # weights have mean 1: two negatives stand for five
        expected = np.log1p(2.5 * np.exp(-margins[:, :2].astype(np.float64)).sum(axis=1))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
