"""Kernel distances and CMMD against reference values and plain formulas."""

from fractions import Fraction

import numpy as np
import pytest
from reference.cases import FINITE, arrays, pair, target

from eval.metrics import kernel_distance as module
from eval.metrics.base import FeatureError, Gathered, Inputs, UndefinedError
from eval.metrics.cmmd import CMMD, cmmd
from eval.metrics.kernel_distance import (
    KERNEL_DISTANCE,
    KERNEL_DISTANCE_SUBSETS,
    kernel_distance,
    kernel_distance_subsets,
)


@pytest.mark.parametrize("name", FINITE)
def test_the_unbiased_estimate_equals_the_reference(name):
    expected = target(name, "kid_unbiased_all_rows")
    found = kernel_distance(*pair(name))
    canceling = name == "offset_1e4"  # the reference's own sums keep only as many digits as it says
    rel = expected["rtol"] if canceling else 1e-9
    assert found == pytest.approx(expected["value"], rel=rel, abs=1e-9)


def test_the_unbiased_estimate_of_features_far_from_0_equals_exact_fractions():
    real, fake = (rows[:size] for rows, size in zip(pair("offset_1e4"), (40, 30), strict=True))

    def total(a, b):
        rows = [[[Fraction(float(number)) for number in row] for row in side] for side in (a, b)]
        return sum(
            (sum(x * y for x, y in zip(first, second, strict=True)) / len(first) + 1) ** 3
            for i, first in enumerate(rows[0])
            for j, second in enumerate(rows[1])
            if a is not b or i != j
        )

    exact = total(real, real) / (40 * 39) + total(fake, fake) / (30 * 29)
    exact -= 2 * total(real, fake) / (40 * 30)
    assert kernel_distance(real, fake) == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize("name", ["tiny_n", "scale_1e19", "rank_deficient"])
def test_subsets_equal_the_reference(name):
    expected = target(name, "kid_subsets")
    found = kernel_distance_subsets(*pair(name), expected["subsets"], expected["subset_size"])
    assert found == pytest.approx(expected["value"], rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("name", FINITE)
def test_cmmd_equals_the_reference(name):
    assert cmmd(*pair(name)) == pytest.approx(target(name, "cmmd_raw")["value"], abs=1e-9)
    if name != "integer_ties":  # the reference normalises in float32
        expected = target(name, "cmmd_l2norm")["value"]
        assert cmmd(*pair(name), rows="unit_length") == pytest.approx(expected, abs=1e-6)


def test_blocks_do_not_matter(monkeypatch):
    real, fake = (rows[:300] for rows in pair("shifted"))
    before = kernel_distance(real, fake), cmmd(real, fake)
    monkeypatch.setattr(module, "BLOCK", 64)
    assert (kernel_distance(real, fake), cmmd(real, fake)) == pytest.approx(before, rel=1e-12)


def test_the_unbiased_estimate_is_0_on_average_for_equal_distributions():
    rng = np.random.default_rng(0)
    draws = [kernel_distance(*rng.normal(size=(2, 30, 4))) for _ in range(200)]
    assert abs(np.mean(draws)) < 3.5 * np.std(draws) / np.sqrt(200)


@pytest.mark.parametrize("metric", [KERNEL_DISTANCE, CMMD], ids=lambda metric: metric.name)
def test_standard_errors_are_the_spread_over_new_draws(metric):
    rng = np.random.default_rng(1)
    real = Gathered(300, features=rng.normal(size=(300, 5)).astype("f4"))
    found = []
    for _ in range(40):
        fake = rng.normal(0.5, 1, size=(200, 5)).astype("f4")
        found.append(metric.measure(Inputs(Gathered(200, features=fake), real), 0))
    spread = np.std([value.value for value in found], ddof=1)
    told = np.mean([value.error.value for value in found])
    assert 0.65 * spread < told < 1.5 * spread


@pytest.mark.parametrize(("n", "m"), [(999, 1_000), (1_000, 999)])
def test_subsets_are_never_smaller_than_the_name_says(n, m):
    real, fake = (Gathered(rows, features=np.zeros((rows, 2), np.float32)) for rows in (n, m))
    with pytest.raises(UndefinedError, match="999 rows; must be at least 1000"):
        KERNEL_DISTANCE_SUBSETS.measure(Inputs(fake, real), 0)


def test_bad_features_are_refused():
    made = arrays("nonfinite")
    for measure in (kernel_distance, cmmd):
        with pytest.raises(FeatureError, match="row 7"):
            measure(made["real"], made["fake"])
        with pytest.raises(FeatureError, match="1 rows; must be at least 2"):
            measure(made["real"], made["real"][:1])
        with pytest.raises(FeatureError, match="dimensions"):
            measure(made["real"], made["real"][:, :3])
    with pytest.raises(FeatureError, match="must be at least 1000"):
        kernel_distance_subsets(made["real"], made["real"])
