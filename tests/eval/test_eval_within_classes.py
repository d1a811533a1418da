"""Precision and recall within classes, beside the same figures of each class worked out plainly."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from cgan.config import Data
from cgan.data.mixtures import load_ring8
from eval.dataset.protocol import load_evaluation
from eval.measuring.measure import evaluate, gather_sets, needs_of
from eval.measuring.subject import Subject
from eval.metrics.base import Gathered, Inputs
from eval.metrics.memorization import NEAREST_TRAIN_RATIO
from eval.metrics.within_classes import PRECISION_WITHIN, RECALL_WITHIN, ROWS_AT_MOST

WITHIN = {metric.name: metric for metric in (PRECISION_WITHIN, RECALL_WITHIN)}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def plainly(real, fake):
    """Precision and recall (Kynkaanniemi et al. 2019) from whole matrices of distances."""
    apart = cdist(fake, real)
    of_real, of_fake = (np.sort(cdist(rows, rows), axis=1)[:, 3] for rows in (real, fake))
    return (apart <= of_real).any(axis=1).mean(), (apart <= of_fake[:, None]).any(axis=0).mean()


def rows_of(counts, seed, spread=1.0):
    """Rows of six dimensions in classes of these sizes around centres of their own, shuffled."""
    rng = np.random.default_rng(seed)
    asked = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    features = spread * rng.normal(size=(len(asked), 6)) + asked[:, None]
    return Gathered(len(asked), features=features.astype("f4"), asked=asked)


def measured(samples, reference, seed=0):
    inputs = Inputs(samples, reference, load_ring8("train"))
    return [metric.measure(inputs, seed) for metric in WITHIN.values()]


def test_each_class_alone_has_the_figures_of_the_plain_method():
    real, fake = rows_of([90, 60, 200, 40, 19, 50], 1), rows_of([70, 90, 25, 60, 99, 10], 2, 0.7)
    precision, recall = measured(fake, real)
    names = load_ring8("train").class_names
    expected = {
        names[c]: plainly(real.features[real.asked == c], fake.features[fake.asked == c])
        for c in range(4)
    }
    for value, place in ((precision, 0), (recall, 1)):
        by_class = value.details["by_class"]
        assert by_class == pytest.approx({n: v[place] for n, v in expected.items()}, abs=5e-5)
        assert list(by_class.values()) == sorted(by_class.values())
        assert value.value == pytest.approx(np.mean([v[place] for v in expected.values()]))
        assert value.details["n_by_class"] == dict(zip(names, [70, 90, 25, 60], strict=False))
        assert value.details["classes_left_out"] == 4  # two without rows, two with too few
        assert (value.n, value.reference_n) == (245, 390)


def test_a_large_class_is_judged_by_its_first_rows():
    real, fake = rows_of([1_300], 1), rows_of([1_200], 2)
    precision, recall = measured(fake, real)
    expected = plainly(real.features[:ROWS_AT_MOST], fake.features[:ROWS_AT_MOST])
    assert (precision.value, recall.value) == pytest.approx(expected)
    assert (recall.n, recall.reference_n) == (ROWS_AT_MOST, ROWS_AT_MOST)


def test_errors_are_those_of_redrawn_samples():
    """The spread over samples drawn anew, as far as 30 draws and 8 halves can tell."""
    real = rows_of([60, 90, 120], 0)
    drawn = [measured(rows_of([80, 80, 160], seed, 0.8), real) for seed in range(1, 31)]
    for values in zip(*drawn, strict=True):
        spread = np.std([value.value for value in values], ddof=1)
        told = np.sqrt(np.mean([value.error.value**2 for value in values]))
        assert 0.6 < told / spread < 1.7


def test_classes_that_were_swapped_are_seen_though_all_together_look_right():
    real, fake = rows_of([200] * 4, 1), rows_of([200] * 4, 2)
    right = measured(fake, real)
    swapped = Gathered(fake.n, features=fake.features, asked=3 - fake.asked)
    wrong = measured(swapped, real)
    for fits, fails in zip(right, wrong, strict=True):
        assert fits.value > fails.value + 0.2


def test_without_enough_rows_there_is_no_value():
    for value in measured(rows_of([19, 19], 1), rows_of([50, 50], 2)):
        assert value.value is None
        assert value.details["by_class"] == {}
        assert value.details["why"] == "no class has 20 samples and as many train samples"


def test_train_samples_are_of_their_true_class_and_held_out_ones_are_the_floor():
    evaluation = load_evaluation(Data("ring8"))
    train = evaluation.splits.train
    for row in (0, 1, 77, 131_000):
        number = evaluation.reference_rows[row]
        assert evaluation.reference_by_class.asked[row] == train.labels[number]
        point = evaluation.reference_by_class.features[row]
        np.testing.assert_array_equal(point, train.points[number])
    points, labels = train.points[:4_000], train.labels[:4_000]
    subject = Subject([points], len(points), 0, labels)
    sets = gather_sets(evaluation, subject, 0, needs_of(WITHIN))
    ratios = [NEAREST_TRAIN_RATIO.measure(sets[name], 0).value for name in ("generated", "real")]
    assert ratios[1] == pytest.approx(1, abs=0.2)
    found = {
        (record.metric, record.samples): record
        for record in evaluate(evaluation, subject, 0, WITHIN)
    }
    for name in WITHIN:
        real, noise = found[name, "real"], found[name, "noise"]
        assert found[name, "generated"].floor == real.value > 0.8
        assert set(real.details["by_class"]) == set(train.class_names)
        assert noise.value is not None
        assert noise.value < 0.5 * real.value or name.startswith("recall")
