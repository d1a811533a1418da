"""The birthday paradox: supports that are known, and intervals that cover the truth."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from eval.metrics.base import FeatureError, Gathered, Inputs
from eval.metrics.birthday import BIRTHDAY, calibrate, even_batch
from eval.metrics.collisions import collisions, count_alike
from eval.metrics.neighbors import nearest

DIMENSIONS = 12


def gathered(rows):
    return Gathered(len(rows), features=rows.astype(np.float32))


@pytest.fixture(scope="module")
def train():
    return gathered(np.random.default_rng(0).normal(size=(1_000, DIMENSIONS)))


def measured(samples, train):
    return BIRTHDAY.measure(Inputs(gathered(samples), train), 0)


@pytest.mark.parametrize("jitter", [0, 1e-3])
@pytest.mark.parametrize("support", [10, 100, 1_000, 10_000])
def test_a_support_that_is_known_is_found(train, support, jitter):
    rng = np.random.default_rng(support)
    made = rng.normal(size=(support, DIMENSIONS))[rng.integers(support, size=3_000)]
    found = measured(made + jitter * rng.normal(size=made.shape), train)
    # Real pairs that are alike by chance, 16 of half a million, are among those counted.
    expected = 1 / (1 / support + 16 / (1_000 * 999 / 2))
    low, high = found.details["interval_95"]
    assert low < expected < high
    assert found.value == pytest.approx(expected, abs=4 * found.error.value)
    assert (found.details["repeated_share"] > 0.5) == (support < 100)


def test_new_samples_score_what_the_train_set_does(train):
    fresh = np.random.default_rng(1).normal(size=(3_000, DIMENSIONS))
    found, floor = measured(fresh, train), BIRTHDAY.floor(Inputs(train, train), 3_000, 0)
    assert floor.mean == pytest.approx(1_000 * 999 / 2 / 16)
    assert found.value == pytest.approx(floor.mean, rel=0.6)
    assert found.details["repeated_share"] == 0
    assert found.details["small_below"] == 100
    assert found.details["train_pairs_alike"] == 16


def test_without_a_pair_there_is_a_bound_and_no_number(train):
    found = measured(np.arange(40)[:, None] * np.ones(DIMENSIONS), train)
    assert found.value is None
    assert found.error is None
    # 1 - 0.025 of Poisson numbers with a mean of 3.69 are not 0.
    assert found.details["at_least"] == pytest.approx(40 * 39 / 2 / -np.log(0.025))
    assert found.details["interval_95"] == [pytest.approx(found.details["at_least"]), None]
    assert "even_batch" not in found.details


@pytest.mark.parametrize("dimensions", [2, DIMENSIONS])
def test_pairs_are_counted_exactly(dimensions):
    rows = np.random.default_rng(2).normal(size=(300, dimensions)).astype(np.float32)
    rows[7] = rows[8] = rows[9]
    squares = squareform(pdist(rows.astype(np.float64), "sqeuclidean"))
    for square in (0.0, squares[3, 4], 2.0):
        expected = (squares <= square * (1 + 1e-12)).sum(axis=1) - 1
        np.testing.assert_array_equal(count_alike(rows, square * (1 + 1e-12)), expected)
    assert count_alike(rows, 0.0).sum() == 6


def test_known_neighbors_leave_little_to_count():
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(120, DIMENSIONS)).astype(np.float32)
    rows[40:60] = rows[0]
    near = nearest(rows, rows, 4, within=True)
    squares = squareform(pdist(rows.astype(np.float64), "sqeuclidean"))
    for square in (0.0, 4.0, 12.0, 1e3):
        expected = (squares <= square).sum(axis=1) - 1
        np.testing.assert_array_equal(count_alike(rows, square, near), expected)
    # Copies are no different samples; without any, what is known already is all that is needed.
    assert calibrate(rows, near) == calibrate(rows)
    apart = rows[:40]
    assert calibrate(apart, nearest(apart, apart, 4, within=True)) == calibrate(apart)


def test_the_criterion_is_the_distance_of_the_nearest_different_pairs():
    rows = np.random.default_rng(3).normal(size=(200, DIMENSIONS)).astype(np.float32)
    apart = np.sort(pdist(rows.astype(np.float64), "sqeuclidean"))
    assert calibrate(rows).squared_distance == pytest.approx(apart[15], rel=1e-9)
    assert calibrate(rows).real.pairs == 16
    # Copies in the train set don't set the criterion; they count as the pairs that they are.
    doubled = np.concatenate([rows, rows[:50]])
    assert calibrate(doubled).squared_distance == pytest.approx(apart[15], rel=1e-9)
    assert calibrate(doubled).real.pairs >= 16 + 50
    assert calibrate(np.ones((9, 2), np.float32)).real.share == 1
    with pytest.raises(FeatureError, match="at least 2"):
        calibrate(rows[:1])


def test_a_batch_of_23_has_a_birthday_in_common_more_often_than_not():
    assert even_batch(1 / 365) == 23
    for n in (2, 5, 10, 1_000):
        missed = np.cumprod(1 - np.arange(n) / n)
        assert even_batch(1 / n) == 1 + np.flatnonzero(missed <= 0.5)[0]


ZIPF = 1 / np.arange(1, 301) / (1 / np.arange(1, 301)).sum()
ATOM = np.append(0.1, np.full(3_000, 0.9 / 3_000))
SHARES = {
    "uniform 20": np.full(20, 1 / 20),
    "uniform 2,000": np.full(2_000, 1 / 2_000),
    "zipf": ZIPF,
    "an atom of a tenth": ATOM,
}


@pytest.mark.parametrize("name", SHARES)
def test_the_interval_covers_the_truth(name):
    shares, rng = SHARES[name], np.random.default_rng(4)
    found = []
    for counts in rng.multinomial(400, shares, size=400):
        found.append(collisions(np.repeat(counts, counts) - 1))
    truth = (shares**2).sum()
    covered = np.mean([each.low <= truth <= each.high for each in found])
    # 95 %, less what 400 draws leave open (4 standard errors of 1.1 points) and a point of bias.
    assert covered > 0.895
    spread = np.std([each.share for each in found])
    told = np.sqrt(np.mean([each.standard_error**2 for each in found]))
    assert told / spread == pytest.approx(1, abs=0.25)
