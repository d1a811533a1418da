"""Bins of data without classes: counted on rows that they were not fitted to, never too small."""

import numpy as np
import pytest

from benchmarks.null_rates import judged_in_bins, one_distribution, something_missing
from benchmarks.populations import POPULATIONS, clusters
from eval.metrics.base import Gathered
from eval.metrics.bins import COUNTED_A_BIN, FITTED_AT_MOST, FITTED_PART, bins_of


def gathered(rows):
    return Gathered(len(rows), features=rows.astype(np.float32))


def by_brute_force(rows, centers):
    return ((rows[:, None].astype(np.float64) - centers) ** 2).sum(axis=2).argmin(axis=1)


@pytest.mark.parametrize("d", [3, 40])
def test_bins_are_counted_on_the_rows_that_no_center_was_fitted_to(d):
    rows = np.random.default_rng(d).normal(size=(900, d)).astype(np.float32)
    fitted, counted = rows[: 900 // FITTED_PART], rows[900 // FITTED_PART :]
    bins = bins_of(gathered(rows))
    places = by_brute_force(counted, bins.centers)
    assert bins.reference.tolist() == np.bincount(places, minlength=len(bins.centers)).tolist()
    assert bins.reference.min() >= COUNTED_A_BIN
    np.testing.assert_array_equal(bins.place(counted), places)
    # Rows that were counted decide nothing but which bins are dissolved.
    moved = np.concatenate([fitted, counted[::-1]])
    np.testing.assert_array_equal(bins_of(gathered(moved)).centers, bins.centers)


@pytest.mark.parametrize("exponent", [-100, 100, 120])
def test_the_unit_of_features_changes_no_bin(exponent):
    rows = clusters(8, 0.4, 20, np.random.default_rng(2))(900, 0).astype(np.float32)
    scaled = bins_of(gathered(np.ldexp(rows, exponent)))
    bins = bins_of(gathered(rows))
    assert len(bins.reference) > 8
    np.testing.assert_array_equal(np.ldexp(scaled.centers, -exponent), bins.centers)
    assert scaled.reference.tolist() == bins.reference.tolist()


def test_of_many_rows_the_first_are_fitted_and_all_the_others_are_counted():
    rows = np.random.default_rng(0).normal(size=(3 * FITTED_AT_MOST + 500, 2))
    bins = bins_of(gathered(rows))
    assert bins.reference.sum() == 2 * FITTED_AT_MOST + 500
    assert 90 < len(bins.reference) <= 100


@pytest.mark.parametrize("kind", POPULATIONS)
def test_samples_of_the_references_own_distribution_drop_nothing(kind):
    """Where half of the fitted cells hold less than a quarter of what they seem to."""
    found = one_distribution(kind, 512, 1_000, 1_000, 3)
    assert found["said to drop"] == "0 of 3"
    assert float(found["NDB"]) < 0.2


def test_a_missing_cluster_and_a_missing_half_are_found():
    for missing, d, m, n in ((1, 64, 1_500, 1_000), (5, 512, 1_000, 500)):
        found = something_missing(missing, 0.5, d, m, n, 3)
        assert (found["said to drop"], found["said to cover"]) == ("3 of 3", "0 of 3")


def test_one_bin_can_not_be_missed_and_is_not_judged():
    rows = np.random.default_rng(1).normal(size=(60, 4))
    modes, tested, _ = judged_in_bins(rows, rows + 9, 0)
    assert len(modes.names) == 1
    assert not any(each.any() for each in (tested.judged, tested.covered, tested.named))


@pytest.mark.slow
@pytest.mark.parametrize("d", [64, 2048])
@pytest.mark.parametrize("kind", POPULATIONS)
def test_promised_rates_hold_where_nothing_is_missing(kind, d):
    for m, n in ((500, 500), (2_000, 2_000), (500, 4_000)):
        found = one_distribution(kind, d, m, n, 20)
        # Twenty draws of 5 % are more than 4 with a probability of 0.3 %.
        assert int(found["said to drop"].split()[0]) <= 4
        assert 0.02 < float(found["NDB"]) < 0.09


@pytest.mark.slow
def test_a_generator_at_exactly_a_quarter_of_a_cluster_is_rarely_said_to_drop_or_cover():
    dropped = covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        draw = clusters(8, 0.4, 32, rng)
        reference, whole, lacking = draw(2_000, 0), draw(2_000, 0), draw(2_000, 1)
        # Three quarters of the samples lack the cluster.
        samples = np.concatenate([whole[:500], lacking[:1_500]])
        _, tested, _ = judged_in_bins(reference, samples, seed)
        dropped += tested.named.any()
        covered += tested.covered.all()
    assert dropped <= 13
    assert covered <= 13
