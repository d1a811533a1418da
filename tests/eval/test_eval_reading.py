"""Shares as a labeller reads them: what a weak one can tell, and what it can't."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from benchmarks.null_rates import read_classes
from cgan.types import Batch
from eval.dataset.confusion import Confusion, confusion_of
from eval.extractors.base import Features
from eval.verdict.modes import ALONE, ModeCounts, examine
from eval.verdict.reading import expected_as_read


class Given:
    """Reads what a sample says."""

    name = fingerprint = "given"
    accuracy = None

    def __call__(self, stored):
        return Features(stored[:, :1].astype(np.float32), stored[:, 0].astype(np.int64))


def test_samples_are_counted_by_their_class_and_by_what_they_are_read_as():
    true, read = np.array([0, 0, 1, 2, 2]), np.array([0, 2, 1, -1, 2])
    batches = [Batch(read[rows, None], true[rows]) for rows in (slice(0, 3), slice(3, 5))]
    expected = [[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 1]]
    assert confusion_of(Given(), batches, 3).counts.tolist() == expected


def test_digits_of_a_number_are_misread_each_for_itself():
    rng = np.random.default_rng(0)
    one = np.array(
        [rng.multinomial(4_000, row) for row in np.full((10, 10), 0.01) + 0.9 * np.eye(10)]
    )
    alone = Confusion(np.column_stack([one, np.zeros(10, np.int64)]))
    whole = replace(alone, places=2).rates
    for (a, b), (c, d) in product([(0, 3), (9, 9)], [(0, 3), (4, 3), (7, 1)]):
        expected = alone.rates.means[a, c] * alone.rates.means[b, d]
        assert whole.means[10 * a + b, 10 * c + d] == pytest.approx(expected)
    true = np.repeat(np.arange(100), 3)
    batch = [Batch(true[:, None], true)]
    found = confusion_of(Given(), batch, 100, places=2)
    assert found.counts.tolist() == np.column_stack([60 * np.eye(10), np.zeros(10)]).tolist()
    # As if both were drawn anew: the variance of a product of independent numbers.
    low, high = alone.rates.variances[0, 0], alone.rates.variances[3, 3]
    means = alone.rates.means
    spread = low * means[3, 3] ** 2 + high * means[0, 0] ** 2
    assert whole.variances[3, 3] == pytest.approx(spread)


def test_counts_are_held_against_shares_as_they_are_read():
    truth = np.array([[0.92, 0.08, 0.0], [0.02, 0.96, 0.02], [0.05, 0.1, 0.85]])
    shares = np.array([0.6, 0.3, 0.1])
    many = np.column_stack([np.rint(1e7 * truth), np.zeros(3)]).astype(np.int64)
    read = shares @ truth
    found = expected_as_read(Confusion(many), shares, read)
    np.testing.assert_allclose(found.dropped_below.shares, read / 4, rtol=1e-4)
    misread = read - shares * np.diag(truth)
    more = np.maximum(misread - read / 8, 0)
    assert (more > 0).tolist() == [False, True, False]
    # Samples that are read a little more often as another class than in the data.
    np.testing.assert_allclose(found.covered_above.shares, read / 4 + more, rtol=0.01)
    assert found.judged.all()
    twice = expected_as_read(Confusion(many), shares, np.array([0.95, 0.05, 0.0]))
    taken = 0.95 * 0.08 + 0.1 * 0.1
    assert twice.covered_above.shares[1] == pytest.approx(read[1] / 8 + taken, rel=1e-3)


def test_a_class_that_is_said_to_be_covered_has_a_seventh_of_its_share():
    rng, shares = np.random.default_rng(0), np.full(8, 1 / 8)
    for wrong in (0.02, 0.1, 0.2):
        truth = np.full((8, 8), wrong / 7) + np.eye(8) * (1 - wrong * 8 / 7)
        many = np.column_stack([np.rint(1e6 * truth), np.zeros(8)]).astype(np.int64)
        for left in (0, 0.125):
            made = np.where(np.arange(8) == 3, left, 1) * shares
            counts = rng.multinomial(10**6, made / made.sum() @ truth)
            expected = expected_as_read(Confusion(many), shares, counts / 10**6)
            modes = ModeCounts("classes", [""] * 8, np.arange(8), shares, counts, 10**6, expected)
            assert not examine(modes, 0).covered[3]
            assert np.delete(examine(modes, 0).covered, 3).all()


def test_a_class_that_is_mostly_misread_or_hardly_seen_is_not_judged():
    shares = np.array([0.5, 0.3, 0.2])
    weak = Confusion(np.array([[500, 0, 0, 0], [0, 300, 0, 0], [120, 0, 80, 0]]))
    assert expected_as_read(weak, shares, shares).judged.tolist() == [True, True, False]
    unseen = Confusion(np.array([[500, 0, 0, 0], [150, 150, 0, 0], [0, 0, 0, 0]]))
    assert not expected_as_read(unseen, shares, shares).judged[2]
    # Those that are taken for the first are as many as a quarter of it.
    hidden = Confusion(np.array([[500, 0, 0, 0], [200, 300, 0, 0], [80, 0, 120, 0]]))
    assert expected_as_read(hidden, shares, shares).judged.tolist() == [False, True, True]


def test_modes_that_are_not_judged_are_neither_dropped_nor_covered():
    confusion = Confusion(np.array([[900, 0, 0], [600, 40, 0]]))
    shares = np.array([0.5, 0.5])
    for counts in ([1_000, 0], [500, 500]):
        made = np.array(counts)
        expected = expected_as_read(confusion, shares, made / 1_000)
        modes = ModeCounts("classes", ["a", "b"], np.arange(2), shares, made, 1_000, expected)
        tested = examine(modes, 0)
        told = (tested.dropped, tested.covered, tested.suspects, tested.undecided)
        assert not any(each[1] for each in told)


CASES = [(0.98, 0, 10, 360, 10_000), (0.7, 1, 20, 2_000, 20_000), (0.5, 1, 40, 4_000, 20_000)]


@pytest.mark.parametrize("case", CASES)
def test_no_labeller_invents_dropped_classes_and_a_good_one_finds_them(case):
    """Half of the samples misread, a rare class is read at a twentieth of its share."""
    found = read_classes(*case, 40)
    # 40 draws of 2.5 % are more than 5 with a probability of 0.1 %.
    assert int(found["said to drop"].split()[0]) <= 5
    assert int(found["one missing: said to cover"].split()[0]) <= 6
    if case[0] > 0.9:
        assert found["said to cover"] == found["one missing: named"] == "40 of 40"


def test_a_labeller_that_is_never_wrong_leaves_the_exact_test_as_it_is():
    shares = np.full(20, 0.05)
    counts = np.random.default_rng(0).multinomial(2_000, shares)
    counts[3], counts[5] = 2, 12
    right = Confusion(np.column_stack([10**7 * np.eye(20, dtype=np.int64), np.zeros(20, np.int64)]))
    plain = ModeCounts("classes", [""] * 20, np.arange(20), shares, counts, 2_000)
    read = replace(plain, expected=expected_as_read(right, shares, counts / 2_000))
    for field in ("dropped", "covered", "suspects"):
        of = [getattr(examine(modes, 0), field).tolist() for modes in (plain, read)]
        assert of[0] == of[1]
    np.testing.assert_allclose(examine(plain, 0).upper, examine(read, 0).upper, rtol=0.01)
    assert ALONE == 0.025
