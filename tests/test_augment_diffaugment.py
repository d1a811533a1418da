"""DiffAugment's transformations against NumPy, and how they are drawn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from cgan.augment.diffaugment import Change, changed, cut_out, draw_change, recolor, translate
from cgan.rng import row_keys, stream_key

draw_changes = jax.jit(jax.vmap(draw_change, in_axes=(0, None, None, None)), static_argnums=(2, 3))


def keys_of(n: int) -> jax.Array:
    return row_keys(stream_key(0, "views"), jnp.arange(n))


def changes_of(n: int, probability: float, height: int, width: int) -> Change:
    return jax.tree.map(np.asarray, draw_changes(keys_of(n), probability, height, width))


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_view_is_color_then_translation_then_cutout(channels: int, color: bool) -> None:
    n, height, width = 12, 9, 16
    images = np.random.default_rng(0).uniform(-1, 1, (n, height, width, channels))
    images = images.astype(np.float32)
    changes = changes_of(n, 0.7, height, width)
    view = jax.jit(jax.vmap(lambda key, image: changed(key, image, 0.7, color)))
    found = np.asarray(view(keys_of(n), images))
    for row in range(n):
        change = Change(*(leaf[row] for leaf in changes))
        x = images[row].astype(float)
        if color:
            x = x + change.brightness
            mean = x.mean(axis=2, keepdims=True)
            x = mean + change.saturation * (x - mean)
            x = x.mean() + change.contrast * (x - x.mean())
        down, right = change.shift.astype(int)
        expected = np.zeros_like(x)
        for i, j in np.ndindex(height, width):
            if 0 <= i - down < height and 0 <= j - right < width:
                expected[i, j] = x[i - down, j - right]
        (top, left), (bottom, end) = change.cut_from.astype(int), change.cut_to.astype(int)
        expected[max(top, 0) : max(bottom, 0), max(left, 0) : max(end, 0)] = 0
        np.testing.assert_allclose(found[row], expected, rtol=1e-5, atol=1e-5)


def test_each_of_the_three_is_drawn_with_the_probability_and_within_its_range() -> None:
    n, p = 20_000, 0.4
    change = changes_of(n, p, 32, 16)
    toned = change.contrast != 1
    np.testing.assert_array_equal(toned, change.saturation != 1)
    np.testing.assert_array_equal(toned, change.brightness != 0)
    side = change.cut_to - change.cut_from
    cut = side[:, 0] > 0
    np.testing.assert_array_equal(np.unique(side[cut], axis=0), [[16, 8]])
    np.testing.assert_array_equal(side[~cut], 0)
    shifted = change.shift.any(axis=1)
    for share, expected in ((toned, p), (cut, p), (shifted, p * (1 - 1 / (9 * 5)))):
        assert share.mean() == pytest.approx(expected, abs=0.015)
    levels = [0.02, 0.5, 0.98]
    for values, low, high in (
        (change.brightness, -0.5, 0.5),
        (change.saturation, 0, 2),
        (change.contrast, 0.5, 1.5),
    ):
        shares = (values[toned] - low) / (high - low)
        assert (shares.min(), shares.max()) >= (0, 0)
        assert shares.max() <= 1
        np.testing.assert_allclose(np.quantile(shares, levels), levels, atol=0.02)
    np.testing.assert_array_equal(change.shift.min(axis=0), [-4, -2])
    np.testing.assert_array_equal(change.shift.max(axis=0), [4, 2])
    middle = (change.cut_from + change.cut_to)[cut] / 2
    np.testing.assert_array_equal(middle.min(axis=0), [0, 0])
    np.testing.assert_array_equal(middle.max(axis=0), [32, 16])


def test_an_even_hole_covers_every_pixel_as_often_as_its_mirror_image() -> None:
    change = changes_of(20_000, 1.0, 8, 8)
    rows = np.arange(8)[:, None]
    covered = ((rows >= change.cut_from[:, 0]) & (rows < change.cut_to[:, 0])).mean(axis=1)
    np.testing.assert_allclose(covered, covered[::-1], atol=0.02)


def test_gradients_of_both_orders_are_finite_differences() -> None:
    change = Change(*map(np.float64, (0.1, 1.7, 0.6)), *map(np.float64, ([1, -1], [0, 1], [2, 3])))

    def curved(image: jax.Array) -> jax.Array:
        how = jax.tree.map(jnp.asarray, change)
        return jnp.sum(jnp.sin(cut_out(translate(recolor(image, how), how.shift), how)))

    with jax.enable_x64(True):
        image = jnp.asarray(np.random.default_rng(0).normal(size=(3, 4, 3)))
        check_grads(jax.jit(curved), (image,), order=2, modes=["rev"], atol=1e-5, rtol=1e-5)
