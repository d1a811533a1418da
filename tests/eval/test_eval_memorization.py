"""Authenticity and distances to the train set: copies are told from new samples."""

import numpy as np
import pytest
from reference.cases import FINITE, arrays, pair, target
from scipy.spatial.distance import cdist

from eval.metrics import manifolds, memorization
from eval.metrics.base import FeatureError, Gathered, Inputs
from eval.metrics.memorization import (
    AUTHENTICITY,
    NEAREST_TRAIN_RATIO,
    authentic,
    nearest_train,
)
from eval.metrics.neighbors import nearest
from eval.metrics.precision_recall import RECALL


@pytest.mark.parametrize("name", FINITE)
def test_authenticity_equals_the_reference(name):
    real, fake = pair(name)
    expected = target(name, "authpct")["value"]
    assert 100 * authentic(fake, real).mean() == pytest.approx(expected, abs=1e-9)


def test_copies_within_the_train_set_are_others():
    """A train row that is there twice is nearer to its copy than to any sample."""
    train = np.array([[0.0], [0.0], [5.0], [9.0]], np.float32)
    assert authentic(np.array([[0.1], [4.9], [5.0]], np.float32), train).tolist() == [
        True,
        False,
        False,
    ]


def test_the_nearest_train_row():
    rng = np.random.default_rng(0)
    train, samples = rng.normal(size=(300, 12)), rng.normal(size=(40, 12))
    exact = cdist(samples, train)
    found = nearest_train(samples, train)
    np.testing.assert_array_equal(found.indices, exact.argmin(axis=1))
    np.testing.assert_allclose(found.distances, exact.min(axis=1), rtol=1e-12)


def gathered(rows):
    return Gathered(len(rows), features=rows.astype("f4"))


def test_copies_are_nearer_to_train_than_to_held_out_samples():
    rng = np.random.default_rng(1)
    train, held_out, fresh = (gathered(rng.normal(size=(n, 6))) for n in (900, 400, 500))
    copies = gathered(train.features[:500] + 0.01 * rng.normal(size=(500, 6)))

    def ratio(samples):
        return NEAREST_TRAIN_RATIO.measure(Inputs(samples, train, held_out=held_out), 0)

    assert ratio(fresh).value == pytest.approx(1, abs=4 * ratio(fresh).error.value)
    assert ratio(held_out).value == pytest.approx(1, abs=0.15)
    assert ratio(held_out).n == 200
    assert ratio(copies).value < 0.9
    assert AUTHENTICITY.measure(Inputs(copies, train), 0).value < 0.02
    assert AUTHENTICITY.measure(Inputs(fresh, train), 0).value > 0.4
    nothing = NEAREST_TRAIN_RATIO.measure(Inputs(fresh, train), 0)
    assert nothing.value is None


def test_authenticity_is_of_the_train_set_whatever_is_held_out():
    rng = np.random.default_rng(2)
    train, held_out = (gathered(rng.normal(size=(200, 6))) for _ in range(2))
    near = {
        name: gathered(of.features + 0.001 * rng.normal(size=(200, 6)))
        for name, of in (("train", train), ("held out", held_out))
    }
    found = {
        name: AUTHENTICITY.measure(Inputs(samples, train, held_out=held_out), 0).value
        for name, samples in near.items()
    }
    assert found["train"] < 0.02
    assert found["held out"] > 0.4


def test_bad_features_are_refused():
    made = arrays("nonfinite")
    with pytest.raises(FeatureError, match="row 7"):
        authentic(made["fake"], made["real"])
    with pytest.raises(FeatureError, match="at least 2"):
        authentic(made["real"], made["real"][:1])


@pytest.mark.parametrize("rows_at_most", [10_000, 60])
def test_authenticity_of_the_table_shares_distances_and_has_the_same_value(
    monkeypatch, rows_at_most
):
    """Whether all train rows are among those that precision looks at, or only the first 60."""
    rng = np.random.default_rng(6)
    train = rng.normal(size=(150, 12)).astype(np.float32)
    samples = rng.normal(size=(50, 12)).astype(np.float32)
    samples[:20] = train[:20] + np.float32(0.1)
    samples[:3] = train[:3]
    expected = authentic(samples, train)
    assert 0.1 < expected.mean() < 0.9
    for module in (manifolds, memorization):
        monkeypatch.setattr(module, "ROWS_AT_MOST", rows_at_most)
    searched = []

    def spy(a, b, k, within=False):
        searched.append((len(a), len(b), within))
        return nearest(a, b, k, within)

    for module in (manifolds, memorization):
        monkeypatch.setattr(module, "nearest", spy)
    inputs = Inputs(Gathered(50, features=samples), Gathered(150, features=train))
    assert AUTHENTICITY.measure(inputs, 0).value == expected.mean()
    within = [(50, 50, True), (min(rows_at_most, 150),) * 2 + (True,)]
    assert searched[:2] == within
    further = searched[2:]
    assert [each[1] for each in further] == ([] if rows_at_most > 150 else [90, 150])
    RECALL.measure(inputs, 0)
    assert searched == within + further, "distances are worked out once"
