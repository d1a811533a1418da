"""What one pass over samples keeps: moments, groups, halves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.extractors.given import Given
from eval.extractors.reader import Reader
from eval.gather import GROUPS, Wanted, gather
from eval.metrics.base import FeatureError
from eval.metrics.moments import merge, moments

READER = Reader(Given())
ALL = frozenset({"moments", "features"})


def split(rows, seed):
    cuts = np.random.default_rng(seed).integers(0, len(rows) + 1, size=5)
    return [part for part in np.split(rows, np.sort(cuts)) if len(part)]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 60), offset=st.sampled_from([0.0, 1e6]))
def test_moments_are_those_of_all_rows_however_they_come(seed, n, offset):
    rows = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32) + np.float32(offset)
    merged = merge([moments(part) for part in split(rows, seed)])
    exact = rows.astype(np.float64)
    assert merged.n == n
    np.testing.assert_allclose(merged.mean, exact.mean(axis=0), rtol=1e-12)
    expected = np.cov(exact, rowvar=False) * (n - 1)
    np.testing.assert_allclose(merged.scatter, expected, rtol=1e-8, atol=1e-8)


def test_nothing_has_no_moments():
    with pytest.raises(ValueError, match="no moments"):
        merge([])


@pytest.mark.parametrize("n", [1, GROUPS - 1, GROUPS, 101])
def test_groups_and_kept_rows_do_not_depend_on_the_chunks(n):
    rows = np.random.default_rng(n).normal(size=(n, 4)).astype(np.float32)
    (whole,) = gather([rows], READER, [Wanted(None, ALL)])
    (parts,) = gather(split(rows, 1), READER, [Wanted(None, ALL)])
    np.testing.assert_array_equal(whole.features, parts.features)
    assert len(whole.moments) == len(parts.moments) == min(n, GROUPS)
    for index, (one, other) in enumerate(zip(whole.moments, parts.moments, strict=True)):
        group = rows[index::GROUPS].astype(np.float64)
        assert one.n == other.n == len(group)
        np.testing.assert_allclose(one.mean, group.mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(one.scatter, other.scatter, atol=1e-10)


def test_one_pass_keeps_what_each_result_wants():
    rows = np.arange(60, dtype=np.float32).reshape(30, 2)
    seen = []
    wanted = [Wanted(None, frozenset({"moments"})), Wanted(7, frozenset({"features"}))]
    whole, first = gather([rows[:4], rows[4:]], READER, wanted, seen.append)
    assert (whole.n, first.n) == (30, 7)
    assert whole.features is None
    assert first.moments == ()
    np.testing.assert_array_equal(first.features, rows[:7])
    assert seen == [4, 26]


def test_a_row_that_is_not_finite_is_named():
    rows = np.zeros((9, 2), np.float32)
    rows[5, 1] = np.inf
    with pytest.raises(FeatureError, match="the first is row 5"):
        gather([rows], READER, [Wanted(None, ALL)])
