"""Gradients of a coupled loss from parts of a batch, against plain `jax.grad` of the whole."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan.accumulation import gradients, in_parts
from cgan.types import DiscriminatorOutput

ROWS, INPUTS, WIDTH = 8, 3, 5
RNG = np.random.default_rng(0)
PARAMS = {
    "hidden": jnp.asarray(RNG.normal(size=(INPUTS, WIDTH)), jnp.float32),
    "score": jnp.asarray(RNG.normal(size=WIDTH), jnp.float32),
    "vector": jnp.asarray(RNG.normal(size=(WIDTH, 2)), jnp.float32),
}
LEARNT = {"log_temperature": jnp.asarray(0.3)}
BATCH = {
    "x": jnp.asarray(RNG.normal(size=(ROWS, INPUTS)), jnp.float32),
    "noise": jax.random.split(jax.random.key(1), ROWS),
}
parts = pytest.mark.parametrize("micro_batches", [1, 2, 4])


def discriminate_rows(params, rows):
    """Two heads, one of them noisy by row, and a penalty on each row's own gradient."""

    def score(x):
        return jnp.tanh(x @ params["hidden"]) @ params["score"]

    noise = jax.vmap(lambda key: jax.random.normal(key, (WIDTH,)))(rows["noise"])
    embedding = (jnp.tanh(rows["x"] @ params["hidden"]) + 0.1 * noise) @ params["vector"]
    slopes = jax.vmap(jax.grad(score))(rows["x"])
    return DiscriminatorOutput(score(rows["x"]), embedding), {"penalty": jnp.sum(slopes**2, axis=1)}


def grade_batch(learnt, output):
    """Terms that couple all rows, by a softmax over them and by their products."""
    temperature = jnp.exp(learnt["log_temperature"])
    similarity = output.embedding @ output.embedding.T
    terms = {
        "list": -jax.nn.log_softmax(output.score / temperature) * jnp.arange(ROWS),
        "spread": jax.nn.logsumexp(similarity / temperature, axis=1),
    }
    return terms, {"temperature": temperature}


@cache
def gradients_of_the_whole():
    """The definition: of one loss of the whole batch."""

    def loss(params, learnt):
        output, own = discriminate_rows(params, BATCH)
        terms, readings = grade_batch(learnt, output)
        means = {name: jnp.mean(term) for name, term in (own | terms).items()}
        loss = means["penalty"] + means["list"] + means["spread"]
        return loss, means | readings | {"loss": loss}

    return jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))(PARAMS, LEARNT)


def assert_trees_equal(found, expected, rtol=1e-5):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        error = np.linalg.norm(np.float64(one) - np.float64(other))
        assert error <= rtol * np.linalg.norm(np.float64(other))


@parts
def test_gradients_and_metrics_equal_those_of_the_whole_loss(micro_batches):
    @jax.jit
    def in_micro_batches(params, learnt):
        return gradients(discriminate_rows, grade_batch, params, learnt, BATCH, micro_batches)

    expected = gradients_of_the_whole()
    found, metrics = in_micro_batches(PARAMS, LEARNT)
    assert_trees_equal(found, expected[0])
    assert set(metrics) == {"penalty", "list", "spread", "temperature", "loss"}
    assert_trees_equal(metrics, expected[1])
    assert all(np.linalg.norm(leaf) > 1e-2 for leaf in jax.tree.leaves(found))


def test_the_loss_of_these_tests_is_not_the_mean_over_micro_batches():
    """Otherwise plain averaging, another loss, would pass too."""

    vectors = np.float64(jax.jit(discriminate_rows)(PARAMS, BATCH)[0].embedding)

    def spread(vectors):
        return np.log(np.exp(vectors @ vectors.T).sum(axis=1)).mean()

    averaged = (spread(vectors[:4]) + spread(vectors[4:])) / 2
    assert abs(averaged - spread(vectors)) > 0.1


@pytest.mark.parametrize("micro_batches", [1, 2])
def test_without_own_terms_and_learnt_values_there_is_only_the_coupled_gradient(micro_batches):
    """As for a generator; a head that is missing stays missing."""

    def discriminate(params, rows):
        return discriminate_rows(params, rows)[0]._replace(embedding=None), {}

    def grade(learnt, output):
        return {"list": -jax.nn.log_softmax(output.score) * jnp.arange(ROWS)}, {}

    def loss(params):
        return grade({}, discriminate(params, BATCH)[0])[0]["list"].mean()

    @jax.jit
    def both(params):
        in_micro_batches = gradients(discriminate, grade, params, {}, BATCH, micro_batches)
        return in_micro_batches, jax.value_and_grad(loss)(params)

    ((found, learnt), metrics), (value, expected) = both(PARAMS)
    assert_trees_equal(found, expected)
    np.testing.assert_array_equal(found["vector"], np.zeros_like(PARAMS["vector"]))
    assert learnt == {}
    assert set(metrics) == {"list", "loss"}
    np.testing.assert_allclose(metrics["loss"], value, rtol=1e-6)


@pytest.mark.parametrize("micro_batches", [2, 4])
def test_no_part_holds_more_rows_than_its_share(micro_batches):
    seen = []

    def watched(params, rows):
        seen.append(rows["x"].shape)
        return discriminate_rows(params, rows)

    jax.eval_shape(lambda: gradients(watched, grade_batch, PARAMS, LEARNT, BATCH, micro_batches))
    assert set(seen) == {(ROWS // micro_batches, INPUTS)}


@parts
def test_a_function_in_parts_is_the_function_row_by_row_in_order(micro_batches):
    def function(rows):
        sums = rows["x"].sum(axis=1)
        draws = jax.vmap(jax.random.uniform)(rows["noise"])
        return {"sums": sums, "outer": rows["x"][:, :, None] * 2, "none": None}, draws

    found = in_parts(function, BATCH, micro_batches)
    assert_trees_equal(found, function(BATCH), rtol=1e-6)
