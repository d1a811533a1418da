"""Flips: fair, independent, a function of seed and position alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgan.data.digits import load_digits
from cgan.data.flips import coins, flipped, splitmix64
from cgan.data.pipeline import batch_indices, load_batches

MANY = 200_000
LIMIT = 5 / np.sqrt(MANY)
"""Five standard errors of the mean of so many signs."""


def signs(seed: int, start: int = 0) -> np.ndarray:
    return np.where(coins(np.arange(start, start + MANY), seed), 1, -1)


def counting(state: int) -> int:
    """SplitMix64's next number from its state, in Python's integers (Vigna's splitmix64.c)."""
    z = state = (state + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def test_the_hash_is_splitmix64() -> None:
    known = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]
    assert splitmix64(np.arange(4), 0).tolist() == known
    far, seed = 10**15 + 7, 2**32 - 1
    state = (seed + far * 0x9E3779B97F4A7C15) % 2**64
    assert splitmix64(np.array([far]), seed).tolist() == [counting(state)]


@pytest.mark.parametrize("seed", [0, 1, 2, 2**32 - 1])
def test_half_are_flipped_and_neighbors_do_not_know_of_each_other(seed: int) -> None:
    drawn = signs(seed)
    assert abs(drawn.mean()) < LIMIT
    for lag in (1, 2, 3, 16, 64, 100, 1024, 50_000):
        assert abs((drawn[lag:] * drawn[:-lag]).mean()) < 5 / np.sqrt(MANY - lag)
    in_fours = (drawn.reshape(-1, 4) > 0) @ (1, 2, 4, 8)
    expected = MANY / 4 / 16
    chi_squared = ((np.bincount(in_fours, minlength=16) - expected) ** 2 / expected).sum()
    assert chi_squared < 44  # 15 degrees of freedom: exceeded once in 10,000


def test_seeds_have_flips_of_their_own() -> None:
    for one in (0, 1, 7):
        for other in (one + 1, one + 2**16):
            for shift in (0, 1, 64):
                assert abs((signs(one) * signs(other, shift)).mean()) < LIMIT


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    positions=st.lists(st.integers(0, 2**40), min_size=1, max_size=20),
)
def test_any_rows_alone_are_flipped_as_among_others(seed: int, positions: list[int]) -> None:
    places = np.array(positions)
    together = coins(places, seed)
    for row in range(len(places)):
        assert coins(places[row : row + 1], seed) == together[row]
    np.testing.assert_array_equal(coins(places[::-1], seed), together[::-1])


def test_an_image_is_as_it_is_or_mirrored_left_to_right() -> None:
    images = np.random.default_rng(0).integers(0, 256, (200, 3, 5, 2), np.uint8)
    before, positions = images.copy(), np.arange(1000, 1200)
    made, which = flipped(images, positions, 4), coins(positions, 4)
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(made[~which], before[~which])
    for image, original in zip(made[which], before[which], strict=True):
        for column in range(5):
            np.testing.assert_array_equal(image[:, column], original[:, 4 - column])
    assert 0 < which.sum() < 200


def test_batches_keep_their_samples_and_labels_and_fall_anew_in_each_epoch() -> None:
    digits = load_digits("train")
    size, batch_size, seed = len(digits), 64, 3
    steps = 3 * size // batch_size
    plain = load_batches(digits, batch_size, seed, 0, steps)
    batches = load_batches(digits, batch_size, seed, 0, steps, flip=True)
    np.testing.assert_array_equal(batches.label, plain.label)
    which = coins(np.arange(steps * batch_size), seed).reshape(steps, batch_size)
    np.testing.assert_array_equal(batches.x[~which], plain.x[~which])
    np.testing.assert_array_equal(batches.x[which], plain.x[which][:, :, ::-1])
    order = batch_indices(size, batch_size, seed, 0, steps).ravel()
    epochs = order[: 2 * size].reshape(2, size).argsort(axis=1)
    first, second = np.take_along_axis(which.ravel()[: 2 * size].reshape(2, size), epochs, axis=1)
    assert np.mean(first == second) == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(size))
    alone = load_batches(digits, batch_size, seed, 40, 1, flip=True)
    np.testing.assert_array_equal(alone.x[0], batches.x[40])
    halved = load_batches(digits, batch_size // 2, seed, 80, 2, flip=True)
    np.testing.assert_array_equal(halved.x.reshape(alone.x.shape), alone.x)
