"""What a perfect sampler's Frechet distance is said to be, beside what it is."""

import numpy as np
import pytest

from benchmarks.null_rates import gathered
from benchmarks.populations import POPULATIONS, sample_gaussian, spectrum
from eval.metrics.base import Gathered, Inputs
from eval.metrics.frechet import FRECHET, frechet_distance
from eval.metrics.wishart import covariance_distances, population_spectrum


def said(rows, n):
    return FRECHET.floor(Inputs(gathered(rows), gathered(rows)), n, 0)


def true_distance(draw, n, m, draws):
    return np.mean([frechet_distance(draw(n), draw(m)) for _ in range(draws)])


@pytest.mark.parametrize(("n", "m"), [(200, 80), (60, 100), (24, 30)])
def test_drawn_covariances_are_as_far_apart_as_those_of_samples(n, m):
    """Of more rows than dimensions, of fewer, and of one such beside the other."""
    rng, values = np.random.default_rng(0), spectrum(60, 1)

    def apart():
        a, b = (sample_gaussian(values, count, rng) for count in (n, m))
        means = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
        return frechet_distance(a, b) - means

    rows = np.array([apart() for _ in range(60)])
    drawn = covariance_distances(values, [(n, m)], 60, rng)[:, 0]
    error = np.hypot(rows.std(), drawn.std()) / np.sqrt(60)
    assert abs(rows.mean() - drawn.mean()) < 3.5 * error
    assert drawn.std() == pytest.approx(rows.std(), rel=0.4)


@pytest.mark.parametrize(("n", "power"), [(120, 0), (600, 0), (600, 0.5)])
def test_a_spectrum_is_found_that_samples_have_spread(n, power):
    rng, values = np.random.default_rng(1), spectrum(100, power)
    seen = np.linalg.eigvalsh(np.cov(sample_gaussian(values, n, rng), rowvar=False))
    found = population_spectrum(seen, n, rng)
    assert found.sum() == pytest.approx(seen.sum())
    assert (np.diff(found) <= 0).all()
    spread, before, true = ((of**2).sum() / of.sum() ** 2 for of in (found, seen, values))
    assert abs(spread - true) < 0.35 * abs(before - true)


@pytest.mark.parametrize("power", [0, 1])
@pytest.mark.parametrize(("n", "m"), [(625, 250), (64, 64), (2_000, 50)])
def test_the_perfect_sampler_is_right_where_rows_are_as_few_as_dimensions(n, m, power):
    rng, values = np.random.default_rng(n), spectrum(64, power)
    true = true_distance(lambda count: sample_gaussian(values, count, rng), n, m, 40)
    floors = [said(sample_gaussian(values, m, rng), n) for _ in range(2)]
    # Two references tell of the sum of the spectrum to 3 to 4 %.
    assert np.mean([floor.mean for floor in floors]) == pytest.approx(true, rel=0.08)


def test_the_perfect_sampler_is_right_for_features_that_are_no_gaussians():
    rng = np.random.default_rng(5)
    draw = POPULATIONS["rectified"](48, rng)
    floors = [said(draw(150), 400).mean for _ in range(2)]
    assert np.mean(floors) == pytest.approx(true_distance(draw, 400, 150, 40), rel=0.08)


def test_too_few_rows_and_rows_that_are_all_the_same():
    one = np.ones((9, 3))
    assert FRECHET.floor(Inputs(Gathered(9), gathered(one)), 9, 0) == (0, 0)
    assert FRECHET.floor(Inputs(Gathered(9), gathered(one[:3])), 9, 0) is None


@pytest.mark.slow
def test_the_example_that_was_an_eighth_too_low():
    rng, values = np.random.default_rng(7), spectrum(512, 0)
    floor = said(sample_gaussian(values, 2_000, rng), 5_000)
    assert floor.mean == pytest.approx(46.8, rel=0.02)
