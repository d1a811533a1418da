"""The Frechet distance against scipy's matrix square root and published libraries' values."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.cases import FINITE, pair, target

from eval.metrics.frechet import frechet_distance


def by_matrix_square_root(a, b):
    """The textbook formula; only for covariances of full rank."""
    product = np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)
    geometric = np.trace(scipy.linalg.sqrtm(product)).real
    traces = np.trace(np.cov(a, rowvar=False)) + np.trace(np.cov(b, rowvar=False))
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + traces - 2 * geometric


@pytest.mark.parametrize("name", FINITE)
def test_equals_the_reference_libraries(name):
    expected = target(name, "frechet_distance")
    real, fake = pair(name)
    close = pytest.approx(expected["value"], rel=0, abs=expected["atol"])
    assert frechet_distance(fake, real) == close
    assert frechet_distance(real, fake) == close


@pytest.mark.parametrize(("n_a", "n_b", "d"), [(300, 200, 1), (300, 200, 5), (90, 400, 24)])
def test_matches_the_matrix_square_root(n_a, n_b, d):
    rng = np.random.default_rng(d)
    a = rng.normal(size=(n_a, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)
    b = rng.normal(size=(n_b, d)) * rng.uniform(0.1, 3, size=d)
    if d == 1:
        expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    else:
        expected = by_matrix_square_root(a, b)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_of_fewer_samples_than_dimensions_equals_the_embedding():
    """Five samples on a plane in 40 dimensions: the same distance as in the plane itself."""
    rng = np.random.default_rng(3)
    plane = np.linalg.qr(rng.normal(size=(40, 2)))[0]
    a, b = rng.normal(size=(5, 2)), rng.normal(size=(7, 2)) * 2 + 1
    expected = by_matrix_square_root(a, b)
    assert frechet_distance(a @ plane.T, b @ plane.T) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "d"), [(2, 1), (50, 6), (6, 50), (50, 50)])
def test_of_identical_sets_is_zero(n, d):
    features = np.random.default_rng(n).normal(size=(n, d)).astype(np.float32)
    assert 0 <= frechet_distance(features, features) < 1e-7


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 40), d=st.integers(1, 8))
def test_order_of_samples_does_not_matter(seed, n, d):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, d)), rng.normal(size=(n + 3, d)) + 1
    distance = frechet_distance(a, b)
    assert distance > 0
    assert frechet_distance(a, rng.permutation(b)) == pytest.approx(distance, rel=1e-7, abs=1e-9)


def test_names_the_rows_that_are_not_finite():
    good = np.random.default_rng(0).normal(size=(20, 3))
    for value in (np.nan, np.inf):
        bad = good.copy()
        bad[[7, 9], 1] = value
        with pytest.raises(ValueError, match="2 of 20 rows are not finite; the first is row 7"):
            frechet_distance(good, bad)


def test_refuses_one_sample_and_other_dimensions():
    good = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(ValueError, match="1 rows; must be at least 2"):
        frechet_distance(good[:1], good)
    with pytest.raises(ValueError, match="2 dimensions in the reference and 3 in the samples"):
        frechet_distance(good, good[:, :2])
