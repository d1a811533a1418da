"""Images without edges: convolutions against SciPy, rolls, factors, taps, derivatives."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import ndimage

from cgan import networks
from cgan.config import Discriminator, Embedding, Experiment, Generator
from cgan.networks.layers import Conv3x3
from cgan.types import present

SHAPE = (7, 5, 1)
KEY = jax.random.key(0)
SAMPLES = jax.random.normal(KEY, (3, *SHAPE))


def pair_of(precision: Any = "float32", **settings: Any) -> tuple[networks.Networks, Any]:
    """Networks with random weights and biases; the generator never meets an image."""
    config = Experiment(
        workdir=Path("runs/test"),
        generator=Generator("mlp", latent_dim=2, width=4),
        discriminator=Discriminator("conv", width=4, depth=2, **settings),
        embedding=Embedding(weight=1.0, dimensions=3),
        precision=precision,
    )
    pair = networks.build(config, SHAPE)
    rng = np.random.default_rng(1)
    shapes = jax.eval_shape(pair.init_discriminator, KEY)
    drawn = jax.tree.map(
        lambda leaf: jnp.asarray(rng.normal(scale=0.4, size=leaf.shape), jnp.float32), shapes
    )
    return pair, drawn


def test_a_convolution_around_a_torus_is_scipys() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 7, 5, 2)).astype(np.float32)
    kernel, bias = rng.normal(size=(18, 1)), rng.normal(size=1)
    params = {"params": {"kernel": jnp.asarray(kernel), "bias": jnp.asarray(bias)}}
    found = Conv3x3(1, torus=True).apply(params, x)
    windows = kernel.reshape(3, 3, 2)
    expected = sum(
        ndimage.correlate(x[0, :, :, c].astype(float), windows[..., c], mode="grid-wrap")
        for c in range(2)
    )
    np.testing.assert_allclose(found[0, ..., 0], expected + bias, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"spectral_norm": True}])
def test_any_roll_of_an_image_is_the_same_to_it(settings: dict[str, Any]) -> None:
    pair, variables = pair_of(torus=True, **settings)
    said = pair.discriminate(*variables, SAMPLES)
    for shift in [(3, 0), (0, 4), (6, 2)]:
        rolled = pair.discriminate(*variables, jnp.roll(SAMPLES, shift, (1, 2)))
        for one, other in zip(said, rolled, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert np.abs(present(said.score)[0] - present(said.score)[1]) > 1e-2
    turned = pair.discriminate(*variables, SAMPLES[:, ::-1])
    assert np.abs(present(said.score) - present(turned.score)).min() > 1e-3


def test_maps_move_with_the_image_and_have_its_sides() -> None:
    pair, variables = pair_of(torus=True)
    rolled = jnp.roll(SAMPLES, (2, 3), (1, 2))
    for level in pair.levels:
        here, there = (pair.features(*variables, x, tap=level.tap) for x in (SAMPLES, rolled))
        assert here.shape == (3, 7, 5, 4)
        np.testing.assert_allclose(np.roll(here, (2, 3), (1, 2)), there, rtol=1e-4, atol=1e-5)
    groups = {group for level in pair.levels for group in level.groups}
    assert set(variables[0]["trunk"]) == groups | {"mix"}


def test_a_row_is_seen_alone_and_its_score_is_multiplied_by_its_factor() -> None:
    pair, variables = pair_of(torus=True)
    factors = jnp.array([0.3, 1.0, 4.0])
    said = pair.discriminate(*variables, SAMPLES)
    alone = pair.discriminate(*variables, SAMPLES[1:2])
    np.testing.assert_allclose(alone.score, present(said.score)[1:2], rtol=1e-4, atol=1e-5)
    scaled = pair.discriminate(*variables, SAMPLES, None, factors)
    np.testing.assert_allclose(scaled.score, factors * said.score, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(scaled.embedding, said.embedding, rtol=1e-4, atol=1e-5)


def test_it_has_derivatives_of_both_orders_and_a_short_precision() -> None:
    pair, variables = pair_of(torus=True)

    def score(x: jax.Array) -> jax.Array:
        return present(pair.discriminate(*variables, x).score)

    check_grads(score, (SAMPLES[:1],), order=2, modes=["rev"], atol=0.02, rtol=0.02)
    short, _ = pair_of(precision="bfloat16", torus=True)
    found = short.discriminate(*variables, SAMPLES)
    np.testing.assert_allclose(found.score, score(SAMPLES), rtol=0.1, atol=0.3)


def test_images_that_cannot_be_halved_are_refused_elsewhere_alone() -> None:
    with pytest.raises(ValueError, match=r"^discriminator.depth = 2: images of 7x5"):
        pair_of()
