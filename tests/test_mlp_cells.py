"""An image read around each site of a lattice: windows against NumPy, moves, factors, refusals."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from cgan import networks
from cgan.config import ConfigError, Discriminator, Embedding, Experiment, Generator
from cgan.networks.cells import around, sites
from cgan.types import present

SHAPE, VECTORS = (6, 8, 2), (3, 2, 0, 4)
KEY = jax.random.key(0)
SAMPLES = jax.random.normal(KEY, (3, *SHAPE))
MOVES = [(3, 2), (0, 4), (3, 6)]
"""All moves by the vectors on a torus of these sides, but the one by nothing."""


def experiment(precision: Any = "float32", **settings: Any) -> Experiment:
    chosen: dict[str, Any] = {"cells": VECTORS, **settings}
    return Experiment(
        workdir=Path("runs/test"),
        generator=Generator("mlp", latent_dim=2, width=4),
        discriminator=Discriminator("mlp", width=4, depth=2, **chosen),
        embedding=Embedding(weight=1.0, dimensions=3),
        precision=precision,
    )


def pair_of(**settings: Any) -> tuple[networks.Networks, Any]:
    """Networks with random weights and biases; the generator never makes an image."""
    pair = networks.build(experiment(**settings), SHAPE)
    rng = np.random.default_rng(1)
    shapes = jax.eval_shape(pair.init_discriminator, KEY)
    drawn = jax.tree.map(
        lambda leaf: jnp.asarray(rng.normal(scale=0.4, size=leaf.shape), jnp.float32), shapes
    )
    return pair, drawn


def test_windows_are_those_of_rolled_images() -> None:
    places = sites(VECTORS, *SHAPE[:2])
    assert set(places) == {(0, 0), *MOVES}
    found = np.asarray(around(SAMPLES, VECTORS))
    assert found.shape == (3, 4, 6 * 8 * 2)  # two steps along each side are the whole image here
    for number, place in enumerate(places):
        rolled = np.roll(SAMPLES, np.negative(place), (1, 2))
        np.testing.assert_array_equal(found[:, number], rolled.reshape(3, -1))
    x = np.arange(28 * 32.0).reshape(1, 28, 32, 1)
    small = np.asarray(around(jnp.asarray(x), (7, 4, 0, 8)))
    assert small.shape == (1, 16, 14 * 16)
    last = np.roll(x, (-21, -28), (1, 2))[0, :14, :16].ravel()
    np.testing.assert_array_equal(small[0, sites((7, 4, 0, 8), 28, 32).index((21, 28))], last)


@pytest.mark.parametrize("settings", [{}, {"spectral_norm": True}, {"fourier_features": 3}])
def test_moves_by_the_vectors_are_the_same_to_it_and_no_others(settings: dict[str, Any]) -> None:
    pair, variables = pair_of(**settings)
    said = pair.discriminate(*variables, SAMPLES)
    for shift in MOVES:
        moved = pair.discriminate(*variables, jnp.roll(SAMPLES, shift, (1, 2)))
        for one, other in zip(said, moved, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    for shift in [(1, 0), (0, 2), (3, 0)]:
        moved = pair.discriminate(*variables, jnp.roll(SAMPLES, shift, (1, 2)))
        assert np.abs(present(said.score) - present(moved.score)).min() > 1e-3


def test_maps_are_of_each_site_and_levels_name_all_weights() -> None:
    pair, variables = pair_of()
    for level in pair.levels:
        maps = jax.eval_shape(lambda tap=level.tap: pair.features(*variables, SAMPLES, tap=tap))
        assert maps.shape == (3, 4, 4)
    assert pair.features(*variables, SAMPLES, tap="trunk").shape == (3, 8)
    groups = {group for level in pair.levels for group in level.groups}
    assert set(variables[0]["trunk"]) == groups


def test_a_row_is_seen_alone_and_its_score_is_multiplied_by_its_factor() -> None:
    pair, variables = pair_of()
    factors = jnp.array([0.3, 1.0, 4.0])
    said = pair.discriminate(*variables, SAMPLES)
    alone = pair.discriminate(*variables, SAMPLES[1:2])
    np.testing.assert_allclose(alone.score, present(said.score)[1:2], rtol=1e-4, atol=1e-5)
    scaled = pair.discriminate(*variables, SAMPLES, None, factors)
    np.testing.assert_allclose(scaled.score, factors * said.score, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(scaled.embedding, said.embedding, rtol=1e-4, atol=1e-5)


def test_it_has_derivatives_of_both_orders_and_a_short_precision() -> None:
    pair, variables = pair_of()

    def score(x: jax.Array) -> jax.Array:
        return present(pair.discriminate(*variables, jnp.asarray(x)).score)

    check_grads(score, (SAMPLES[:1],), order=2, modes=["rev"], atol=0.02, rtol=0.02, eps=1e-3)
    short, _ = pair_of(precision="bfloat16")
    found = short.discriminate(*variables, SAMPLES)
    np.testing.assert_allclose(found.score, score(SAMPLES), rtol=0.1, atol=0.3)


def test_points_have_no_sites_and_two_vectors_span_a_lattice() -> None:
    with pytest.raises(ConfigError, match=r"^discriminator\.cells = .*needs images.*must be None"):
        networks.build(experiment(), (2,))
    with pytest.raises(ConfigError, match=r"^discriminator\.cells = .*not parallel"):
        experiment(cells=(1, 2, 2, 4))
    with pytest.raises(ConfigError, match=r"^discriminator\.cells = .*which does not use it"):
        Discriminator("conv", cells=VECTORS)
