"""Gradient penalties against closed forms and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np

from cgan.objectives.penalties import scores_and_squared_gradients

RNG = np.random.default_rng(0)
SAMPLES = RNG.normal(size=(5, 3)).astype(np.float32)
WEIGHTS = RNG.normal(size=(3,)).astype(np.float32)


def test_a_linear_score_has_the_norm_of_its_weights_everywhere():
    scores, squared = scores_and_squared_gradients(lambda x: x @ WEIGHTS, jnp.asarray(SAMPLES))
    np.testing.assert_allclose(scores, SAMPLES @ WEIGHTS, rtol=1e-5)
    np.testing.assert_allclose(squared, np.full(5, np.sum(WEIGHTS**2)), rtol=1e-5)


def test_a_curved_score_equals_central_differences_of_each_sample():
    def score(x):
        return jnp.sin(x @ WEIGHTS) + jnp.sum(x**3, axis=1)

    _, squared = scores_and_squared_gradients(score, jnp.asarray(SAMPLES))
    step = 1e-5
    for row, found in zip(SAMPLES.astype(np.float64), squared, strict=True):
        slopes = []
        for axis in np.eye(3):
            above, below = row + step * axis, row - step * axis
            values = [np.sin(x @ WEIGHTS) + np.sum(x**3) for x in (above, below)]
            slopes.append((values[0] - values[1]) / (2 * step))
        np.testing.assert_allclose(found, np.sum(np.square(slopes)), rtol=1e-4)


def test_images_sum_over_all_their_axes():
    images = jnp.asarray(RNG.normal(size=(2, 4, 4, 3)), jnp.float32)
    _, squared = scores_and_squared_gradients(lambda x: jnp.sum(x**2, axis=(1, 2, 3)), images)
    np.testing.assert_allclose(squared, 4 * np.sum(np.square(images), axis=(1, 2, 3)), rtol=1e-5)


def test_the_penalty_can_be_differentiated_by_the_parameters():
    """The gradient of `mean |w|^2` by `w` is `2 w`: the double backward pass is exact."""

    def penalty(weights):
        return scores_and_squared_gradients(lambda x: x @ weights, jnp.asarray(SAMPLES))[1].mean()

    np.testing.assert_allclose(jax.grad(penalty)(jnp.asarray(WEIGHTS)), 2 * WEIGHTS, rtol=1e-5)
