"""Neighbours, precision, recall, density and coverage: equal to the references exactly."""

import numpy as np
import prdc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.cases import FINITE, arrays, pair, target
from scipy.spatial.distance import cdist

from eval.metrics import distances
from eval.metrics.balls import Balls, count_and_search, count_inside
from eval.metrics.base import FeatureError, Gathered, Inputs
from eval.metrics.density_coverage import COVERAGE, DENSITY, density_coverage
from eval.metrics.neighbors import nearest
from eval.metrics.precision_recall import PRECISION, RECALL, precision_recall

METRICS = (PRECISION, RECALL, DENSITY, COVERAGE)


def brute_force(real, fake, k, ties):
    """The four figures from the whole matrix of float64 distances."""

    def radii(rows):
        own = cdist(rows, rows, "sqeuclidean")
        np.fill_diagonal(own, np.inf)
        return np.sort(own, axis=1)[:, k - 1]

    real, fake = real.astype("f8"), fake.astype("f8")
    across = cdist(real, fake, "sqeuclidean")
    inside = np.less_equal if ties == "inclusive" else np.less
    of_real, of_fake = inside(across, radii(real)[:, None]), inside(across, radii(fake))
    return (
        of_real.any(axis=0).mean(),
        of_fake.any(axis=1).mean(),
        of_real.sum() / (k * len(fake)),
        of_real.any(axis=1).mean(),
    )


def figures(real, fake, k, ties):
    return (*precision_recall(real, fake, k, ties), *density_coverage(real, fake, k, ties))


@pytest.mark.parametrize("name", FINITE)
def test_equal_to_the_references(name):
    real, fake = pair(name)
    for k in (3, 5):
        for ties in ("strict", "inclusive"):
            found = figures(real, fake, k, ties)
            expected = target(name, f"prdc_k{k}_{ties}")["value"]
            names = ("precision", "recall", "density", "coverage")
            assert found == pytest.approx([expected[key] for key in names], abs=1e-12)


def test_equal_to_prdc_itself():
    real, fake = np.random.default_rng(0).normal(size=(2, 300, 20)).astype("f4")
    expected = prdc.compute_prdc(real.astype("f8"), fake.astype("f8"), 4)
    found = figures(real, fake, 4, "strict")
    assert found == pytest.approx(
        [expected[key] for key in ("precision", "recall", "density", "coverage")], abs=1e-12
    )


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    d=st.sampled_from([1, 3, 12]),
    ties=st.sampled_from(["strict", "inclusive"]),
    levels=st.sampled_from([2, 5, 1000]),
)
def test_equal_to_brute_force_with_copies_and_ties(seed, d, ties, levels):
    rng = np.random.default_rng(seed)
    real, fake = (rng.integers(0, levels, size=(n, d)).astype("f4") for n in (60, 50))
    fake[:5] = real[:5]
    assert figures(real, fake, 3, ties) == pytest.approx(brute_force(real, fake, 3, ties))


@pytest.mark.parametrize("noise", [0, 1e-7, 1e-4])
def test_a_collapsed_generator_is_measured_exactly(noise):
    rng = np.random.default_rng(1)
    real = rng.normal(size=(500, 24)).astype("f4")
    fake = (real[3] + 0.1 + noise * rng.normal(size=(400, 24))).astype("f4")
    expected = brute_force(real, fake, 3, "inclusive")
    assert figures(real, fake, 3, "inclusive") == pytest.approx(expected)


def test_tiles_do_not_matter(monkeypatch):
    real, fake = pair("mode_imbalanced")
    expected = figures(real[:600], fake[:500], 3, "inclusive")
    monkeypatch.setattr(distances, "BLOCK", 128)
    monkeypatch.setattr(distances, "NUMBERS_AT_ONCE", 1000)
    assert figures(real[:600], fake[:500], 3, "inclusive") == expected


@pytest.mark.parametrize("d", [2, 30])
def test_neighbors_in_order_without_the_row_itself(d):
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(200, d)).astype("f4")
    rows[100:110] = rows[7]
    exact = cdist(rows.astype("f8"), rows.astype("f8"), "sqeuclidean")
    np.fill_diagonal(exact, np.inf)
    found = nearest(rows, rows, 4, within=True)
    np.testing.assert_allclose(found.squares, np.sort(exact, axis=1)[:, :4], rtol=1e-12)
    assert not (found.indices == np.arange(200)[:, None]).any()
    chosen = np.take_along_axis(exact, found.indices, axis=1)
    np.testing.assert_allclose(chosen, found.squares, rtol=1e-12)
    across = nearest(rows[:20] + 0.1, rows, 3)
    expected = np.sort(cdist(rows[:20].astype("f4") + np.float32(0.1), rows, "sqeuclidean"))[:, :3]
    np.testing.assert_allclose(across.squares, expected, rtol=1e-5)


def test_counts_by_sets_of_fakes():
    rng = np.random.default_rng(3)
    real, fake = rng.normal(size=(2, 90, 10)).astype("f4")
    sets = rng.integers(0, 2, size=(90, 3)).astype(bool)
    radii = rng.uniform(10, 25, size=90)
    inside = cdist(real.astype("f8"), fake.astype("f8"), "sqeuclidean") <= radii[:, None]
    (found,) = count_inside(real, fake, [Balls("real", radii, "inclusive", by_sets=True)], sets)
    np.testing.assert_array_equal(found.of_fake, inside.sum(axis=0))
    np.testing.assert_array_equal(found.of_real[:, 0], inside.any(axis=1))
    np.testing.assert_array_equal(found.of_real[:, 1:], inside.astype(int) @ sets > 0)


def test_more_sets_than_a_word_has_bits_and_candidates_of_the_same_tiles(monkeypatch):
    monkeypatch.setattr(distances, "BLOCK", 32)
    rng = np.random.default_rng(7)
    real, fake = rng.normal(size=(70, 10)).astype("f4"), rng.normal(size=(90, 10)).astype("f4")
    sets, across = rng.integers(0, 2, size=(90, 40)).astype(bool), cdist(real, fake, "sqeuclidean")
    radii = rng.uniform(5, 25, size=90)
    tests = [Balls("fake", radii, "inclusive", by_sets=True), Balls("fake", radii / 2, "strict")]
    (first, second), likely = count_and_search(real, fake, tests, sets, 3)
    np.testing.assert_array_equal(first.of_real[:, 1:], (across <= radii).astype(int) @ sets > 0)
    np.testing.assert_array_equal(second.of_real[:, 0], (across < radii / 2).any(axis=1))
    np.testing.assert_array_equal(np.sort(likely.columns), np.sort(across.argsort(axis=0)[:3].T))
    assert (likely.lower < likely.upper).all()


def measured(real, fake, seed=0):
    inputs = Inputs(Gathered(len(fake), features=fake), Gathered(len(real), features=real))
    return [metric.measure(inputs, seed) for metric in METRICS]


def test_the_table_has_the_same_figures():
    real, fake = pair("mode_dropped")
    values = [value.value for value in measured(real, fake)]
    expected = (*precision_recall(real, fake), *density_coverage(real, fake))
    assert values == pytest.approx(expected, abs=1e-12)
    assert {value.n for value in measured(real, fake)} == {1_500}


def test_standard_errors_are_the_spread_over_new_draws():
    """Within a factor that 30 draws, and 8 halves in each, leave."""
    rng = np.random.default_rng(4)
    real = rng.normal(size=(300, 10)).astype("f4")
    found = [measured(real, rng.normal(0.2, 0.9, size=(200, 10)).astype("f4")) for _ in range(30)]
    for each in zip(*found, strict=True):
        spread = np.std([value.value for value in each], ddof=1)
        told = np.sqrt(np.mean([value.error.value**2 for value in each]))
        assert 0.6 * spread < told < 1.7 * spread


def test_bad_features_are_refused():
    real, fake = pair("tiny_n")
    with pytest.raises(FeatureError, match="k = 9: must be at most the 8 rows"):
        precision_recall(real, fake, 9)
    with pytest.raises(FeatureError, match="1 rows; must be at least 2"):
        density_coverage(real, fake[:1])
    with pytest.raises(FeatureError, match="3 dimensions in the reference and 2 in the samples"):
        precision_recall(real, fake[:, :2])
    made = arrays("nonfinite")
    for measure in (precision_recall, density_coverage):
        with pytest.raises(FeatureError, match="1 of 375 rows are not finite; the first is row 7"):
            measure(made["real"], made["fake"])
