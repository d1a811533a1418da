"""Gradient penalties against closed forms, finite differences and full Jacobians."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan.config import Penalty
from cgan.objectives import penalties
from cgan.objectives.penalties import between, exact, finite_differences, hutchinson
from cgan.types import DiscriminatorOutput

DIMENSIONS = 3
RNG = np.random.default_rng(0)
SAMPLES = jnp.asarray(RNG.normal(size=(5, DIMENSIONS)), jnp.float32)
WEIGHTS = jnp.asarray(RNG.normal(size=DIMENSIONS), jnp.float32)
MATRIX = jnp.asarray(RNG.normal(size=(DIMENSIONS, DIMENSIONS)), jnp.float32)
HEADS = ("score", "embedding")
SCORE = HEADS[:1]
SIGNS = list(itertools.product((-1.0, 1.0), repeat=DIMENSIONS))


def keys(count=5, seed=0):
    return jax.random.split(jax.random.key(seed), count)


def linear(samples, factors=1.0, weights=WEIGHTS):
    return DiscriminatorOutput(factors * (samples @ weights), None)


def curved(samples, factors=1.0):
    """Both heads, neither of them linear."""
    embedding = jnp.tanh(samples @ MATRIX)
    score = jnp.sin(samples @ WEIGHTS) + jnp.sum(samples**3, axis=1)
    return DiscriminatorOutput(factors * score, embedding)


def squared_jacobians(discriminate, samples):
    """Each sample's squared Frobenius norms, head by head, from its full Jacobian."""

    def of_one(sample):
        jacobians = jax.jacrev(lambda x: jax.tree.map(lambda head: head[0], discriminate(x[None])))(
            sample
        )
        return jax.tree.map(lambda jacobian: jnp.sum(jacobian**2), jacobians)

    return jax.vmap(of_one)(samples)


def test_a_linear_score_has_the_norm_of_its_weights_everywhere():
    output, squared = exact(linear, SAMPLES, keys(), SCORE)
    np.testing.assert_allclose(output.score, SAMPLES @ WEIGHTS, rtol=1e-6)
    np.testing.assert_allclose(squared.score, np.full(5, np.sum(WEIGHTS**2)), rtol=1e-5)
    assert squared.embedding is None


def test_the_exact_score_equals_central_differences_of_each_sample_beside_an_embedding():
    _, squared = exact(curved, SAMPLES, keys(), HEADS)
    step, weights = 1e-5, np.float64(WEIGHTS)
    for row, found in zip(np.float64(SAMPLES), squared.score, strict=True):
        slopes = []
        for axis in np.eye(DIMENSIONS):
            above, below = row + step * axis, row - step * axis
            values = [np.sin(x @ weights) + np.sum(x**3) for x in (above, below)]
            slopes.append((values[0] - values[1]) / (2 * step))
        np.testing.assert_allclose(found, np.sum(np.square(slopes)), rtol=1e-4)


@pytest.mark.parametrize("estimate", [exact, hutchinson])
def test_images_sum_over_all_their_axes(estimate):
    images = jnp.asarray(RNG.normal(size=(2, 4, 4, 3)), jnp.float32)
    _, squared = estimate(
        lambda x, factors=1.0: DiscriminatorOutput(factors * jnp.sum(x**2, axis=(1, 2, 3)), None),
        images,
        keys(2),
        SCORE,
    )
    if estimate is exact:
        expected = 4 * np.sum(np.square(images), axis=(1, 2, 3))
    else:
        signs = penalties.random_signs(keys(2), images)
        expected = np.sum(2 * images * signs, axis=(1, 2, 3)) ** 2
    np.testing.assert_allclose(squared.score, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["exact", "hutchinson", "finite_differences"])
@pytest.mark.parametrize(
    "heads", [("score",), ("embedding",), ("score", "embedding")], ids="+".join
)
def test_every_estimator_returns_the_outputs_and_one_value_a_head(name, heads):
    missing = {head: None for head in DiscriminatorOutput._fields if head not in heads}

    def discriminate(samples, factors=1.0):
        return curved(samples, factors)._replace(**missing)

    heads = tuple(head for head in HEADS if head not in missing)
    output, squared = penalties.build(Penalty(estimator=name))(discriminate, SAMPLES, keys(), heads)
    for head in DiscriminatorOutput._fields:
        found, value = getattr(output, head), getattr(squared, head)
        if head in missing:
            assert found is value is None
            continue
        np.testing.assert_allclose(found, getattr(curved(SAMPLES), head), rtol=1e-6)
        assert value.shape == (5,)
        assert np.all(value > 0)


@pytest.mark.parametrize(
    ("estimate", "heads"),
    [(exact, ["embedding"]), (hutchinson, ["score", "embedding"])],
    ids=["exact", "hutchinson"],
)
def test_over_all_sign_vectors_the_mean_is_exactly_the_squared_norm(estimate, heads, monkeypatch):
    """Unbiased, with no sampling error: every outcome of the random signs has its turn."""
    found = []
    for signs in SIGNS:
        given = jnp.tile(jnp.asarray(signs), (5, 1))
        monkeypatch.setattr(penalties, "random_signs", lambda _keys, _like, given=given: given)
        found.append(estimate(curved, SAMPLES, keys(), HEADS)[1])
    expected = squared_jacobians(curved, SAMPLES)
    for head in heads:
        values = np.array([getattr(one, head) for one in found])
        assert np.ptp(values, axis=0).min() > 1e-3  # single outcomes differ
        np.testing.assert_allclose(values.mean(axis=0), getattr(expected, head), rtol=1e-5)


@pytest.mark.parametrize(
    ("estimate", "head"),
    [(exact, "embedding"), (hutchinson, "score"), (hutchinson, "embedding")],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_the_mean_over_many_keys_approaches_the_squared_norm(estimate, head):
    count = 4000
    repeated = jnp.tile(SAMPLES[:1], (count, 1))
    squared = jax.jit(lambda: estimate(curved, repeated, keys(count), HEADS)[1])()
    values = np.asarray(getattr(squared, head))
    expected = getattr(squared_jacobians(curved, SAMPLES), head)[0]
    assert abs(values.mean() - expected) < 5 * values.std() / np.sqrt(count)
    assert values.std() > 0.1 * expected  # so it is no exact value that would pass by itself


def test_finite_differences_of_a_linear_score_equal_hutchinson_at_any_step():
    expected = hutchinson(linear, SAMPLES, keys(), SCORE)[1].score
    for step in (1.0, 0.01):
        found = finite_differences(linear, SAMPLES, keys(), SCORE, step)[1].score
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_finite_differences_converge_to_hutchinson_as_the_step_shrinks():
    expected = hutchinson(curved, SAMPLES, keys(), HEADS)[1]

    def error(step):
        found = finite_differences(curved, SAMPLES, keys(), HEADS, step)[1]
        differences = jax.tree.map(lambda a, b: jnp.max(jnp.abs(a - b) / (1 + b)), found, expected)
        return np.array(differences)

    coarse, middle, fine = error(0.1), error(0.01), error(0.001)
    assert np.all(middle < coarse / 4)
    assert np.all(fine < middle)
    assert np.all(fine < 0.02)


def test_the_config_says_which_estimator_and_which_step():
    assert penalties.build(Penalty()) is exact
    assert penalties.build(Penalty(estimator="hutchinson")) is hutchinson
    coarse = Penalty(estimator="finite_differences", finite_difference=0.5)
    found = penalties.build(coarse)(curved, SAMPLES, keys(), HEADS)[1].score
    expected = finite_differences(curved, SAMPLES, keys(), HEADS, 0.5)[1].score
    np.testing.assert_array_equal(found, expected)
    assert (
        np.max(np.abs(found - finite_differences(curved, SAMPLES, keys(), HEADS, 0.1)[1].score))
        > 0.1
    )


@pytest.mark.parametrize("name", ["exact", "hutchinson", "finite_differences"])
def test_the_penalty_can_be_differentiated_by_the_parameters(name):
    """`d |w|^2 = 2 w` and `d (w v)^2 = 2 (w v) v`: through the estimate, not around it."""
    estimate = penalties.build(Penalty(estimator=name))

    def penalty(weights):
        discriminate = partial(linear, weights=weights)
        return estimate(discriminate, SAMPLES, keys(), SCORE)[1].score.mean()

    signs = np.asarray(penalties.random_signs(keys(), SAMPLES))
    expected = {"exact": 2 * WEIGHTS}.get(name, 2 * np.mean((signs @ WEIGHTS)[:, None] * signs, 0))
    np.testing.assert_allclose(jax.grad(penalty)(WEIGHTS), expected, rtol=1e-2, atol=1e-3)


def test_the_exact_embedding_can_be_differentiated_by_the_parameters():
    """Of `h = x W` along `u` it is `|W u|^2`, with the gradient `2 W u u^T`."""

    def penalty(matrix):
        def discriminate(samples):
            return DiscriminatorOutput(None, samples @ matrix)

        return exact(discriminate, SAMPLES, keys(), HEADS[1:])[1].embedding.mean()

    signs = np.asarray(penalties.random_signs(keys(), SAMPLES))
    expected = np.mean([2 * MATRIX @ np.outer(u, u) for u in signs], axis=0)
    np.testing.assert_allclose(jax.grad(penalty)(MATRIX), expected, rtol=1e-4, atol=1e-5)


def test_signs_are_fair_and_each_row_has_its_own_key():
    signs = np.asarray(penalties.random_signs(keys(1000), jnp.zeros((1000, 2, 3))))
    assert set(signs.ravel()) == {-1.0, 1.0}
    assert np.all(np.abs(signs.mean(axis=0)) < 0.15)
    order = np.arange(1000)[::-1]
    again = penalties.random_signs(keys(1000)[order], jnp.zeros((1000, 2, 3)))
    np.testing.assert_array_equal(again, signs[order])


def pull_of_weights(weights):
    return penalties.pull_to_unit_norm(partial(linear, weights=weights), SAMPLES)


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_the_pull_to_unit_norm_equals_its_closed_form(scale):
    """`(|w| - 1)^2` and its gradient `2 (|w| - 1) w / |w|`; nothing where the norm is 1."""
    weights = scale * np.float64(WEIGHTS) / np.linalg.norm(np.float64(WEIGHTS))
    slope = jax.grad(lambda w: pull_of_weights(w).mean())(jnp.asarray(weights, jnp.float32))
    found = pull_of_weights(jnp.asarray(weights, jnp.float32))
    np.testing.assert_allclose(found, np.full(5, (scale - 1) ** 2), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(slope, 2 * (scale - 1) * weights / scale, rtol=1e-4, atol=1e-6)


def test_the_pull_of_a_curved_score_is_taken_at_each_sample():
    norms = np.sqrt(squared_jacobians(curved, SAMPLES).score)
    found = penalties.pull_to_unit_norm(curved, SAMPLES)
    np.testing.assert_allclose(found, (norms - 1) ** 2, rtol=1e-4)


def test_the_pull_at_a_flat_score_is_1_and_has_a_finite_gradient():
    np.testing.assert_array_equal(pull_of_weights(jnp.zeros(DIMENSIONS)), np.ones(5))
    slope = jax.grad(lambda w: pull_of_weights(w).mean())(jnp.zeros(DIMENSIONS))
    np.testing.assert_array_equal(slope, np.zeros(DIMENSIONS))


def test_points_between_lie_on_their_row_segment_by_their_row_key():
    reals, fakes = jnp.zeros((500, 2, 2)), 1 + jnp.arange(2000.0).reshape(500, 2, 2)
    points = between(keys(500), reals, fakes)
    shares = np.asarray(points / fakes).reshape(500, 4)
    np.testing.assert_allclose(shares, shares[:, :1].repeat(4, axis=1), rtol=1e-5)
    assert 0 <= shares.min() < 0.05
    assert 0.95 < shares.max() <= 1
    assert abs(shares.mean() - 0.5) < 0.06
    order = np.arange(500)[::-1]
    again = between(keys(500)[order], reals, fakes[order])
    np.testing.assert_array_equal(again, points[order])
    swapped = between(keys(500), fakes, reals)
    np.testing.assert_allclose(points + swapped, fakes, rtol=1e-5)


@pytest.mark.parametrize("estimate", [exact, hutchinson, partial(finite_differences, step=0.1)])
@pytest.mark.parametrize("heads", [SCORE, HEADS[1:], HEADS, ()], ids=str)
def test_only_the_heads_that_are_asked_for_are_measured(estimate, heads):
    output, squared = estimate(curved, SAMPLES, keys(), heads)
    assert all(head is not None for head in output)
    assert {name for name, value in squared._asdict().items() if value is not None} == set(heads)
