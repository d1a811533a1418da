"""ADA's transformations against NumPy and SciPy, how they are drawn, and their gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import ndimage
from scipy.spatial.transform import Rotation

from cgan.augment import build
from cgan.augment.color import Tone, draw_tone, recolor
from cgan.augment.geometry import Move, draw_move, inverse_of
from cgan.augment.warp import soften, warp
from cgan.config import Augment
from cgan.kinds import IMAGE
from cgan.rng import row_keys, stream_key

STILL = Move(
    *map(np.float32, (0, 0)),
    np.zeros(2, np.float32),
    *map(np.float32, (1, 0, 1, 0)),
    np.zeros(2, np.float32),
)
PLAIN = Tone(*map(np.float32, (0, 1, 0, 0, 1)))
POLICIES = ("ada", "diffaugment")


def keys_of(n: int, seed: int = 0) -> jax.Array:
    return row_keys(stream_key(seed, "views"), jnp.arange(n))


def images_of(*shape: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, size=shape).astype(np.float32)


moved = jax.jit(lambda image, move: warp(image, inverse_of(move)))
toned = jax.jit(recolor)
views_of = {name: jax.jit(build(Augment(policy=name, probability=1.0), IMAGE)) for name in POLICIES}
draw_moves = jax.jit(jax.vmap(draw_move, in_axes=(0, None, None, None)), static_argnums=(2, 3))
draw_tones = jax.jit(jax.vmap(draw_tone, in_axes=(0, None)))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("channels", [1, 3])
def test_with_probability_zero_views_are_the_images_bit_for_bit(policy: str, channels: int) -> None:
    images = images_of(5, 6, 7, channels)
    found = views_of[policy](keys_of(5), images, jnp.float32(0))
    np.testing.assert_array_equal(np.asarray(found), images)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_view_has_its_image_s_type(policy: str) -> None:
    images = jnp.zeros((2, 5, 4, 3), jnp.bfloat16)
    found = jax.eval_shape(views_of[policy], keys_of(2), images, 0.5)
    assert (found.shape, found.dtype) == (images.shape, images.dtype)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_view_depends_on_its_own_key_and_image_only(policy: str) -> None:
    keys, images, p = keys_of(12), images_of(12, 6, 5, 3), jnp.float32(0.7)
    whole = np.asarray(views_of[policy](keys, images, p))
    assert len(np.unique(whole.reshape(12, -1), axis=0)) == 12
    order = np.random.default_rng(0).permutation(12)
    permuted = views_of[policy](keys[order], images[order], p)
    np.testing.assert_allclose(np.asarray(permuted), whole[order], rtol=1e-4, atol=1e-5)
    alone = views_of[policy](keys[3:4], images[3:4], p)
    np.testing.assert_allclose(np.asarray(alone)[0], whole[3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_pixel_blitting_moves_the_very_pixels(quarters: int) -> None:
    """Flip, then turn, then shift, with what comes from beyond the edge mirrored."""
    image = images_of(6, 6, 3)
    for flip, down, right in ((0, 0, 0), (1, 0, 0), (0, 2, -1), (1, -1, 2)):
        move = STILL._replace(
            flip=np.float32(flip),
            quarters=np.float32(quarters),
            whole_shift=np.array([down, right], np.float32),
        )
        expected = np.rot90(np.fliplr(image) if flip else image, quarters)
        padded = np.pad(expected, [(3, 3), (3, 3), (0, 0)], mode="reflect")
        expected = padded[3 - down : 9 - down, 3 - right : 9 - right]
        np.testing.assert_array_equal(np.asarray(moved(image, move)), expected)


@pytest.mark.parametrize("degrees", [17.0, -130.0])
def test_a_turn_is_scipy_s(degrees: float) -> None:
    image = images_of(7, 6, 2)
    expected = ndimage.rotate(image, degrees, reshape=False, order=1, mode="mirror")
    for name in ("turn", "second_turn"):
        found = moved(image, STILL._replace(**{name: np.float32(np.deg2rad(degrees))}))
        np.testing.assert_allclose(np.asarray(found), expected, atol=1e-5)


def forward_by_hand(move: Move) -> np.ndarray:
    """Where a point of the image goes: a matrix on (x, y, 1) with y upwards, in float64."""

    def linear(a: float, b: float, c: float, d: float) -> np.ndarray:
        return np.array([[a, b, 0], [c, d, 0], [0, 0, 1.0]])

    def turned(angle: float) -> np.ndarray:
        return linear(np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle))

    def shifted(by: np.ndarray) -> np.ndarray:
        return np.array([[1, 0, by[1]], [0, 1, -by[0]], [0, 0, 1.0]])

    steps = [
        linear(1 - 2 * move.flip, 0, 0, 1),
        turned(np.pi / 2 * move.quarters),
        shifted(move.whole_shift),
        linear(move.scale, 0, 0, move.scale),
        turned(move.turn),
        linear(move.stretch, 0, 0, 1 / move.stretch),
        turned(move.second_turn),
        shifted(move.shift),
    ]
    whole = np.eye(3)
    for step in steps:
        whole = step @ whole
    return whole


def test_moves_are_undone_by_the_inverse_of_their_steps_in_order() -> None:
    moves = jax.tree.map(lambda x: np.asarray(x, float), draw_moves(keys_of(40), 0.8, 16, 12))
    to_rows = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])  # (row, column) of (x, y)
    inverses = jax.jit(jax.vmap(inverse_of))(jax.tree.map(lambda x: x.astype(np.float32), moves))
    for row in range(40):
        move = Move(*(leaf[row] for leaf in moves))
        expected = to_rows @ np.linalg.inv(forward_by_hand(move)) @ np.linalg.inv(to_rows)
        np.testing.assert_allclose(np.asarray(inverses[row]), expected, rtol=1e-4, atol=1e-4)


def test_warping_is_scipy_s_interpolation_of_the_softened_image() -> None:
    """With any map: content enlarged, shrunk along one axis or both, and far beyond the edges."""
    image, (height, width) = images_of(8, 7, 2), (8, 7)
    linear = [(0.7, 0.2, -0.1, 0.9), (1.5, 0.3, -0.2, 0.8), (1.2, -1.1, 0.9, 1.6), (3.0, 0, 0, 1)]
    for a, b, c, d in linear:
        matrix = np.array([[a, b, 0.4], [c, d, -5.3], [0, 0, 1]], np.float32)
        rows = np.arange(height)[:, None] - 3.5 + np.zeros((1, width))
        columns = np.arange(width) - 3.0 + np.zeros((height, 1))
        at = [a * rows + b * columns + 0.4 + 3.5, c * rows + d * columns - 5.3 + 3.0]
        expected = []
        for plane in np.moveaxis(image.astype(float), -1, 0):
            for axis, spans in ((0, (a, b)), (1, (c, d))):
                q = np.clip((np.hypot(*spans) ** 2 - 1) / 12, 0, 0.25)
                plane = ndimage.convolve1d(plane, [q, 1 - 2 * q, q], axis, mode="mirror")
            expected.append(ndimage.map_coordinates(plane, at, order=1, mode="mirror"))
        found = jax.jit(warp)(image, matrix)
        np.testing.assert_allclose(np.asarray(found), np.moveaxis(expected, 0, -1), atol=2e-5)


def test_softening_takes_away_what_a_shrunken_image_would_alias() -> None:
    """Stripes of one pixel, shrunk to a half: without it a constant of either colour is left."""
    stripes = np.tile(np.array([1.0, -1.0], np.float32), 8)[None, :, None].repeat(16, axis=0)
    half = STILL._replace(scale=np.float32(0.5), shift=np.array([0, 0.5], np.float32))
    assert np.abs(np.asarray(moved(stripes, half))).max() < 1e-6
    constant = jnp.ones((4, 4, 1))
    np.testing.assert_allclose(np.asarray(soften(constant, jnp.array([1.7, 9.0]))), 1, rtol=1e-6)


@pytest.mark.parametrize("angle", [0.4, -2.9])
def test_hue_turns_colors_about_the_axis_of_grays(angle: float) -> None:
    image = images_of(3, 4, 3)
    turn = Rotation.from_rotvec(angle * np.ones(3) / np.sqrt(3))
    found = np.asarray(toned(image, PLAIN._replace(hue=np.float32(angle))))
    np.testing.assert_allclose(found.reshape(-1, 3), turn.apply(image.reshape(-1, 3)), atol=1e-5)


def test_a_third_of_a_turn_makes_red_green_and_green_blue() -> None:
    image = images_of(3, 4, 3)
    found = np.asarray(toned(image, PLAIN._replace(hue=np.float32(2 * np.pi / 3))))
    np.testing.assert_allclose(found, np.roll(image, 1, axis=2), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_tones_are_brightness_contrast_luma_flip_hue_and_saturation_in_this_order(
    channels: int,
) -> None:
    image = images_of(3, 4, channels)
    tones = jax.tree.map(lambda x: np.asarray(x, np.float32), draw_tones(keys_of(10), 0.9))
    for row in range(10):
        tone = Tone(*(leaf[row] for leaf in tones))
        x = (image.astype(float) + tone.brightness) * tone.contrast
        gray = x.mean(axis=2, keepdims=True)
        x = x - 2 * tone.inverted * gray
        if channels == 3:
            turn = Rotation.from_rotvec(tone.hue * np.ones(3) / np.sqrt(3))
            x = turn.apply(x.reshape(-1, 3)).reshape(x.shape)
        gray = x.mean(axis=2, keepdims=True)
        expected = gray + tone.saturation * (x - gray)
        np.testing.assert_allclose(np.asarray(toned(image, tone)), expected, rtol=1e-4, atol=1e-5)


def test_moves_are_drawn_as_often_and_as_far_as_the_paper_has_them() -> None:
    n, p = 20_000, 0.4
    moves = jax.tree.map(np.asarray, draw_moves(keys_of(n), p, 32, 64))
    one_turn = 1 - np.sqrt(1 - p)
    shares = {
        "flip": (moves.flip != 0, p / 2),
        "quarters": (moves.quarters != 0, 3 / 4 * p),
        "scale": (moves.scale != 1, p),
        "turn": (moves.turn != 0, one_turn),
        "stretch": (moves.stretch != 1, p),
        "second_turn": (moves.second_turn != 0, one_turn),
        "any turn": ((moves.turn != 0) | (moves.second_turn != 0), p),
        "shift": (moves.shift[:, 0] != 0, p),
    }
    for name, (happened, expected) in shares.items():
        assert happened.mean() == pytest.approx(expected, abs=0.015), name
    for octaves in (np.log2(moves.scale), np.log2(moves.stretch)):
        assert octaves[octaves != 0].std() == pytest.approx(0.2, rel=0.03)
    for turn in (moves.turn, moves.second_turn):
        np.testing.assert_allclose(
            np.quantile(turn[turn != 0], [0.1, 0.5, 0.9]) / np.pi, [-0.8, 0, 0.8], atol=0.05
        )
    shift = moves.shift[moves.shift[:, 0] != 0]
    np.testing.assert_allclose(shift.std(axis=0), [32 / 8, 64 / 8], rtol=0.04)
    np.testing.assert_array_equal(moves.whole_shift, np.rint(moves.whole_shift))
    np.testing.assert_array_equal(np.abs(moves.whole_shift).max(axis=0), [4, 8])
    assert np.bincount(moves.quarters.astype(int)).tolist() == pytest.approx(
        [n * (1 - 3 / 4 * p), *[n * p / 4] * 3], rel=0.1
    )


def test_tones_are_drawn_as_often_and_as_far_as_the_paper_has_them() -> None:
    p = 0.4
    tones = jax.tree.map(np.asarray, draw_tones(keys_of(20_000), p))
    happened = [tones.brightness != 0, tones.contrast != 1, tones.hue != 0, tones.saturation != 1]
    for found in happened:
        assert found.mean() == pytest.approx(p, abs=0.015)
    assert (tones.inverted != 0).mean() == pytest.approx(p / 2, abs=0.015)
    deviations = [tones.brightness, np.log2(tones.contrast), np.log2(tones.saturation)]
    for values, expected in zip(deviations, (0.2, 0.5, 1.0), strict=True):
        assert values[values != 0].std() == pytest.approx(expected, rel=0.03)
    assert np.abs(np.corrcoef(np.array([*happened, tones.inverted]))[0, 1:]).max() < 0.03


MATRIX = np.array([[1.2, -0.4, 0.3], [0.5, 0.9, -1.1], [0, 0, 1]])
TONE = Tone(*map(np.float64, (0.1, 1.3, 1, 0.7, 0.4)))


@pytest.mark.parametrize(
    "view",
    [
        lambda x: warp(x, jnp.asarray(MATRIX)),
        lambda x: recolor(x, jax.tree.map(jnp.asarray, TONE)),
    ],
)
def test_gradients_of_both_orders_are_finite_differences(view) -> None:
    """Of what views consist of; how much of it there is does not depend on the image."""
    with jax.enable_x64(True):
        image = jnp.asarray(images_of(3, 4, 3), jnp.float64)
        curved = jax.jit(lambda x: jnp.sum(jnp.sin(view(x))))
        check_grads(curved, (image,), order=2, modes=["rev"], atol=1e-5, rtol=1e-5)
