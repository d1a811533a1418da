"""Modes, reverse KL and quality of points against independent NumPy and SciPy."""

import dataclasses
import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from cgan.config import Data
from cgan.data import EMBEDDED as SOURCES
from cgan.data import load_source
from eval.dataset.noise import box_noise
from eval.extractors import points
from eval.extractors.reader import Reader
from eval.gather import Wanted, gather
from eval.metrics.base import Gathered, Inputs
from eval.metrics.modes import CAPTURED_AT_1, CAPTURED_AT_20, captured_floor
from eval.metrics.quality import HIGH_QUALITY, WIDTH_RATIO, truncated_sigma, width_ratio
from eval.metrics.reverse_kl import REVERSE_KL, reverse_kl
from eval.metrics.shares import OFF_MODE_SHARE, sampler_floor
from eval.metrics.total_variation import TOTAL_VARIATION, total_variation
from eval.records.record import Record
from eval.records.words import summary

MIXTURES = ("ring8", "grid25", "grid100")
METRICS = (CAPTURED_AT_1, CAPTURED_AT_20, HIGH_QUALITY, WIDTH_RATIO, REVERSE_KL, TOTAL_VARIATION)
BY_NAME = {metric.name: metric for metric in METRICS}


def inputs_for(source, stored):
    extractor = points.load(source)
    reader = Reader(extractor, extractor, len(source.class_names))
    wanted = Wanted(None, frozenset({"counts", "features", "labels"}))
    (gathered,) = gather([stored], reader, [wanted])
    return Inputs(gathered, gathered, source)


def measure(name, source, stored):
    return BY_NAME[name].measure(inputs_for(source, stored), 0)


@pytest.fixture(params=MIXTURES)
def held_out(request):
    return SOURCES[request.param]("test")


def test_points_belong_to_the_nearest_mode_within_three_sigma(held_out):
    rng = np.random.default_rng(0)
    offsets = rng.normal(size=(500, 2)) * 2 * held_out.sigma
    stored = (held_out.means[rng.integers(len(held_out.means), size=500)] + offsets).astype("f4")
    distances = cdist(stored.astype("f8"), held_out.means)
    expected = [int(np.argmin(row)) if row.min() <= 3 * held_out.sigma else -1 for row in distances]
    labels = points.load(held_out)(stored).labels
    assert labels.tolist() == expected
    assert 0 < (labels == -1).sum() < 500


def test_real_points_have_the_quality_and_the_width_of_the_truth(held_out):
    stored = held_out.points[:20_000]
    share = measure("high_quality_share_3sigma", held_out, stored).value
    assert share == pytest.approx(scipy.stats.rayleigh.cdf(3), abs=0.003)
    assert measure("mode_width_ratio_3sigma", held_out, stored).value == pytest.approx(1, abs=0.02)
    assert measure("modes_captured_at_1", held_out, stored).value == len(held_out.means)


def test_modes_too_narrow_or_too_wide_show_in_the_width(held_out):
    rng = np.random.default_rng(1)
    labels = rng.integers(len(held_out.means), size=5_000)
    narrow = held_out.means[labels] + rng.normal(scale=0.3 * held_out.sigma, size=(5_000, 2))
    ratio = width_ratio(narrow, labels, len(held_out.means), held_out.sigma)
    assert ratio == pytest.approx(0.3 / 0.9744, abs=0.02)
    collapsed = measure("mode_width_ratio_3sigma", held_out, held_out.means[labels].astype("f4"))
    assert collapsed.value == pytest.approx(0, abs=1e-3)


def test_width_of_a_cut_gaussian_matches_a_simulation():
    draws = np.random.default_rng(2).normal(size=(400_000, 2))
    kept = draws[np.hypot(*draws.T) < 3]
    assert truncated_sigma(3.0) == pytest.approx(np.sqrt((kept**2).mean()), abs=0.002)


def test_width_is_right_with_few_samples_in_a_mode():
    """Two samples a mode: deviations from their own mean count as one, not two."""
    labels = np.repeat(np.arange(4_000), 2)
    stored = np.random.default_rng(5).normal(size=(8_000, 2)) + 50 * labels[:, None]
    expected = 1 / truncated_sigma(3.0)
    assert width_ratio(stored, labels, 4_000, 1.0) == pytest.approx(expected, abs=0.03)


def test_width_is_undefined_while_no_mode_has_two_samples():
    one_each = np.array([[0.0, 0.0], [1.0, 1.0], [9.0, 9.0]])
    assert width_ratio(one_each, np.array([0, 1, -1]), 2, 0.1) is None
    nothing = np.array([-1, -1, -1])
    assert width_ratio(one_each, nothing, 2, 0.1) is None


@pytest.mark.parametrize("name", MIXTURES)
def test_uniform_noise_is_rarely_of_high_quality(name):
    source = SOURCES[name]("train")
    stored = box_noise(source, 50_000, np.random.default_rng(3))
    low, high = stored.min(axis=0), stored.max(axis=0)
    margin = 3 * source.sigma
    np.testing.assert_allclose(low, source.means.min(axis=0) - margin, atol=0.01)
    np.testing.assert_allclose(high, source.means.max(axis=0) + margin, atol=0.01)
    discs = len(source.means) * np.pi * margin**2
    expected = discs / np.prod(np.ptp(source.means, axis=0) + 2 * margin)
    share = measure("high_quality_share_3sigma", source, stored).value
    assert share == pytest.approx(expected, abs=0.003)
    assert share < 0.03


def test_dropped_modes_are_counted_and_named():
    source = SOURCES["ring8"]("test")
    kept = source.points[~np.isin(source.labels, [2, 5])][:4_000]
    found = measure("modes_captured_at_1", source, kept)
    details = found.details
    assert found.value == 6
    assert details["out_of"] == 8
    assert details["missing_count"] == 2
    assert details["missing"] == [source.class_names[2], source.class_names[5]]


@pytest.mark.parametrize(("far", "told"), [(396, ", with 99% of the samples in none"), (0, "")])
def test_modes_that_few_samples_lie_in_are_not_told_as_if_all_did(far, told):
    source = SOURCES["ring8"]("test")
    outside = np.full((far, 2), 100.0)
    stored = np.concatenate([source.means[:4], outside]).astype("f4")
    found = measure("modes_captured_at_1", source, stored)
    assert found.details["share_in_none"] == far / len(stored)
    known = {"metric": CAPTURED_AT_1.name, "value": found.value, "samples": "generated"}
    left_out = dict.fromkeys(field.name for field in dataclasses.fields(Record))
    left_out |= dict.fromkeys(("n", "seed", "reference_n", "floor_n"), 0)
    left_out |= dict.fromkeys(("source", "extractor", "extractor_fingerprint", "reference"), "")
    record = Record(**left_out | known | {"details": found.details})
    sentence = summary({record.metric: CAPTURED_AT_1}, [record])
    assert sentence.startswith(f"4 of 8 modes{told}. Missing: ")


def test_a_mode_needs_as_many_samples_as_asked():
    source = SOURCES["ring8"]("test")
    counts = [1, 19, 20, 21, 0, 100, 100, 100]
    stored = np.repeat(source.means, counts, axis=0).astype(np.float32)
    assert measure("modes_captured_at_1", source, stored).value == 7
    assert measure("modes_captured_at_20", source, stored).value == 5


def test_only_the_first_missing_names_are_listed():
    source = SOURCES["grid100"]("test")
    found = measure("modes_captured_at_1", source, source.means[:3].astype("f4"))
    details = found.details
    assert found.value == 3
    assert details["missing_count"] == 97
    assert details["missing"] == source.class_names[3:13]


def test_reverse_kl_matches_scipy():
    rng = np.random.default_rng(4)
    for bins in (2, 10, 200):
        counts = rng.integers(0, 30, size=bins)
        counts[0] = 0
        counts[1] = 5
        shares = rng.dirichlet(np.ones(bins))
        assert reverse_kl(counts, shares) == pytest.approx(scipy.stats.entropy(counts, shares))


def test_reverse_kl_of_extremes():
    equal = np.full(8, 1 / 8)
    assert reverse_kl(np.full(8, 7), equal) == pytest.approx(0, abs=1e-12)
    assert reverse_kl(np.eye(8, dtype=int)[3] * 50, equal) == pytest.approx(np.log(8))
    assert reverse_kl(np.array([1, 1]), np.array([1.0, 0.0])) == np.inf
    with pytest.raises(ValueError, match="at least 1 sample"):
        reverse_kl(np.zeros(8, int), equal)


def test_total_variation_is_the_largest_difference_over_sets_of_modes():
    rng = np.random.default_rng(7)
    for _ in range(5):
        counts, shares = rng.integers(0, 30, size=6), rng.dirichlet(np.ones(6))
        sets = np.array(list(itertools.product([0, 1], repeat=6)))
        largest = (sets @ (counts / counts.sum() - shares)).max()
        assert total_variation(counts, shares) == pytest.approx(largest)
    assert total_variation(np.array([5, 5]), np.array([0.5, 0.5])) == 0
    assert total_variation(np.array([9, 0]), np.array([0.0, 1.0])) == 1
    with pytest.raises(ValueError, match="at least 1 sample"):
        total_variation(np.zeros(8, int), np.full(8, 1 / 8))


def test_total_variation_of_a_perfect_sampler_follows_its_asymptote():
    """The mean of |N(0, p (1 - p) / n)|, halved and summed."""
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    mean, sd = sampler_floor(total_variation, shares, 5_000, 1)
    expected = np.sqrt(2 / np.pi * shares * (1 - shares) / 5_000).sum() / 2
    assert mean == pytest.approx(expected, abs=4 * sd / np.sqrt(64))


def test_points_outside_all_modes_cost_total_variation(held_out):
    far = np.full((5_000, 2), 99, np.float32)
    alone = measure("total_variation", held_out, far).value
    assert alone == pytest.approx(1 - OFF_MODE_SHARE)
    mixed = np.concatenate([held_out.points[:2_500], far[:2_500]])
    assert measure("total_variation", held_out, mixed).value == pytest.approx(alone / 2, abs=0.02)


def test_points_outside_all_modes_cost_reverse_kl(held_out):
    real = measure("reverse_kl_nats", held_out, held_out.points[:5_000]).value
    far = np.full((5_000, 2), 99, np.float32)
    assert measure("reverse_kl_nats", held_out, far).value == pytest.approx(4.5)
    mixed = np.concatenate([held_out.points[:2_500], far[:2_500]])
    assert measure("reverse_kl_nats", held_out, mixed).value > 1
    assert real < 0.02
    counts = [3, *np.full(len(held_out.means) - 1, 7), 40]
    stored = np.repeat([*held_out.means, [99, 99]], counts, axis=0).astype(np.float32)
    tail = np.exp(-4.5)
    shares = [*np.full(len(held_out.means), (1 - tail) / len(held_out.means)), tail]
    expected = scipy.stats.entropy(counts, shares)
    assert measure("reverse_kl_nats", held_out, stored).value == pytest.approx(expected, rel=1e-9)
    assert scipy.stats.rayleigh.sf(3) == pytest.approx(OFF_MODE_SHARE)


def test_images_have_no_bin_for_samples_without_a_class():
    source = SOURCES["digits"]("test")
    gathered = Gathered(2, counts=np.array([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]))
    with pytest.raises(ValueError, match="1 samples of digits have no class"):
        REVERSE_KL.measure(Inputs(gathered, gathered, source), 0)


def test_floor_of_a_thousand_modes():
    mean, sd = sampler_floor(reverse_kl, np.full(1000, 1e-3), 26_000, 0)
    assert mean == pytest.approx(0.0193, abs=0.0005)
    assert 0.0003 < sd < 0.003
    assert sampler_floor(reverse_kl, np.full(1000, 1e-3), 26_000, 0) == (mean, sd)


def test_floor_follows_its_asymptote():
    mean, sd = sampler_floor(reverse_kl, np.full(10, 0.1), 10_000, 1)
    assert mean == pytest.approx(9 / 20_000, abs=3 * sd / np.sqrt(64))


def test_a_perfect_sampler_misses_rare_modes_as_often_as_the_binomial_says():
    """By hand: two samples capture p = 1/4 with 1 - (3/4)^2 = 7/16, and both with 2 / 16."""
    shares = np.array([0.25, 0.75])
    assert captured_floor(shares, 2, 1, 0).mean == pytest.approx(7 / 16 + 15 / 16)
    assert captured_floor(shares, 2, 2, 0).mean == pytest.approx(1 / 16 + 9 / 16)
    assert captured_floor(shares[:1], 2, 1, 0).mean == pytest.approx(7 / 16)
    # Exactly one or two captured, two with probability 6/16: a standard deviation of sqrt(15) / 8.
    assert captured_floor(shares, 2, 1, 0).sd == pytest.approx(15**0.5 / 8, rel=0.1)
    assert captured_floor(np.full(1000, 1e-3), 1000, 1, 0).mean == pytest.approx(632.3, abs=0.1)


def test_the_floor_of_captured_modes_is_what_real_samples_of_rare_modes_score():
    source = load_source(Data("grid25", imbalance=2.0), "test")
    rng = np.random.default_rng(7)
    draws = [source.points[rng.permutation(len(source))[:300]] for _ in range(40)]
    found = [measure("modes_captured_at_1", source, stored).value for stored in draws]
    inputs = inputs_for(source, draws[0])
    floor = CAPTURED_AT_1.floor(inputs, 300, 0)
    assert 10 < floor.mean < 24
    assert np.mean(found) == pytest.approx(floor.mean, abs=4 * floor.sd / np.sqrt(40))
    assert np.std(found, ddof=1) == pytest.approx(floor.sd, rel=0.4)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_samples_does_not_matter(seed):
    source = SOURCES["ring8"]("test")
    rng = np.random.default_rng(seed)
    stored = source.points[rng.integers(len(source), size=200)]
    shuffled = rng.permutation(stored)
    for metric in METRICS:
        before = metric.measure(inputs_for(source, stored), 0)
        after = metric.measure(inputs_for(source, shuffled), 0)
        assert after.value == pytest.approx(before.value, rel=1e-9)
        assert after.details == before.details


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_standard_error_is_the_spread_over_new_draws(metric):
    """Within a factor that 64 draws and a few modes at the edge of 20 samples leave."""
    source = SOURCES["grid25"]("test")
    rng = np.random.default_rng(6)
    draws = [source.points[rng.permutation(len(source))[:600]] for _ in range(64)]
    found = [metric.measure(inputs_for(source, stored), 0) for stored in draws]
    spread = np.std([value.value for value in found], ddof=1)
    told = np.mean([value.error.value for value in found])
    assert told <= 2 * spread + 1e-9
    assert told >= 0.5 * spread
