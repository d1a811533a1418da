"""Augmentation: oracles in NumPy and SciPy, ranges, gradients, and what a view depends on."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import ndimage

from cgan.augment import views
from cgan.data import EMBEDDED as SOURCES
from cgan.kinds import IMAGE, POINT, SEQUENCE
from cgan.rng import row_keys, stream_key

SHAPES = [(8, 8, 1), (8, 8, 3), (5, 9, 2), (1, 1, 1), (2,), (7,)]
Resample = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]
FORMS = [views.resample, views.by_products, views.by_reads]
"""What a backend gets, and both that it may be."""


def augment(keys: jax.Array, samples: jax.Array, strength: float) -> jax.Array:
    """A view of each sample: of images with three axes, of points with one."""
    return views.augment(keys, samples, strength, IMAGE if samples.ndim == 4 else POINT)


augmented = jax.jit(augment, static_argnums=2)
cut_out = jax.jit(views.cut_out)
draw_views = jax.jit(jax.vmap(views.draw_view, in_axes=(0, None)), static_argnums=1)


def keys_of(n: int, seed: int = 0) -> jax.Array:
    return row_keys(stream_key(seed, "views"), jnp.arange(n))


def samples_of(shape: tuple[int, ...], n: int = 6) -> jax.Array:
    return jnp.asarray(np.random.default_rng(3).normal(size=(n, *shape)), jnp.float32)


def real_digits(n: int) -> jax.Array:
    source = SOURCES["digits"]("train")
    return jnp.asarray(source.encode(source[np.arange(n)].x))


@pytest.mark.parametrize("shape", SHAPES)
def test_strength_zero_is_the_same_array(shape: tuple[int, ...]) -> None:
    samples = samples_of(shape)
    assert augment(keys_of(6), samples, 0.0) is samples


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_view_has_the_shape_and_type_of_its_sample(
    shape: tuple[int, ...], dtype: jnp.dtype
) -> None:
    samples = samples_of(shape).astype(dtype)
    found = jax.eval_shape(lambda keys, x: augment(keys, x, 0.5), keys_of(6), samples)
    assert found.shape == samples.shape
    assert found.dtype == dtype


def test_views_of_coarse_floats_are_rounded_once() -> None:
    keys, images = keys_of(20), samples_of((5, 9, 2), 20).astype(jnp.bfloat16)
    found = augmented(keys, images, 1.0)
    exact = augmented(keys, images.astype(jnp.float32), 1.0)
    np.testing.assert_allclose(
        np.asarray(found, np.float32), np.asarray(exact), rtol=2**-8, atol=1e-6
    )


@pytest.mark.parametrize("shape", [(5, 9, 2), (2,)])
def test_a_view_depends_on_its_own_key_and_sample_only(shape: tuple[int, ...]) -> None:
    keys, samples = keys_of(20), samples_of(shape, 20)
    whole = np.asarray(augmented(keys, samples, 1.0))
    order = np.random.default_rng(0).permutation(20)
    permuted = np.asarray(augmented(keys[order], samples[order], 1.0))
    np.testing.assert_allclose(permuted, whole[order], rtol=1e-5, atol=1e-6)
    rows = (slice(0, 10), slice(10, 20))
    halves = [np.asarray(augmented(keys[half], samples[half], 1.0)) for half in rows]
    np.testing.assert_allclose(np.concatenate(halves), whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(8, 8, 1), (2,)])
def test_different_keys_give_different_views(shape: tuple[int, ...]) -> None:
    samples = jnp.repeat(samples_of(shape, 1), 256, axis=0)
    found = np.asarray(augmented(keys_of(256), samples, 0.5)).reshape(256, -1)
    assert len(np.unique(found, axis=0)) == 256


def test_views_of_digits_move_away_as_the_strength_grows() -> None:
    digits = real_digits(256)
    strengths = [0.0, 0.1, 0.5, 1.0]
    found = np.asarray([augmented(keys_of(256), digits, s) - digits for s in strengths])
    distances = np.sqrt(np.mean(np.square(found), axis=(1, 2, 3, 4)))
    assert np.diff(distances).min() > 0
    assert 0.2 < distances[-1] < np.asarray(digits).std()


def shares_of_ranges(n: int, strength: float) -> np.ndarray:
    """`[n, 8]` magnitudes of views: 0 at the lowest that is documented, 1 at the highest."""
    view = jax.tree.map(lambda x: np.asarray(x, float), draw_views(keys_of(n), strength))
    either_way = [view.shift, np.log2(view.scale), np.log2(view.contrast), view.brightness]
    limits = strength * np.array([1 / 8, 1 / 8, 1 / 3, 1 / 2, 0.3])
    shares = (np.column_stack(either_way) / limits + 1) / 2
    return np.column_stack([shares, view.cutout_side / (strength / 2), view.cutout_center])


def test_magnitudes_fill_their_ranges_and_no_more() -> None:
    n = 20_000
    shares = shares_of_ranges(n, 1.0)
    assert shares.min() >= -1e-6
    assert shares.max() <= 1 + 1e-6
    levels = np.array([0.01, 0.25, 0.5, 0.75, 0.99])
    quantiles = np.quantile(shares, levels, axis=0)
    np.testing.assert_allclose(quantiles, np.repeat(levels[:, None], 8, axis=1), atol=0.02)
    assert np.abs(np.corrcoef(shares.T) - np.eye(8)).max() < 5 / np.sqrt(n)


def test_magnitudes_are_in_proportion_to_the_strength() -> None:
    weak, strong = shares_of_ranges(20, 1e-3), shares_of_ranges(20, 1.0)
    np.testing.assert_allclose(weak, strong, atol=1e-3)


def sampled(form: Resample, image: jax.Array, shift: jax.Array, scale: jax.Array) -> jax.Array:
    """A shifted and scaled image, by one of the forms of the interpolation."""
    rows, columns = (views.positions(image.shape[axis], shift[axis], scale) for axis in (0, 1))
    return form(image, rows, columns)


moved = jax.jit(partial(sampled, views.resample))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("height", "width", "channels"), [(5, 9, 3), (1, 4, 2), (1, 1, 1)])
def test_resampling_is_scipys_linear_interpolation_with_edges_repeated(
    height: int, width: int, channels: int, form: Resample
) -> None:
    rng = np.random.default_rng([height, width, channels])
    image = rng.normal(size=(height, width, channels))
    resampled = jax.jit(partial(sampled, form))
    for _ in range(5):
        shift, scale = rng.uniform(-0.3, 0.3, 2), 2 ** rng.uniform(-1, 1)
        # Scaling about the middle, then shifting, in units of the sides, pixels centred at halves.
        at = [
            (((np.arange(size) + 0.5) / size - 0.5 - by) / scale + 0.5) * size - 0.5
            for size, by in zip((height, width), shift, strict=True)
        ]
        grid = np.meshgrid(*at, indexing="ij")
        expected = [
            ndimage.map_coordinates(plane, grid, order=1, mode="nearest")
            for plane in np.moveaxis(image, -1, 0)
        ]
        with jax.enable_x64(True):
            arguments = (jnp.asarray(value) for value in (image, shift, scale))
            found = np.asarray(resampled(*arguments))
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, np.stack(expected, axis=-1), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("count_rows", "count_columns"), [(7, 3), (2, 11)])
def test_resampling_beyond_the_image_finds_nothing(
    count_rows: int, count_columns: int, form: Resample
) -> None:
    """SciPy's mode "grid-constant": nothing outside, to which edges fade within a pixel."""
    rng = np.random.default_rng(count_rows)
    image = rng.normal(size=(4, 6, 2))
    at = [rng.uniform(-3, size + 2, n) for size, n in ((4, count_rows), (6, count_columns))]
    grid = np.meshgrid(*at, indexing="ij")
    expected = [
        ndimage.map_coordinates(plane, grid, order=1, mode="grid-constant", cval=0.0)
        for plane in np.moveaxis(image, -1, 0)
    ]
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(form)(*map(jnp.asarray, (image, *at))))
    np.testing.assert_allclose(found, np.stack(expected, axis=-1), rtol=1e-10, atol=1e-10)


def test_derivatives_of_resampling_are_finite_differences_in_positions_too() -> None:
    rng = np.random.default_rng(0)
    image, rows, columns = rng.normal(size=(4, 3, 2)), [0.3, 1.4, 2.7], [0.2, 1.6]
    with jax.enable_x64(True):
        arguments = tuple(map(jnp.asarray, (image, rows, columns)))
        check_grads(jax.jit(views.resample), arguments, order=2, atol=1e-5, rtol=1e-5)


def test_a_whole_pixel_shift_moves_content_down_and_to_the_right() -> None:
    image = samples_of((8, 16, 2), 1)[0]
    found = np.asarray(moved(image, jnp.asarray([1 / 8, 2 / 16]), jnp.float32(1)))
    np.testing.assert_array_equal(found[1:, 2:], np.asarray(image)[:-1, :-2])
    np.testing.assert_array_equal(found[0, 2:], np.asarray(image)[0, :-2])


def test_a_scale_above_one_enlarges_about_the_middle() -> None:
    offsets = np.arange(16) - 7.5
    image = np.exp(-(offsets[:, None] ** 2 + offsets**2) / 8)[..., None].astype(np.float32)
    found = np.asarray(moved(jnp.asarray(image), jnp.zeros(2), jnp.float32(1.25)), float)[..., 0]
    for axis in (0, 1):
        np.testing.assert_allclose(found.sum(axis=axis) @ offsets / found.sum(), 0, atol=1e-5)
    widths = [np.sqrt(x.sum(axis=1) @ offsets**2 / x.sum()) for x in (found, image[..., 0])]
    assert widths[0] / widths[1] == pytest.approx(1.25, rel=0.05)


@pytest.mark.parametrize("side", [0.0, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("center", [(0.5, 0.5), (0.0, 0.3), (0.97, 1.0), (0.31, 0.62)])
def test_a_cutout_grays_each_pixel_by_the_share_it_covers(
    center: tuple[float, float], side: float
) -> None:
    height, width, fine = 6, 8, 400
    image = np.asarray(samples_of((height, width, 3), 1)[0]) + 3
    covered = []
    for size, middle in zip((height, width), center, strict=True):
        points = (np.arange(size * fine) + 0.5) / (size * fine)
        inside = np.abs(points - middle) <= side / 2
        covered.append(inside.reshape(size, fine).mean(axis=1))
    expected = image * (1 - np.outer(*covered))[..., None]
    found = cut_out(jnp.asarray(image), jnp.asarray(center), jnp.float32(side))
    np.testing.assert_allclose(np.asarray(found), expected, atol=6 * 4 / fine)
    blank = jnp.ones((height, width, 1))
    lost = 1 - np.asarray(cut_out(blank, jnp.asarray(center), jnp.float32(side)))
    assert lost.mean() <= side**2 + 1e-6
    if center == (0.5, 0.5):
        assert lost.mean() == pytest.approx(side**2, abs=1e-6)


def test_whole_pixels_that_are_cut_out_are_exactly_gray_and_the_others_untouched() -> None:
    image = samples_of((8, 8, 1), 1)[0]
    found = np.asarray(cut_out(image, jnp.asarray([0.5, 0.25]), jnp.float32(0.25)))
    np.testing.assert_array_equal(found[3:5, 1:3], 0)
    kept = np.ones((8, 8), bool)
    kept[3:5, 1:3] = False
    np.testing.assert_array_equal(found[kept], np.asarray(image)[kept])


@pytest.mark.parametrize("strength", [1e-3, 1.0])
def test_a_view_is_shift_and_zoom_then_tone_then_cutout(strength: float) -> None:
    n, shape = 20, (5, 9, 2)
    keys, images = keys_of(n), samples_of(shape, n)
    view = jax.tree.map(lambda x: np.asarray(x, float), draw_views(keys, strength))
    found = np.asarray(augmented(keys, images, strength))
    height, width, channels = shape
    for row in range(n):
        row_at = (np.arange(height) + 0.5 - height / 2) - view.shift[row, 0] * height
        column_at = (np.arange(width) + 0.5 - width / 2) - view.shift[row, 1] * width
        grid = np.meshgrid(
            row_at / view.scale[row] + height / 2 - 0.5,
            column_at / view.scale[row] + width / 2 - 0.5,
            indexing="ij",
        )
        top, left = view.cutout_center[row] - view.cutout_side[row] / 2
        bottom, right = view.cutout_center[row] + view.cutout_side[row] / 2
        for channel in range(channels):
            plane = np.asarray(images[row, :, :, channel], float)
            plane = ndimage.map_coordinates(plane, grid, order=1, mode="nearest")
            plane = plane * view.contrast[row] + view.brightness[row]
            for i, j in np.ndindex(height, width):
                tall = min(i + 1, bottom * height) - max(i, top * height)
                wide = min(j + 1, right * width) - max(j, left * width)
                plane[i, j] *= 1 - max(tall, 0) * max(wide, 0)
            np.testing.assert_allclose(found[row, :, :, channel], plane, rtol=1e-4, atol=1e-5)


def test_nothing_is_clipped() -> None:
    found = np.asarray(augmented(keys_of(256), jnp.ones((256, 8, 8, 1)), 1.0))
    assert found.max() > 1.5
    assert found.max() <= np.sqrt(2) + 0.3 + 1e-5


@pytest.mark.parametrize("strength", [1e-3, 1.0])
def test_points_jitter_by_a_tenth_of_the_strength(strength: float) -> None:
    n = 10_000
    points = 3 * samples_of((2,), n)
    noise = np.asarray(augmented(keys_of(n), points, strength) - points, float) / strength
    np.testing.assert_allclose(noise.std(axis=0), 0.1, rtol=0.05)
    assert np.abs(noise.mean(axis=0)).max() < 5 * 0.1 / np.sqrt(n)
    assert np.abs(np.corrcoef(np.column_stack([noise, points]).T) - np.eye(4)).max() < 0.05


def test_gradients_of_both_orders_are_finite_differences() -> None:
    view = draw_views(keys_of(20), 1.0)

    @jax.jit
    def curved(images: jax.Array) -> jax.Array:
        return jnp.sum(jnp.sin(jax.vmap(views.apply_view)(view, images)))

    with jax.enable_x64(True):
        images = jnp.asarray(np.asarray(samples_of((3, 4, 2), 20), np.float64))
        check_grads(curved, (images,), order=2, modes=["fwd", "rev"], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(5, 9, 2), (2,)])
def test_a_view_is_affine_in_its_sample_and_so_is_its_derivative(shape: tuple[int, ...]) -> None:
    """Any difference is a derivative, and the backward pass is the transpose of the forward."""
    keys, (samples, others, weights) = keys_of(20), samples_of((20, *shape), 3)
    forward = np.asarray(augmented(keys, others, 1.0) - augmented(keys, samples, 1.0))
    _, slopes = jax.jit(lambda x, v: jax.jvp(lambda x: augment(keys, x, 1.0), (x,), (v,)))(
        samples, others - samples
    )
    np.testing.assert_allclose(np.asarray(slopes), forward, rtol=1e-4, atol=1e-5)
    gradient = jax.jit(jax.grad(lambda x: jnp.vdot(weights, augment(keys, x, 1.0))))(samples)
    along = np.vdot(gradient, others - samples)
    np.testing.assert_allclose(along, np.vdot(weights, forward), rtol=1e-4)


def test_compiled_in_a_scan_views_and_gradients_are_the_same() -> None:
    def one_step(x: jax.Array, step: jax.Array) -> tuple[jax.Array, jax.Array]:
        def loss(x: jax.Array) -> jax.Array:
            keys = row_keys(stream_key(0, "views", step), jnp.arange(len(x)))
            return jnp.sum(jnp.sin(augment(keys, x, 0.7)))

        value, slopes = jax.value_and_grad(loss)(x)
        return x - 0.1 * slopes, value

    looped = samples_of((8, 8, 3))
    scanned, values = jax.jit(lambda x: jax.lax.scan(one_step, x, jnp.arange(3)))(looped)
    for step in range(3):
        looped, value = jax.jit(one_step)(looped, jnp.int32(step))
        np.testing.assert_allclose(values[step], value, rtol=1e-4)
    np.testing.assert_allclose(np.asarray(scanned), np.asarray(looped), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("strength", [-0.1, 1.01, float("nan")])
def test_a_strength_outside_its_range_is_refused(strength: float) -> None:
    with pytest.raises(ValueError, match=r"^strength = .*: must be from 0 to 1$"):
        augment(keys_of(6), samples_of((2,)), strength)


def test_sequences_have_no_views_and_are_left_as_they_are() -> None:
    sequences = samples_of((16, 4))
    assert views.augment(keys_of(6), sequences, 0.0, SEQUENCE) is sequences
    with pytest.raises(ValueError, match=r"^strength = 0\.5: must be 0 for sequences"):
        views.augment(keys_of(6), sequences, 0.5, SEQUENCE)
