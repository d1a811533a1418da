"""A generator's electrons and its one site: against Poisson's law, a transpose, rolls."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from cgan import networks
from cgan.config import ConfigError, Discriminator, Experiment, Generator
from cgan.networks.cells import across, around, sites
from cgan.networks.chance import HALF, counted, noise_of

SHAPE, VECTORS = (6, 8, 2), (3, 2, 0, 4)
KEY = jax.random.key(0)
LATENTS = jax.random.normal(KEY, (4_000, 3))
GAIN = 2.0


def image_of(rate: float, n: int, pixels: int) -> jax.Array:
    return jnp.full((n, pixels, 1, 1), rate * GAIN / HALF - 1)


def electrons_of(images: Any) -> np.ndarray:
    return (np.asarray(images, np.float64) + 1) * HALF / GAIN


def experiment(sample: str = "mlp", **settings: Any) -> Experiment:
    return Experiment(
        workdir=Path("runs/test"),
        generator=Generator(sample, latent_dim=3, width=8, depth=1, **settings),  # type: ignore[arg-type]
        discriminator=Discriminator("mlp", width=4, depth=1),
    )


def made(settings: dict[str, Any], latents: jax.Array, **more: Any) -> np.ndarray:
    pair = networks.build(experiment(**settings, **more), SHAPE)
    shapes = jax.eval_shape(pair.init_generator, KEY)
    rng = np.random.default_rng(1)
    drawn = jax.tree.map(
        lambda leaf: jnp.asarray(rng.normal(scale=0.4, size=leaf.shape), jnp.float32), shapes
    )
    return np.asarray(pair.generate(drawn, latents))


@pytest.mark.parametrize("rate", [4.0, 20.0, 80.0])
def test_electrons_are_poisson(rate: float) -> None:
    found = electrons_of(counted(image_of(rate, 4_000, 50), LATENTS, GAIN)).ravel()
    np.testing.assert_allclose(found, np.round(found), atol=1e-3)
    known = np.arange(130)
    shares = np.bincount(np.round(found).astype(int), minlength=130)[:130] / found.size
    law = stats.poisson(rate).pmf(known)
    by_chance = 0.5 * np.sqrt(2 / np.pi * law / found.size).sum()
    assert 0.5 * np.abs(shares - law).sum() < 0.008 + 1.5 * by_chance
    assert found.mean() == pytest.approx(rate, rel=0.01)


def test_a_latent_draws_the_same_electrons_alone_and_others_draw_others() -> None:
    images = image_of(20.0, 4, 50)
    first = np.asarray(counted(images, LATENTS[:4], GAIN))
    np.testing.assert_array_equal(counted(images[2:3], LATENTS[2:3], GAIN)[0], first[2])
    assert np.abs(first[0] - first[1]).max() > 0
    one = noise_of(LATENTS[:4], (5,), jax.random.normal)
    other = noise_of(LATENTS[:4], (5,), jax.random.normal, 1)
    assert np.abs(one - other).min() > 0


def test_gradients_are_those_of_the_same_quantile_of_another_rate() -> None:
    """By a difference of rates before whole electrons are counted: no rounding is seen."""
    latents, rate, by = LATENTS[:50], 20.0, 0.01
    noise = np.asarray(noise_of(latents, (1, 1, 1), jax.random.normal), np.float64)

    def drawn(rate: float) -> np.ndarray:
        return rate + np.sqrt(rate) * noise + (noise**2 - 1) / 6

    expected = (drawn(rate + by) - drawn(rate - by)) / (2 * by)
    found = jax.grad(lambda x: counted(x, latents, GAIN).sum())(image_of(rate, 50, 1))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_latents_of_any_precision_have_noise_of_their_own(precision: str) -> None:
    """Of 4,000 the float32's 2^32 keys are all others but for one chance in 500."""
    drawn = np.asarray(noise_of(LATENTS.astype(precision), (2,), jax.random.normal))
    known = len(np.unique(np.asarray(LATENTS.astype(precision), np.float32), axis=0))
    assert len(np.unique(drawn, axis=0)) == known > 3_990


def test_no_electron_and_white_stay_in_range() -> None:
    for level, limit in ((-1.0, 0), (1.0, 127.5)):
        images = counted(jnp.full((100, 5, 1, 1), level), LATENTS[:100], GAIN)
        assert np.abs(images).max() <= 1 + 1e-6
        assert np.mean(np.isclose(electrons_of(images), limit, atol=1e-3)) > 0.4
        slopes = jax.grad(lambda x: counted(x, LATENTS[:100], GAIN).sum())(images * 0 + level)
        assert np.isfinite(slopes).all()


def test_across_is_the_transpose_of_around() -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, *SHAPE)).astype(np.float32)
    found = np.asarray(around(jnp.asarray(images), VECTORS))
    windows = rng.normal(size=found.shape).astype(np.float32)
    laid = np.asarray(across(jnp.asarray(windows), VECTORS, SHAPE))
    assert (images * laid).sum() == pytest.approx((found * windows).sum(), rel=1e-4)


def test_a_picture_is_as_likely_at_any_site() -> None:
    """By one code for all latents, pictures are rolls of one, and each roll is as frequent."""
    pair = networks.build(experiment(cells=VECTORS), SHAPE)
    params = jax.tree.map(jnp.zeros_like, pair.init_generator(KEY))
    head = params["head"]
    rng = np.random.default_rng(1)
    head["code"]["bias"] = jnp.asarray(rng.normal(size=head["code"]["bias"].shape), jnp.float32)
    for name in ("site", "out"):
        for leaf, values in head[name].items():
            head[name][leaf] = jnp.asarray(rng.normal(size=values.shape) / 8, jnp.float32)
    pictures = np.asarray(pair.generate(params, LATENTS))
    rolls = [np.roll(pictures[0], site, (0, 1)) for site in sites(VECTORS, *SHAPE[:2])]
    assert np.abs(rolls[0] - rolls[1]).max() > 0.01
    away = np.abs(pictures[:, None] - np.stack(rolls)[None]).max(axis=(2, 3, 4))
    assert away.min(axis=1).max() < 1e-5
    counts = np.bincount(away.argmin(axis=1), minlength=len(rolls))
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("settings", [{"shot_noise": GAIN}, {"cells": VECTORS}])
def test_a_generator_makes_rows_alone(settings: dict[str, Any]) -> None:
    whole = made(settings, LATENTS[:5])
    assert whole.shape == (5, *SHAPE)
    np.testing.assert_allclose(made(settings, LATENTS[3:4])[0], whole[3], atol=1e-5)


def test_points_have_neither_and_others_do_not_read_them() -> None:
    for name, value in (("shot_noise", GAIN), ("cells", VECTORS)):
        with pytest.raises(ConfigError, match=rf"^generator\.{name} = .*needs images"):
            networks.build(experiment(**{name: value}), (2,))
    with pytest.raises(ConfigError, match=r"^generator\.cells = .*which does not use it"):
        Generator("conv", cells=VECTORS)
    with pytest.raises(ConfigError, match=r"^generator\.shot_noise = .*which does not use it"):
        Generator("sngan", shot_noise=GAIN)
    with pytest.raises(ConfigError, match=r"^generator\.shot_noise = -1"):
        Generator("mlp", shot_noise=-1.0)
