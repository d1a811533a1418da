"""Views of a crystal: moves by whole vectors against NumPy's roll, how they are drawn, refusals."""

import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from cgan import augment
from cgan.augment.symmetry import draw_shift, exposed, moved, order
from cgan.commands import augmented
from cgan.config import Augment, ConfigError, Data, Experiment, Penalty
from cgan.config.serialize import from_json, to_json
from cgan.kinds import IMAGE, POINT

HEIGHT, WIDTH = 28, 32
LATTICE = (7, 4, 0, 8)
ROWS = 2_048


def keys_of(n: int) -> jax.Array:
    return jax.random.split(jax.random.key(0), n)


def images(n: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, height, width, 2)).astype(np.float32)


def shifts_of(vectors: Any, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    draw = jax.vmap(lambda key: draw_shift(key, vectors, height, width))
    return np.asarray(jax.jit(draw)(keys_of(ROWS))).astype(int)


def group(vectors: Any, height: int, width: int) -> set[tuple[int, int]]:
    """All sums of the vectors on the torus, found by walking."""
    steps, found, new = [vectors[:2], vectors[2:]], {(0, 0)}, [(0, 0)]
    while new:
        down, right = new.pop()
        for step in steps:
            place = (down + step[0]) % height, (right + step[1]) % width
            if place not in found:
                found.add(place)
                new.append(place)
    return found


def test_a_move_is_a_roll_of_the_very_pixels() -> None:
    x = images(3)
    for image, shift in zip(x, [(7, 4), (0, 0), (27, 31)], strict=True):
        found = jax.jit(moved)(image, jnp.array(shift, jnp.float32))
        np.testing.assert_array_equal(found, np.roll(image, shift, (0, 1)))


@pytest.mark.parametrize("vectors", [LATTICE, (1, 0, 0, 1), (-7, -4, 14, 0), (3, 5, 6, 2)])
def test_moves_are_drawn_evenly_from_the_group_of_the_vectors(vectors: Any) -> None:
    found, counts = np.unique(shifts_of(vectors), axis=0, return_counts=True)
    expected = group(vectors, HEIGHT, WIDTH)
    assert set(map(tuple, found.tolist())) <= expected
    if len(expected) < 100:
        assert len(found) == len(expected)
        mean = ROWS / len(expected)
        chi_square = float(((counts - mean) ** 2 / mean).sum())
        assert chi_square < len(expected) + 4 * np.sqrt(2 * len(expected))
    assert len(group(LATTICE, HEIGHT, WIDTH)) == 16


@settings(deadline=None, max_examples=50)
@given(*[st.integers(-40, 40)] * 2, *[st.integers(1, 40)] * 2)
def test_the_order_of_a_vector_is_where_it_first_comes_back(
    down: int, right: int, height: int, width: int
) -> None:
    found = order((down, right), height, width)
    back = [
        times
        for times in range(1, found + 1)
        if (times * down) % height == (times * right) % width == 0
    ]
    assert back == [found]


def test_a_view_is_of_its_rows_key_alone_linear_and_keeps_the_pixels() -> None:
    x, keys = images(16), keys_of(16)
    policy = jax.jit(augment.build(Augment(policy="symmetry"), IMAGE))
    found = np.asarray(policy(keys, x, 0.0))
    np.testing.assert_array_equal(policy(keys[5:6], x[5:6], 0.0)[0], found[5])
    np.testing.assert_array_equal(policy(keys, -2 * x, 0.0), -2 * found)
    assert (found != x).any(axis=(1, 2, 3)).sum() > 8
    np.testing.assert_array_equal(np.sort(found.reshape(16, -1)), np.sort(x.reshape(16, -1)))
    check_grads(lambda y: policy(keys[:2], y, 0.0), (images(2),), order=2, modes=["rev"])


BAD: dict[tuple[int, ...], str] = {
    (7, 4, 14, 8): "two vectors that are not parallel",
    (0, 0, 0, 8): "two vectors that are not parallel",
    (5_000, 0, 0, 1): "of at most 2,048 pixels a side",
}


@pytest.mark.parametrize("vectors", BAD)
def test_vectors_that_span_nothing_are_refused(vectors: Any) -> None:
    message = rf"^augment\.vectors = .*{re.escape(BAD[vectors])}"
    with pytest.raises(ConfigError, match=message):
        Augment(policy="symmetry", vectors=vectors)


def test_so_are_vectors_that_nothing_reads_and_points(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^augment\.vectors = .*augment\.policy = 'views'"):
        Augment(vectors=(1, 0, 0, 1))
    with pytest.raises(ConfigError, match=r"^augment\.policy = 'symmetry'.* points$"):
        augment.build(Augment(policy="symmetry"), POINT)
    with pytest.raises(ConfigError, match=r"^augment\.policy = 'symmetry'"):
        Experiment(workdir=tmp_path, data=Data("ring8"), augment=Augment(policy="symmetry"))


def test_vectors_are_kept_with_a_run(tmp_path: Path) -> None:
    config = Experiment(
        workdir=tmp_path,
        data=Data("digits"),
        augment=Augment(policy="symmetry", vectors=(0, 4, 4, 0)),
        penalty=Penalty(r1=0.1),
    )
    assert from_json(to_json(config)) == config


def test_views_are_drawn_beside_their_images(tmp_path: Path) -> None:
    arguments = augmented.Arguments(tmp_path / "x.png", policy="symmetry", images=2, views=3)
    drawn = augmented.draw(arguments).reshape(2, 4, -1)
    np.testing.assert_array_equal(np.sort(drawn), np.sort(np.repeat(drawn[:, :1], 4, axis=1)))


def test_noise_of_a_view_varies_as_its_pixels_do() -> None:
    grey = np.linspace(0, 255, 32)
    image = np.broadcast_to(grey[None, :, None] / 127.5 - 1, (HEIGHT, WIDTH, 1))
    image = jnp.asarray(image, jnp.float32)
    views = jax.vmap(lambda key: exposed(key, image, 4.0))(keys_of(200))
    found = 127.5 * (np.asarray(views) + 1)
    spread = np.sqrt(4 * grey / (200 * HEIGHT))
    assert (np.abs(found.mean(axis=(0, 1, 3)) - grey) <= 5 * spread + 1e-3).all()
    np.testing.assert_allclose(found.var(axis=(0, 1, 3)), 4 * grey, rtol=0.1, atol=1e-6)
    policy = augment.build(Augment(policy="symmetry", shot_noise=4.0), IMAGE)
    noisy = np.asarray(policy(keys_of(2), jnp.stack([image, image]), 0.0))
    assert (noisy[0] != noisy[1]).any()
    assert np.isfinite(policy(keys_of(2), jnp.full((2, *image.shape), -3.0), 0.0)).all()


def test_two_views_of_a_picture_share_none_of_its_noise() -> None:
    """Covariances at each pixel of views of Poisson draws, whose gain the noise is of."""
    rng, gain, n = np.random.default_rng(0), 2.0, 4_000
    rates = np.array([4.0, 30.0, 60.0])
    drawn = gain * rng.poisson(rates, size=(n, 1, 3))[..., None] / 127.5 - 1
    first, others = keys_of(n), jax.random.split(jax.random.key(1), n)
    still = (1, 0, 0, 3)  # every move is of a single row around, and of three columns around
    config = Augment(policy="symmetry", vectors=still, shot_noise=gain)
    one = augment.build(config, IMAGE)(first, jnp.asarray(drawn, jnp.float32), 0.0)
    other = augment.build_other(config, IMAGE)(others, first, jnp.asarray(drawn, jnp.float32), 0.0)
    electrons = [127.5 * (np.asarray(x)[:, 0, :, 0] + 1) / gain for x in (one, other)]
    np.testing.assert_allclose(electrons[0].var(axis=0), 2 * rates, rtol=0.15)
    np.testing.assert_allclose(electrons[1].var(axis=0), 2 * rates, rtol=0.15)
    for pixel, rate in enumerate(rates):
        shared = np.cov(electrons[0][:, pixel], electrons[1][:, pixel])[0, 1]
        assert abs(shared) < 5 * 2 * rate / np.sqrt(n)
        alone = augment.build(config, IMAGE)(others, jnp.asarray(drawn, jnp.float32), 0.0)
        apart = 127.5 * (np.asarray(alone)[:, 0, pixel, 0] + 1) / gain
        assert np.cov(electrons[0][:, pixel], apart)[0, 1] > 0.8 * rate


def test_the_second_view_moves_by_its_own_key_and_other_policies_draw_it_alike() -> None:
    x, first, keys = jnp.asarray(images(64)), keys_of(64), jax.random.split(jax.random.key(1), 64)
    config = Augment(policy="symmetry")
    other = augment.build_other(config, IMAGE)(keys, first, x, 0.0)
    np.testing.assert_array_equal(other, augment.build(config, IMAGE)(keys, x, 0.0))
    mild = Augment(strength=0.5)
    found = augment.build_other(mild, IMAGE)(keys, first, x, 0.0)
    np.testing.assert_array_equal(found, augment.build(mild, IMAGE)(keys, x, 0.0))
