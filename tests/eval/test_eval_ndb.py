"""Bins that are statistically different: the test against SciPy, and its level on real data."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency

from cgan.data import EMBEDDED
from eval.metrics import bins
from eval.metrics.base import Gathered, Inputs, UndefinedError
from eval.metrics.bins import bins_of
from eval.metrics.ndb import NDB, different_bins, jensen_shannon


def gathered(rows):
    return Gathered(len(rows), features=rows.astype(np.float32))


def test_bins_differ_as_two_proportions_do():
    """The pooled z-test is Pearson's chi-square test of the table of two by two."""
    rng = np.random.default_rng(0)
    counts, reference = rng.integers(1, 60, size=12), rng.integers(1, 200, size=12)
    expected = []
    for here, there in zip(counts, reference, strict=True):
        table = [[here, counts.sum() - here], [there, reference.sum() - there]]
        expected.append(chi2_contingency(table, correction=False).pvalue < 0.05)
    assert different_bins(counts, reference).tolist() == expected
    assert 0 < sum(expected) < 12
    assert different_bins(np.array([0, 5]), np.array([0, 9])).tolist() == [False, False]


def test_the_divergence_is_scipys():
    rng = np.random.default_rng(1)
    counts, reference = rng.integers(0, 9, size=20), rng.integers(0, 9, size=20)
    expected = jensenshannon(counts, reference) ** 2
    assert jensen_shannon(counts, reference) == pytest.approx(expected)


@pytest.fixture(scope="module")
def reference():
    return gathered(EMBEDDED["grid25"]("train").points[:4_000])


def test_held_out_samples_differ_in_a_twentieth_of_the_bins_and_errors_tell_the_spread(reference):
    points = EMBEDDED["grid25"]("test").points
    draws = [gathered(points[start : start + 1_000]) for start in range(0, 20_000, 1_000)]
    found = [NDB.measure(Inputs(draw, reference), 0) for draw in draws]
    values = np.array([each.value for each in found])
    # All draws meet one reference, so they are not independent; bins of a draw nearly are.
    assert 0.02 < values.mean() < 0.09
    told = np.mean([each.error.value for each in found])
    assert 0.5 < told / values.std(ddof=1) < 2.5
    floor = NDB.floor(Inputs(draws[0], reference), 1_000, 0)
    many = found[0].details["bins"]
    assert floor == pytest.approx((0.05, np.sqrt(0.05 * 0.95 / many)))
    assert 50 < many < 100
    assert found[0].details["reference_rows_counted"] == 2_667


def test_bins_without_samples_differ(reference):
    source = EMBEDDED["grid25"]("test")
    kept = gathered(source.points[source.labels > 4][:4_000])
    found = NDB.measure(Inputs(kept, reference), 0)
    missing = bins_of(reference).count(kept.features) == 0
    # 5 of 25 modes, which have about 2 or 3 bins each; the others have more than their share.
    assert missing.mean() == pytest.approx(0.2, abs=0.05)
    assert found.value > missing.mean()
    assert found.details["jensen_shannon_nats"] > 0.05


def test_bins_are_fitted_once_for_a_reference_and_are_always_the_same(monkeypatch):
    rows, fits = np.random.default_rng(2).normal(size=(400, 3)), []

    class Counted(bins.KMeans):
        def fit(self, *args):
            fits.append(args)
            return super().fit(*args)

    monkeypatch.setattr(bins, "KMeans", Counted)
    one, other = gathered(rows), gathered(rows)
    for samples in (gathered(rows[:50]), gathered(rows[50:])):
        NDB.measure(Inputs(samples, one), 0)
    assert len(fits) == 1
    np.testing.assert_array_equal(bins_of(other).centers, bins_of(one).centers)
    assert bins_of(one).reference.sum() == 267
    assert 2 < len(bins_of(one).centers) <= 10


def test_a_single_bin_holds_all_of_any_samples_and_leaves_the_share_undefined():
    few = gathered(np.random.default_rng(5).normal(size=(30, 4)))
    for one in (gathered(np.ones((60, 2))), few):
        assert len(bins_of(one).centers) == 1
        inputs = Inputs(gathered(one.features + 9), one)
        for ask in (NDB.measure, lambda of, seed: NDB.floor(of, 60, seed)):
            with pytest.raises(UndefinedError, match="more than one bin"):
                ask(inputs, 0)


def test_a_reference_of_few_rows_has_few_bins():
    apart = np.repeat([0.0, 9.0], 60)[np.random.default_rng(3).permutation(120)]
    two = gathered(apart[:, None] + np.random.default_rng(4).normal(size=(120, 2)))
    assert len(bins_of(two).centers) == 2
