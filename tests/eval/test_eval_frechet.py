"""The Frechet distance against scipy's matrix square root and published libraries' values."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.metrics.frechet import frechet_distance

CASES = json.loads((Path(__file__).parent / "frechet_cases.json").read_text())["cases"]
RANK_DEFICIENT = {"identical", "duplicated", "rank_deficient", "relu_dead"}


def correlated(stream, n, d):
    z = stream.standard_normal((n, d))
    scales = 0.25 + 1.5 * (np.arange(d) + 1.0) / d
    return (z + 0.5 * np.roll(z, 1, axis=1) + 0.25 * np.roll(z, 2, axis=1)) * scales


def mixture(stream, n, d, centres, weights, std):
    edges = np.cumsum(np.asarray(weights, float) / np.sum(weights))
    labels = np.searchsorted(edges, stream.random_sample(n), side="right")
    labels = labels.clip(0, len(centres) - 1)
    return centres[labels] + std * stream.standard_normal((n, d))


def build(kind, seed, n_real, n_fake, dim, **p):
    """The float32 features of one case. RandomState's stream is frozen: every machine agrees."""
    stream = np.random.RandomState(seed)
    if kind == "mode_dropped":
        centres = p["sep"] * stream.standard_normal((p["modes"], dim))
        real = mixture(stream, n_real, dim, centres, np.ones(p["modes"]), p["std"])
        weights = np.arange(p["modes"]) < p["kept"]
        fake = mixture(stream, n_fake, dim, centres, weights, p["std"])
    else:
        real = correlated(stream, n_real, dim)
        if kind == "identical":
            fake = real.copy()
        elif kind == "duplicated":
            fake = correlated(stream, p["unique"], dim)[np.arange(n_fake) % p["unique"]]
        else:
            fake = correlated(stream, n_fake, dim)
    if kind == "shifted":
        fake = fake + p["shift"]
    elif kind == "rank_deficient":
        fake = fake * 1.1 + 0.1
    elif kind == "relu_dead":
        real, fake = np.maximum(real - 0.3, 0), np.maximum(fake - 0.2, 0)
        real[:, ::8] = 0.0
        fake[:, ::8] = 0.0
    elif kind == "offset":
        real, fake = real + p["offset"], fake + p["offset"] + 0.25
    elif kind == "scale_extreme":
        real, fake = real * p["scale"], (fake + 0.25) * p["scale"]
    elif kind == "outlier":
        fake = fake + 0.5
        real[0] = p["far"]
    return real.astype(np.float32), fake.astype(np.float32)


def sha256(array):
    header = repr((array.dtype.str, array.shape)).encode()
    return hashlib.sha256(header + np.ascontiguousarray(array).tobytes()).hexdigest()


def by_matrix_square_root(a, b):
    """The textbook formula; only for covariances of full rank."""
    product = np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)
    geometric = np.trace(scipy.linalg.sqrtm(product)).real
    traces = np.trace(np.cov(a, rowvar=False)) + np.trace(np.cov(b, rowvar=False))
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + traces - 2 * geometric


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_matches_the_reference_libraries(case):
    real, fake = build(**case["recipe"])
    assert sha256(real) == case["real_sha256"], "the recipe makes other inputs on this machine"
    relative = 1e-9 if case["name"] in RANK_DEFICIENT else 1e-10
    expected = pytest.approx(case["frechet_distance"], rel=0, abs=relative * case["traces"])
    assert frechet_distance(fake, real) == expected
    assert frechet_distance(real, fake) == expected


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
    with pytest.raises(ValueError, match="at least 2 samples, not 1"):
        frechet_distance(good[:1], good)
    with pytest.raises(ValueError, match="3 dimensions in one set and 2 in the other"):
        frechet_distance(good, good[:, :2])
