"""Differences, tests and their correction against SciPy and against numbers worked out by hand."""

import numpy as np
import pytest
from scipy import stats

from eval.study.statistics import holm, paired, spread


def test_a_paired_difference_is_scipys_on_the_seeds_that_both_have():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(size=(2, 7))
    found = paired(dict(enumerate(ours)) | {90: 1.0}, dict(enumerate(theirs)) | {91: -5.0, 92: 2.0})
    expected = stats.ttest_rel(ours, theirs)
    assert found.pairs == 7
    assert found.mean == pytest.approx(np.mean(ours - theirs))
    assert found.error == pytest.approx(np.std(ours - theirs, ddof=1) / 7**0.5)
    assert found.p == pytest.approx(expected.pvalue)


def test_a_paired_difference_by_hand():
    """Differences 1, 2, 3: mean 2, error 1 / sqrt(3), t = 2 sqrt(3) with 2 degrees of freedom.

    For 2 degrees of freedom the two-sided p is 1 - t / sqrt(2 + t^2) = 1 - sqrt(12 / 14).
    """
    found = paired({0: 2.0, 1: 4.0, 2: 6.0}, {0: 1.0, 1: 2.0, 2: 3.0})
    assert (found.pairs, found.mean) == (3, 2.0)
    assert found.error == pytest.approx(3**-0.5)
    assert found.p == pytest.approx(1 - (12 / 14) ** 0.5)


def test_equal_runs_do_not_differ_and_one_seed_says_nothing():
    same = {0: 25.0, 1: 25.0}
    assert paired(same, same) == (2, 0.0, 0.0, 1.0)
    assert paired({0: 26.0, 1: 26.0}, same).p == 0.0
    assert paired({0: 0.1 + 0.2, 1: 0.3}, {0: 0.1, 1: 0.1}).p == 0.0  # equal but for rounding
    assert paired({0: 1.0}, same) is None
    assert paired({}, {}) is None


def test_holm_by_hand():
    """Sorted 0.01, 0.02, 0.04, 0.5, times 4, 3, 2, 1, and never falling."""
    assert holm([0.04, 0.01, 0.5, 0.02]) == pytest.approx([0.08, 0.04, 0.5, 0.06])
    assert holm([0.03, 0.02]) == pytest.approx([0.04, 0.04])
    assert holm([0.7, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_spread_over_seeds():
    assert spread([]) is None
    assert spread([3.0]) == (3.0, None)
    assert spread([1.0, 3.0]) == (2.0, pytest.approx(2**0.5))
