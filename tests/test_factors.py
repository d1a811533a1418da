"""Scores multiplied by factors, and the gradient that the exact penalties make of them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from benchmarks.flops import flops
from cgan import networks
from cgan.objectives import penalties
from cgan.types import Verdict, present
from tests.backbones import PAIRS, experiment, randomised

KEY, ROWS, CLASSES, SIDE = jax.random.key(0), 4, 3, 8
LABELS = jnp.array([0, 2, 1, 2])
SAMPLES = jax.random.normal(KEY, (ROWS, SIDE, SIDE, 1))
FACTORS = jnp.array([0.3, 1.0, 1.7, 4.0])
NORMALS = np.random.default_rng(2).normal(size=(2, ROWS)).astype(np.float32)


def discriminator(architecture: str, **players: Any) -> tuple[Callable[..., Verdict], Any]:
    """`judge(params, samples, factors)` of a small random network with classes, and its params."""
    pair = networks.build(experiment(architecture, **players), (SIDE, SIDE, 1), CLASSES)
    params, stats = randomised(architecture, jax.eval_shape(pair.init_discriminator, KEY))

    def judge(params: Any, samples: jax.Array, factors: jax.Array | None = None) -> Verdict:
        return pair.judge(params, stats, samples, LABELS, factors)

    return judge, params


def plain_loss(judge: Callable[..., Verdict], params: Any) -> jax.Array:
    """Weighted scores and squared slopes, the slopes taken as a textbook has them."""

    def total(samples: jax.Array) -> jax.Array:
        return present(judge(params, samples).score).sum()

    squares = jnp.square(jax.grad(total)(SAMPLES)).sum(axis=(1, 2, 3))
    return NORMALS[0] @ present(judge(params, SAMPLES).score) + NORMALS[1] @ squares


def shared_loss(judge: Callable[..., Verdict], params: Any) -> jax.Array:
    """The same from `penalties.exact`."""
    keys = jax.random.split(KEY, ROWS)
    said, squares = penalties.exact(
        lambda samples, factors=None: judge(params, samples, factors), SAMPLES, keys, ("score",)
    )
    return NORMALS[0] @ present(said.score) + NORMALS[1] @ present(squares.score)


@pytest.mark.parametrize("architecture", PAIRS)
def test_scores_are_multiplied_by_the_factors_and_embeddings_stay(architecture: str) -> None:
    judge, params = discriminator(architecture)
    said = jax.jit(judge)(params, SAMPLES)
    found = jax.jit(judge)(params, SAMPLES, FACTORS)
    np.testing.assert_allclose(found.score, FACTORS * said.score, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(found.embedding, said.embedding, rtol=2e-5, atol=1e-6)
    assert np.abs(said.score).min() > 1e-3


@pytest.mark.parametrize("architecture", PAIRS)
def test_the_gradient_of_the_exact_penalty_and_scores_is_the_textbook_one(
    architecture: str,
) -> None:
    judge, params = discriminator(architecture)
    value, slopes = jax.jit(jax.value_and_grad(lambda params: shared_loss(judge, params)))(params)
    expected = jax.jit(jax.value_and_grad(lambda params: plain_loss(judge, params)))(params)
    found, wanted = (np.asarray(ravel_pytree(tree)[0]) for tree in (slopes, expected[1]))
    np.testing.assert_allclose(value, expected[0], rtol=1e-4)
    assert np.linalg.norm(found - wanted) < 1e-5 * np.linalg.norm(wanted)


@pytest.mark.parametrize("architecture", [name for name in PAIRS if name != "sngan"])
def test_it_takes_four_products_for_each_layer_where_the_textbook_takes_six(
    architecture: str,
) -> None:
    judge, params = discriminator(architecture)

    def count(function: Callable[..., Any]) -> int:
        return flops(jax.make_jaxpr(function)(params).jaxpr)

    once = count(lambda params: present(judge(params, SAMPLES).score))
    textbook = count(jax.grad(lambda params: plain_loss(judge, params)))
    shared = count(jax.grad(lambda params: shared_loss(judge, params)))
    assert shared <= 4 * once
    assert textbook > 5 * once
