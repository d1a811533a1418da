"""Tests of modes: exact limits, Holm's order, and how often they are wrong."""

import numpy as np
import pytest
from scipy.stats import binomtest

from eval.verdict.limits import known, lower_limit, upper_limit
from eval.verdict.modes import (
    ALONE,
    FRACTION,
    LEVEL,
    TOGETHER,
    ModeCounts,
    examine,
    samples_to_decide,
)

DRAWS = 200
EQUAL, MANY = np.full(10, 0.1), np.full(1_000, 1e-3)
TAIL = np.geomspace(1, 1e-3, 10) / np.geomspace(1, 1e-3, 10).sum()


def counted(counts, shares, n=None):
    names = [f"m{index}" for index in range(len(shares))]
    n = int(counts.sum()) if n is None else n
    return ModeCounts("classes", names, np.arange(len(shares)), shares, counts, n)


def examined(true, made, n, draws=DRAWS):
    """What is said of samples whose modes have these shares; the rest lie in none."""
    rest = max(0.0, 1 - made.sum())
    drawn = np.random.default_rng(0).multinomial(n, np.append(made, rest), size=draws)[:, :-1]
    return [examine(counted(counts, true, n), seed) for seed, counts in enumerate(drawn)]


def without(true, which, left=0.0):
    """The other modes take what these lose."""
    made = true.copy()
    made[which] *= left
    return made / made.sum()


def test_limits_are_scipys():
    for count, n in ((0, 40), (3, 40), (40, 40)):
        exact = binomtest(count, n).proportion_ci(0.9, method="exact")
        assert lower_limit(count, n, 0.05) == pytest.approx(exact.low)
        assert upper_limit(np.array(count), n, 0.05) == pytest.approx(exact.high)


def test_each_mode_is_compared_in_holms_order():
    rng = np.random.default_rng(1)
    for _ in range(20):
        modes = counted(rng.integers(0, 20, size=10), EQUAL, 200)
        chances = [binomtest(int(k), 200, 0.025, "less").pvalue for k in modes.counts]
        dropped = set()
        for step, index in enumerate(np.argsort(chances, kind="stable")):
            if chances[index] > ALONE / (10 - step):
                break
            dropped.add(index)
        found = examine(modes, 0)
        assert set(np.flatnonzero(found.dropped)) == dropped
        # A limit below a quarter of the true share is what a small p-value means.
        below = found.upper < FRACTION * EQUAL
        assert all(below[index] for index in dropped)
        covers = [binomtest(int(k), 200, 0.025, "greater").pvalue <= LEVEL for k in modes.counts]
        assert found.covered.tolist() == covers
        assert not (found.covered & found.dropped).any()


@pytest.mark.parametrize(("true", "n"), [(EQUAL, 10_000), (MANY, 26_000), (TAIL, 5_000)])
def test_perfect_samplers_raise_no_false_alarm(true, n):
    found = examined(true, true, n)
    assert not any(each.dropped.any() or each.together for each in found)


@pytest.mark.parametrize(("true", "n"), [(EQUAL, 2_000), (MANY, 26_000)])
def test_modes_at_exactly_a_quarter_are_said_to_be_dropped_as_rarely_as_promised(true, n):
    """All but one of them: the hardest case that there is."""
    made = FRACTION * true
    made[0] = 1 - made[1:].sum()
    found = examined(true, made, n, draws=300)
    wrong = np.mean([each.dropped.any() or each.together for each in found])
    assert wrong <= LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / 300)
    alone = np.mean([each.dropped.any() for each in found])
    assert alone <= ALONE + 3 * np.sqrt(ALONE / 300)
    together = np.mean([each.together for each in found])
    assert together <= TOGETHER + 3 * np.sqrt(TOGETHER / 300)


def test_all_is_said_to_be_covered_as_rarely_as_promised_where_one_mode_is_not():
    found = examined(EQUAL, without(EQUAL, [3], FRACTION * 0.925), 2_000, draws=300)
    wrong = np.mean([each.covered.all() for each in found])
    assert wrong <= LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / 300)


@pytest.mark.parametrize(("left", "n"), [(0, 500), (0.1, 5_000)])
def test_a_mode_that_is_missing_or_rare_is_named(left, n):
    for found in examined(EQUAL, without(EQUAL, [3], left), n, draws=40):
        assert np.flatnonzero(found.dropped).tolist() == [3]


def test_missing_modes_show_together_where_each_has_too_few_samples():
    """26,000 samples of 1,000 modes: the usual protocol, by which none can be named alone."""
    for found in examined(MANY, without(MANY, np.arange(50)), 26_000, draws=40):
        assert not found.dropped.any()
        assert found.together
        assert found.suspects[:50].all()
        assert found.suspects.sum() < 55
        assert found.suspects_upper < 0.002


def test_enough_samples_decide_and_fewer_do_not():
    n = samples_to_decide(known(FRACTION * EQUAL), 10)
    for samples, expected in ((n, True), (n - 1, False)):
        counts = np.full(10, samples // 9)
        counts[4] = 0
        found = examine(counted(counts, EQUAL, samples), 0)
        assert found.dropped[4] == expected
        assert found.undecided[4] != expected
    many = samples_to_decide(known(FRACTION * MANY), 1_000)
    assert many == pytest.approx(4_000 * np.log(1_000 / ALONE), rel=1e-3)


def test_samples_of_no_mode_count_for_none():
    found = examine(counted(np.full(10, 2), EQUAL, 2_000), 0)
    assert found.dropped.all()
    one = examine(counted(np.array([50]), np.array([1.0])), 0)
    assert one.covered.all()
