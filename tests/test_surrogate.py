"""Small regressions with a prior: ridge as the closed form, the choice of its strength."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from cgan.networks.regressor import build_regressor, without_intercept
from cgan.prior import Term, anchor
from cgan.surrogate.choice import Pulled, folds, predictions, pulled
from cgan.surrogate.fit import Recipe, anchors, fits
from tests.products import products_of

D, N = 3, 12
RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(2, N, D))
OUTPUTS = RNG.normal(size=(2, N)) + INPUTS.sum(axis=2)
PRE, PAR = ({"out": {"kernel": RNG.normal(size=(D, 1)), "bias": RNG.normal(size=1)}} for _ in "ab")
LINEAR = build_regressor(D, width=1, depth=0)
LONG = Recipe(steps=3_000, lr=3e-2)


def flat(params: Any) -> np.ndarray:
    """The slopes, then the intercept."""
    return np.append(np.asarray(params["out"]["kernel"], np.float64)[:, 0], params["out"]["bias"])


def ridge(
    inputs: np.ndarray, outputs: np.ndarray, center: np.ndarray, strengths: np.ndarray
) -> np.ndarray:
    """The minimum of `sum (x.w - y)^2 + sum_j strength_j (w_j - center_j)^2`, by its equations."""
    x = np.column_stack([inputs, np.ones(len(inputs))])
    return np.linalg.solve(x.T @ x + np.diag(strengths), x.T @ outputs + strengths * center)


def test_an_anchor_is_the_weighted_mean_of_the_terms_that_have_an_array() -> None:
    like = {"a": np.zeros(2), "b": np.zeros(3), "c": np.zeros(1)}
    pre = {"a": np.array([1.0, 2.0]), "b": np.ones(3), "c": None}
    par = {"a": np.array([5.0, 0.0]), "b": None, "c": None}
    found = anchor(like, [Term(par, 30.0), Term(pre, 10.0)], 20)
    np.testing.assert_allclose(found.center["a"], [4.0, 0.5])
    np.testing.assert_allclose(found.center["b"], np.ones(3))
    np.testing.assert_allclose(found.center["c"], 0.0)
    strengths = {"a": np.float32(2.0), "b": np.float32(0.5), "c": np.float32(0.0)}
    assert jax.tree.map(float, found.strength) == strengths
    idle = anchor(like, [Term(pre, 0.0)], 20)
    assert not any(map(np.any, jax.tree.leaves(idle)))


@pytest.mark.parametrize(("lam", "mu"), [(0.0, 0.0), (0.0, 5.0), (3.0, 2.0), (1e4, 3e4)])
def test_a_linear_model_with_a_prior_is_a_ridge_regression_around_it(lam: float, mu: float) -> None:
    """To 1e-5, from another start; the corners are least squares and the prior's mean."""
    start = jax.tree.map(lambda leaf: jnp.asarray(leaf[None]), LINEAR.init(jax.random.key(0)))
    towards = anchor(PRE, [Term(PAR, lam), Term(PRE, mu)], N)
    one = jax.tree.map(lambda leaf: leaf[None], towards)
    inputs, outputs = (x[:1].astype(np.float32) for x in (INPUTS, OUTPUTS))
    params = fits(LINEAR, LONG)(start, one, inputs, outputs, np.ones((1, N), bool))
    found = flat(jax.tree.map(lambda leaf: leaf[0, 0], params))
    center = (lam * flat(PAR) + mu * flat(PRE)) / ((lam + mu) or 1.0)
    expected = ridge(INPUTS[0], OUTPUTS[0], center, np.full(D + 1, lam + mu))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    if not lam + mu:
        x = np.column_stack([INPUTS[0], np.ones(N)])
        np.testing.assert_allclose(found, np.linalg.lstsq(x, OUTPUTS[0])[0], atol=1e-5)
    if lam + mu > 1e4:
        np.testing.assert_allclose(found, 0.25 * flat(PAR) + 0.75 * flat(PRE), atol=3e-3)


@pytest.fixture(scope="module")
def made() -> Pulled:
    starts = jax.vmap(LINEAR.init)(jax.random.split(jax.random.key(1), 2))
    center = without_intercept(PRE)
    return pulled(LINEAR, fits(LINEAR, LONG), starts, center, STRENGTHS, INPUTS, OUTPUTS)


STRENGTHS = (0.0, 1.0, 30.0)


def test_each_draw_is_fitted_at_each_strength_and_its_intercept_is_free(made: Pulled) -> None:
    for draw in range(2):
        for number, mu in enumerate(STRENGTHS):
            params = jax.tree.map(lambda leaf: leaf[draw, number], made.params)  # noqa: B023
            pulls = np.array([mu] * D + [0.0])
            expected = ridge(INPUTS[draw], OUTPUTS[draw], flat(PRE), pulls)
            np.testing.assert_allclose(flat(params), expected, atol=1e-5)
    test = RNG.normal(size=(2, 4, D))
    found = predictions(LINEAR, made.params, test)
    assert found.shape == (2, len(STRENGTHS), 4)
    weights = flat(jax.tree.map(lambda leaf: leaf[1, 2], made.params))
    np.testing.assert_allclose(found[1, 2], test[1] @ weights[:D] + weights[D], rtol=1e-4)


def test_points_are_judged_by_fits_that_did_not_know_them(made: Pulled) -> None:
    """The prior of a fold weighs `mu` of its own points."""
    left_out = folds(N)
    assert left_out.shape == (5, N)
    np.testing.assert_array_equal(left_out.sum(axis=0), np.ones(N))
    np.testing.assert_array_equal(folds(3), np.eye(3, dtype=bool))
    x = np.column_stack([INPUTS[0], np.ones(N)])
    for number, mu in enumerate(STRENGTHS):
        expected = np.empty(N)
        for out in left_out:
            pulls = np.array([mu] * D + [0.0])
            weights = ridge(INPUTS[0][~out], OUTPUTS[0][~out], flat(PRE), pulls)
            expected[out] = (x[out] @ weights - OUTPUTS[0][out]) ** 2
        np.testing.assert_allclose(made.point_errors[0, number], expected, rtol=1e-3, atol=1e-5)


def test_the_strongest_pull_within_one_standard_error_is_chosen() -> None:
    errors = np.array(
        [
            [[4.0, 4.0], [1.0, 3.0], [2.9, 2.9], [3.1, 3.1]],  # least 2, standard error 1
            [[1.0, 1.0], [2.0, 2.0], [1.0, 1.2], [9.0, 9.0]],  # no error: the least itself
            [[3.0, 9.0], [8.0, 8.0], [8.9, 8.9], [6.0, 6.0]],
        ]
    )
    assert Pulled({}, errors).chosen.tolist() == [2, 0, 3]


def test_a_network_takes_the_steps_of_adam_on_the_whole_loss() -> None:
    """Written plainly, one fit by one; the points that a fit does not know have no part."""
    model, recipe = build_regressor(D, width=4, depth=2), Recipe(steps=20)
    starts = jax.vmap(model.init)(jax.random.split(jax.random.key(2), 2))
    center = jax.tree.map(lambda leaf: leaf[0] + 0.3, starts)
    known = np.stack([np.arange(N) < 7, np.ones(N, bool)])
    mus = (2.0, 40.0)
    form = jax.tree.map(lambda leaf: leaf[0], starts)
    towards = anchors(form, center, mus, known.sum(axis=1).tolist())
    inputs, outputs = INPUTS.astype(np.float32), OUTPUTS.astype(np.float32)
    found = fits(model, recipe)(starts, towards, inputs, outputs, known)
    adam = optax.adam(optax.cosine_decay_schedule(recipe.lr, recipe.steps), b2=0.99)
    for number, (mu, mask) in enumerate(zip(mus, known, strict=True)):
        x, y, n = jnp.asarray(inputs[1][mask]), outputs[1][mask], int(mask.sum())

        def loss(params: Any, x: Any = x, y: Any = y, n: int = n, mu: float = mu) -> Any:
            gaps = jax.tree.map(lambda w, v: jnp.sum((w - v) ** 2), params, center)
            fit = jnp.mean((model.predict(params, x) - y) ** 2) / 2
            return fit + mu / (2 * n) * sum(jax.tree.leaves(gaps))

        params = jax.tree.map(lambda leaf: leaf[1], starts)
        state = adam.init(params)
        slope = jax.jit(jax.grad(loss))
        for _ in range(recipe.steps):
            updates, state = adam.update(slope(params), state)
            params = optax.apply_updates(params, updates)
        jax.tree.map(
            lambda a, b, number=number: np.testing.assert_allclose(
                a[1, number], b, rtol=2e-3, atol=2e-4
            ),
            found,
            params,
        )


def test_every_product_of_a_fit_is_in_full_precision() -> None:
    model = build_regressor(D, width=4, depth=2)
    form = jax.eval_shape(model.init, jax.random.key(0))
    starts = jax.tree.map(lambda leaf: jnp.zeros((2, *leaf.shape)), form)
    like = jax.tree.map(lambda leaf: np.zeros(leaf.shape), form)
    towards = anchors(like, like, (1.0,), (N,))
    known = np.ones((1, N), bool)
    with jax.default_matmul_precision("bfloat16"):
        arrays = (INPUTS.astype(np.float32), OUTPUTS.astype(np.float32), known)
        found = products_of(fits(model, Recipe(steps=2)), starts, towards, *arrays)
    assert len(found) >= 6
    assert not [product for product in found if product.is_rounded]
