"""Reals without a near fake: margins by plain loops, and what known samplers leave out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan.probe import uncovered as module
from cgan.probe.uncovered import by_class, halves, log_density, stand_ins, uncovered

TEMPERATURE = 0.1


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def clusters(rng, labels, classes=10, dimensions=16, spread=0.35):
    """Unit vectors around a direction for each class, the same directions for every call."""
    means = unit(np.random.default_rng(0).normal(size=(classes, dimensions)))
    noise = rng.normal(size=(len(labels), dimensions)) * spread / np.sqrt(dimensions)
    return unit(means[labels] + noise).astype(np.float32)


def by_hand(reals, fakes, held_out, temperature):
    """Margins of reals over fakes and over halves of held-out reals, one by one in float64."""
    reals, fakes, held_out = (np.asarray(x, np.float64) for x in (reals, fakes, held_out))
    which = halves(len(held_out)).T

    def log_mean(values):
        return np.log(np.mean(np.exp(values - np.max(values)))) + np.max(values)

    margins, floor = [], []
    for i, real in enumerate(reals):
        around = [real @ other / temperature for k, other in enumerate(reals) if k != i]
        own = log_mean(np.array(around))
        margins.append(own - log_mean(fakes @ real / temperature))
        floor.append([own - log_mean(held_out[half] @ real / temperature) for half in which])
    return np.array(margins), np.array(floor), np.quantile(floor, 0.99)


@pytest.mark.parametrize("temperature", [1e-3, 0.05, 0.5])
@pytest.mark.parametrize(("reals", "fakes"), [(2, 1), (37, 50), (530, 40)])
def test_margins_are_those_of_plain_loops(reals, fakes, temperature):
    rng = np.random.default_rng([reals, fakes])
    counts = reals, fakes + 3, 2 * fakes + 1
    x, g, y = (unit(rng.normal(size=(n, 5))).astype(np.float32) for n in counts)
    margins, floor, bound = by_hand(x, g[:fakes], y[: 2 * fakes], temperature)
    found = uncovered(x, g[:fakes], y, temperature)
    np.testing.assert_allclose(found.margins, margins, rtol=1e-4, atol=2e-4)
    np.testing.assert_allclose(found.floor, floor, rtol=1e-4, atol=2e-4)
    assert float(found.bound) == pytest.approx(bound, abs=2e-4)
    assert float(found.share) == pytest.approx(np.mean(margins > bound), abs=1e-6)
    np.testing.assert_array_equal(uncovered(x, g, y[: 2 * fakes], temperature).margins, found[0])


def test_halves_are_halves_and_differ():
    which = halves(40)
    assert which.shape == (40, 16)
    assert (which.sum(axis=0) == 20).all()
    assert len(np.unique(which.T, axis=0)) == 16
    assert (halves(2).sum(axis=0) == 1).all()
    np.testing.assert_array_equal(halves(40), which)


def test_blocks_give_what_one_product_does(monkeypatch):
    rng = np.random.default_rng(3)
    x, g = (unit(rng.normal(size=(n, 5))).astype(np.float32) for n in (70, 30))
    whole = log_density(x, x, 0.2, leave_out=True), log_density(x, g, 0.2)
    monkeypatch.setattr(module, "BLOCK", 16)
    in_blocks = log_density(x, x, 0.2, leave_out=True), log_density(x, g, 0.2)
    for one, other in zip(whole, in_blocks, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_a_class_without_fakes_is_the_one_that_nobody_imitates():
    rng = np.random.default_rng(1)
    labels = rng.integers(10, size=1_000)
    others = rng.integers(9, size=500)
    fakes = clusters(rng, np.where(others == 4, 9, others))
    held_out = clusters(rng, rng.integers(10, size=1_000))
    found = uncovered(clusters(rng, labels), fakes, held_out, TEMPERATURE)
    which = np.asarray(found.which)
    assert which[labels == 4].mean() > 0.99
    assert which[labels != 4].mean() < 0.02
    counted = by_class(which, labels, 10)
    assert counted.nobody_imitates.tolist() == [label == 4 for label in range(10)]
    np.testing.assert_array_equal(counted.seen, [np.sum(labels == label) for label in range(10)])
    missing = [np.sum(which & (labels == label)) for label in range(10)]
    np.testing.assert_array_equal(counted.uncovered, missing)


@pytest.mark.parametrize(
    "spread",
    [pytest.param(0.35, marks=pytest.mark.slow), 1.5, pytest.param(6.0, marks=pytest.mark.slow)],
)
def test_a_perfect_sampler_leaves_about_one_in_a_hundred(spread):
    """Whether classes are points, lie apart, or can't be told from each other."""
    shares = []
    for seed in range(40):
        rng = np.random.default_rng([2, seed])
        reals, fakes, held_out = (
            clusters(rng, rng.integers(10, size=n), spread=spread) for n in (800, 400, 800)
        )
        shares.append(float(uncovered(reals, fakes, held_out, TEMPERATURE).share))
    assert 0.003 < np.mean(shares) < 0.02
    assert np.median(shares) < 0.02


def test_one_sample_in_all_places_leaves_nearly_all():
    rng = np.random.default_rng(5)
    reals, held_out = (clusters(rng, rng.integers(10, size=n)) for n in (500, 600))
    fakes = np.repeat(clusters(rng, np.array([2])), 300, axis=0)
    assert 0.8 < float(uncovered(reals, fakes, held_out, TEMPERATURE).share) < 0.95


def test_the_order_of_the_samples_does_not_matter():
    rng = np.random.default_rng(6)
    reals, fakes, held_out = (clusters(rng, rng.integers(8, size=n)) for n in (300, 200, 400))
    found = uncovered(reals, fakes, held_out, TEMPERATURE)
    order = rng.permutation(300)
    again = uncovered(reals[order], rng.permutation(fakes), held_out, TEMPERATURE)
    np.testing.assert_allclose(again.margins, found.margins[order], rtol=1e-4, atol=1e-4)
    assert float(again.bound) == pytest.approx(float(found.bound), abs=1e-4)
    np.testing.assert_array_equal(again.which, found.which[order])
    halved_anew = uncovered(reals, fakes, rng.permutation(held_out), TEMPERATURE)
    assert float(halved_anew.bound) == pytest.approx(float(found.bound), abs=0.1)


def test_a_sharp_kernel_stays_finite():
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], np.float32)
    found = uncovered(x, -x, np.concatenate([x, x]), 1e-3)
    assert np.isfinite(found.floor).all()
    assert np.asarray(found.which)[[0, 2]].all()


def test_a_class_is_named_by_more_than_half_and_three_of_its_reals():
    labels = np.repeat(np.arange(5), [2, 3, 6, 7, 5])
    which = np.zeros(len(labels), bool)
    for label, count in enumerate([2, 3, 3, 4, 2]):
        which[np.flatnonzero(labels == label)[:count]] = True
    counted = by_class(which, labels, 6)
    assert counted.nobody_imitates.tolist() == [False, True, False, True, False, False]
    assert counted.seen.tolist() == [2, 3, 6, 7, 5, 0]


def test_half_of_the_held_out_reals_stand_for_fakes():
    assert [stand_ins(*n) for n in ((512, 360), (100, 360), (1, 2), (5, 1))] == [180, 100, 1, 0]


def test_products_are_in_full_float32():
    rows = jnp.ones((4, 2))
    jaxpr = str(jax.make_jaxpr(lambda x: log_density(x, x, 0.1))(rows))
    assert "HIGHEST" in jaxpr
