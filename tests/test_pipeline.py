"""Batches: a function of seed and step, and every sample once an epoch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgan.data.digits import Digits, load_digits
from cgan.data.pipeline import batch_indices, load_batches

SIZES = st.integers(1, 40)
BATCH_SIZES = st.integers(1, 100)
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def digits() -> Digits:
    return load_digits("train")


@settings(max_examples=60, deadline=None)
@given(size=SIZES, batch_size=BATCH_SIZES, seed=SEEDS)
def test_every_epoch_is_a_permutation_of_the_whole_split(
    size: int, batch_size: int, seed: int
) -> None:
    epochs = 4
    steps = -(-epochs * size // batch_size)
    indices = batch_indices(size, batch_size, seed, 0, steps).ravel()
    for epoch in range(epochs):
        samples = indices[epoch * size : (epoch + 1) * size]
        np.testing.assert_array_equal(np.sort(samples), np.arange(size))


@settings(max_examples=60, deadline=None)
@given(size=SIZES, batch_size=BATCH_SIZES, seed=SEEDS, step=st.integers(0, 50))
def test_steps_in_one_call_are_the_steps_one_by_one_in_any_order(
    size: int, batch_size: int, seed: int, step: int
) -> None:
    together = batch_indices(size, batch_size, seed, step, 5)
    assert together.shape == (5, batch_size)
    for offset in (3, 0, 4, 1, 2):
        alone = batch_indices(size, batch_size, seed, step + offset)
        np.testing.assert_array_equal(alone, together[offset : offset + 1])


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    size = 1000
    orders = [
        batch_indices(size, size, seed, epoch).ravel() for seed in (0, 1) for epoch in (0, 1, 2)
    ]
    for first, order in enumerate(orders):
        assert not np.array_equal(order, np.arange(size))
        for other in orders[first + 1 :]:
            assert np.mean(order == other) < 0.02


def test_a_later_epoch_does_not_depend_on_what_was_read_before() -> None:
    direct = batch_indices(64, 16, 7, 100)
    for step in range(100):
        batch_indices(64, 16, 8, step)
    np.testing.assert_array_equal(batch_indices(64, 16, 7, 100), direct)


def test_batches_hold_the_indexed_samples_with_their_labels(digits: Digits) -> None:
    batches = load_batches(digits, batch_size=6, seed=3, step=2, num_steps=4)
    assert batches.x.shape == (4, 6, 8, 8, 1)
    assert batches.label.shape == (4, 6)
    for offset in range(4):
        for place, index in enumerate(batch_indices(len(digits), 6, 3, 2 + offset)[0]):
            np.testing.assert_array_equal(batches.x[offset, place], digits.images[index])
            assert batches.label[offset, place] == digits.labels[index]
