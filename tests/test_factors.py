"""Scores multiplied by factors, and the gradient that the exact penalties make of them."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from benchmarks.flops import flops
from cgan import networks
from cgan.config import Embedding, Experiment
from cgan.objectives import penalties
from cgan.types import DiscriminatorOutput, present
from tests.backbones import PAIRS, experiment, randomized

KEY, ROWS, CLASSES = jax.random.key(0), 4, 3
LABELS = jnp.array([0, 2, 1, 2])
FACTORS = jnp.array([0.3, 1.0, 1.7, 4.0])
WEIGHTS = np.random.default_rng(2).normal(size=(4, ROWS)).astype(np.float32)
"""Of the scores, of their squared slopes, of embeddings' sums and of their squared slopes."""
SCORE, BOTH = ("score",), ("score", "embedding")
EXACT = partial(penalties.exact, scales_with_factors=True)


def changed(architecture: str, **settings: Any) -> Experiment:
    config = experiment(architecture)
    discriminator = dataclasses.replace(config.discriminator, **settings)
    return dataclasses.replace(config, discriminator=discriminator)


IMAGES, POINTS = (8, 8, 1), (2,)
NETWORKS = {name: (experiment(name), IMAGES) for name in PAIRS} | {
    "sngan, no attention": (changed("sngan", attention=0), IMAGES),
    "conv, hidden units": (changed("conv", hidden_units=5), IMAGES),
    "conv, patches": (changed("conv", patch_size=2, depth=1), IMAGES),
    "points": (
        changed("mlp", depth=2, fourier_features=6, max_frequency=5.0, spectral_norm=True),
        POINTS,
    ),
}
"""By name: an experiment with both heads, and the shape of its samples."""


class Case:
    """A small random discriminator with classes, with or without its embedding, and samples."""

    def __init__(self, name: str, heads: tuple[str, ...]) -> None:
        config, shape = NETWORKS[name]
        if "embedding" not in heads:
            config = dataclasses.replace(config, embedding=Embedding())
        pair = networks.build(config, shape, CLASSES)
        variables = jax.eval_shape(pair.init_discriminator, KEY)
        self.params, self.stats = randomized(config.discriminator.architecture, variables)
        self.samples = jax.random.normal(KEY, (ROWS, *shape))
        self.heads, self.pair = heads, pair

    def discriminate(
        self, params: Any, samples: jax.Array, factors: jax.Array | None = None
    ) -> DiscriminatorOutput:
        return self.pair.discriminate(params, self.stats, samples, LABELS, factors)

    def loss(self, params: Any, estimate: penalties.Estimator) -> jax.Array:
        """Weighted scores, embeddings, and squared slopes of either."""
        keys = jax.random.split(KEY, ROWS)
        said, squares = estimate(
            lambda samples, factors=None: self.discriminate(params, samples, factors),
            self.samples,
            keys,
            self.heads,
        )
        found = WEIGHTS[0] @ present(said.score) + WEIGHTS[1] @ present(squares.score)
        if said.embedding is not None:
            sums = said.embedding @ jnp.arange(1.0, 4.0)
            found += WEIGHTS[2] @ sums + WEIGHTS[3] @ present(squares.embedding)
        return found

    def products(self, function: Callable[..., Any]) -> int:
        """Floating point operations of its products and convolutions."""
        return flops(jax.make_jaxpr(function)(self.params).jaxpr)


def textbook(
    discriminate: penalties.BoundDiscriminate,
    samples: jax.Array,
    keys: jax.Array,
    heads: penalties.HeadNames,
) -> tuple[DiscriminatorOutput, DiscriminatorOutput]:
    """Slopes of the heads as they are written, one after the other, as an `Estimator`."""

    def squared(total: Callable[[DiscriminatorOutput], jax.Array]) -> jax.Array:
        slopes = jax.grad(lambda inputs: total(discriminate(inputs)))(samples)
        return jnp.square(slopes).sum(axis=range(1, samples.ndim))

    said = discriminate(samples)
    of_score = squared(lambda output: present(output.score).sum())
    if "embedding" not in heads:
        return said, DiscriminatorOutput(of_score, None)
    signs = penalties.random_signs(keys, present(said.embedding))
    return said, DiscriminatorOutput(
        of_score, squared(lambda said: jnp.vdot(present(said.embedding), signs))
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_scores_are_multiplied_by_the_factors_and_embeddings_stay(name: str) -> None:
    case = Case(name, BOTH)
    said = jax.jit(case.discriminate)(case.params, case.samples)
    found = jax.jit(case.discriminate)(case.params, case.samples, FACTORS)
    np.testing.assert_allclose(found.score, FACTORS * said.score, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(found.embedding, said.embedding, rtol=2e-5, atol=1e-6)
    assert np.abs(said.score).min() > 1e-3


ALONE = ("r3gan", "points")
"""Whose score alone is enough for the fast suite, which has both heads of all."""


@pytest.mark.parametrize(
    ("name", "heads"),
    [
        pytest.param(
            name,
            heads,
            id=f"{name}-{'+'.join(heads)}",
            marks=() if heads == BOTH or name in ALONE else pytest.mark.slow,
        )
        for name in NETWORKS
        for heads in (SCORE, BOTH)
    ],
)
def test_the_gradient_of_the_exact_penalty_and_what_is_said_is_the_textbooks(
    name: str, heads: tuple[str, ...]
) -> None:
    case = Case(name, heads)
    (value, slopes), (expected, wanted) = (
        jax.jit(jax.value_and_grad(lambda params, estimate=estimate: case.loss(params, estimate)))(
            case.params
        )
        for estimate in (EXACT, textbook)
    )
    found, wanted = (np.asarray(ravel_pytree(tree)[0]) for tree in (slopes, wanted))
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    assert np.linalg.norm(found - wanted) < 1e-5 * np.linalg.norm(wanted)


@pytest.mark.parametrize("name", NETWORKS)
def test_it_takes_four_products_for_each_layer_where_the_textbook_takes_six(name: str) -> None:
    case = Case(name, SCORE)
    once = case.products(lambda params: present(case.discriminate(params, case.samples).score))
    ours, theirs = (
        case.products(jax.grad(lambda params, estimate=estimate: case.loss(params, estimate)))
        for estimate in (EXACT, textbook)
    )
    # What attention weighs by is no linear map; power iterations count too.
    assert ours <= (4.8 if name == "sngan" else 4.1) * once
    assert theirs > 1.2 * ours


def test_with_both_heads_what_is_said_goes_one_way_only() -> None:
    """Ten products: forward, back and two transposes for each head, and two for what is said."""
    case = Case("r3gan", BOTH)
    once = case.products(lambda params: present(case.discriminate(params, case.samples).score))
    ours = case.products(jax.grad(lambda params: case.loss(params, EXACT)))
    assert ours <= 10 * once
