"""A run of few samples is evaluated as any other; only copies are looked for among those few."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from cgan.config import Data
from cgan.data.limited import Limited, limited
from eval.dataset import protocol
from eval.dataset.protocol import Evaluation, load_evaluation
from eval.extractors.pixels import Pixels
from eval.extractors.reader import Reader
from eval.measuring.measure import evaluate, figures
from eval.measuring.subject import Subject
from eval.metrics.memorization import authentic
from eval.report.contents import beside_train
from eval.splits import Splits
from eval.study.declare import Figure
from eval.study.figures import Panel
from tests.test_own_source import Motifs
from tests.test_rows import numbered

LIMIT = Data("own", limit=12, limit_seed=1)
NAMES = ("frechet_distance", "coverage_k5_strict", "authenticity", "nearest_train_over_held_out")
OF_COPIES = NAMES[2:]


def pictures(n: int, start: int) -> Any:
    """Images of noise, each like no other, with three classes."""
    images = np.random.default_rng(start).integers(256, size=(n, 4, 4, 1)).astype(np.uint8)
    return dataclasses.replace(numbered(n), images=images)


TRAIN, HELD_OUT = pictures(120, 1), pictures(90, 2)
PART = limited(TRAIN, LIMIT)
assert isinstance(PART, Limited)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Evaluation]:
    """Evaluations with a limit and without, which read pixels, and what the reader was made of."""
    found, given = {}, []

    def load_reader(_: Any, splits: Splits, *others: Any) -> Reader:
        given.append(splits)
        return Reader(Pixels())

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(protocol, "load_reader", load_reader)
        for has, train in ((True, PART), (False, TRAIN)):
            found[has] = load_evaluation(LIMIT, splits=Splits(train, HELD_OUT))
    for splits in given:
        assert splits.train is TRAIN, "what reads classes is trained on the whole"
        assert splits.held_out is HELD_OUT
    return found


def records_of(evaluation: Evaluation, images: np.ndarray) -> dict[tuple[str, str], Any]:
    metrics = {name: evaluation.metrics[name] for name in NAMES}
    records = evaluate(evaluation, Subject([images], len(images), 0), 0, metrics)
    return {(record.metric, record.samples): record for record in records}


def test_all_but_copies_is_held_against_the_whole(loaded: dict[bool, Evaluation]) -> None:
    images = pictures(60, 3).images
    few, every = (records_of(loaded[has], images) for has in (True, False))
    assert loaded[True].splits == loaded[False].splits == (TRAIN, HELD_OUT)
    for (name, samples), record in few.items():
        if name not in OF_COPIES:
            assert record == every[name, samples]
            assert record.reference_n == 120
    train = Pixels()(TRAIN.images).features
    for samples, rows in (("generated", images), ("real", HELD_OUT.images)):
        features = Pixels()(rows).features
        if samples == "real":
            order = np.random.default_rng([0, 1]).permutation(90)[:60]
            features = features[order]
        found = few["authenticity", samples], every["authenticity", samples]
        for record, against in zip(found, (train[PART.rows], train), strict=True):
            assert record.value == authentic(features, against).mean()
            assert record.reference_n == len(against)
        assert found[0].reference != found[1].reference == every[NAMES[0], samples].reference
        assert found[0].details == {"note": "compared with the 12 samples that were trained on"}
        assert found[1].details == {}


def test_copies_of_what_was_learnt_are_told_from_copies_of_what_was_not(
    loaded: dict[bool, Evaluation],
) -> None:
    others = np.setdiff1d(np.arange(120), PART.rows)[:12]
    for rows, lowest, highest in ((PART.rows, 0.0, 0.0), (others, 0.5, 1.0)):
        found = records_of(loaded[True], TRAIN.images[rows])
        assert lowest <= found["authenticity", "generated"].value <= highest
    unlimited = records_of(loaded[False], TRAIN.images[others])
    assert unlimited["authenticity", "generated"].value == 0


def test_distances_to_what_was_trained_on_are_to_the_limited_samples(
    loaded: dict[bool, Evaluation],
) -> None:
    """The plain method: medians of distances to 10 of them, and to 10 that were held out."""
    images = pictures(20, 4).images
    samples, held_out = (Pixels()(x).features for x in (images, HELD_OUT.images))
    train = Pixels()(TRAIN.images[PART.rows]).features[loaded[True].learnt.rows]
    rows = np.random.default_rng([0, 3]).permutation(12)[:10]
    real = np.random.default_rng([0, 1]).permutation(90)[:20][1::2]
    medians = [np.median(cdist(samples, x).min(axis=1)) for x in (train[rows], held_out[real])]
    record = records_of(loaded[True], images)["nearest_train_over_held_out", "generated"]
    assert record.value == pytest.approx(medians[0] / medians[1], rel=1e-5)
    assert record.reference_n == 10


def test_so_are_copies_told_in_studies_and_scripts(loaded: dict[bool, Evaluation]) -> None:
    others = TRAIN.images[np.setdiff1d(np.arange(120), PART.rows)[:60]]
    figure = Figure("authenticity", "authenticity", n=60, more_is_better=True)
    features, train = (Pixels()(x).features for x in (others, TRAIN.images))
    for has, learnt in ((True, train[PART.rows]), (False, train)):
        expected = {"authenticity": authentic(features, learnt).mean()}
        metrics = {"authenticity": loaded[has].metrics["authenticity"]}
        assert figures(loaded[has], others, metrics) == expected
        (measured,) = Panel(loaded[has], (figure,)).measure([others]).values()
        assert measured == expected["authenticity"]
        assert (expected["authenticity"] > 0) == has


def test_a_report_shows_samples_beside_what_was_learnt(loaded: dict[bool, Evaluation]) -> None:
    evaluation = loaded[True]
    images = TRAIN.images[PART.rows[::-1]]
    features = Pixels()(images).features
    gathered = dataclasses.replace(
        evaluation.reference.gathered, n=12, features=features, images=images
    )
    first, likeliest = beside_train(evaluation, gathered)
    learnt = {image.tobytes() for image in TRAIN.images[PART.rows]}
    for beside in (*first, *likeliest):
        np.testing.assert_array_equal(beside.neighbors[0], beside.sample)
        assert beside.ratio == 0
        assert {image.tobytes() for image in beside.neighbors} <= learnt


def test_with_one_sample_nothing_says_what_a_copy_is(loaded: dict[bool, Evaluation]) -> None:
    evaluation = loaded[True]
    learnt = evaluation.learnt
    one = dataclasses.replace(learnt.reference.gathered, n=1, features=np.zeros((1, 16), "f4"))
    alone = learnt._replace(reference=learnt.reference._replace(gathered=one))
    evaluation = dataclasses.replace(evaluation, part=alone)
    record = records_of(evaluation, TRAIN.images[:20])["authenticity", "generated"]
    assert record.value is None
    assert record.details["why"] == "takes 2 real ones, and there are 1"
    images = TRAIN.images[:20]
    gathered = dataclasses.replace(
        evaluation.reference.gathered, n=20, features=Pixels()(images).features, images=images
    )
    assert beside_train(evaluation, gathered) == ([], [])


def test_settings_alone_find_what_a_run_was_trained_on(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `load_evaluation(run.data)` is called, where nobody loaded the splits."""
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    data = Data("digits", limit=30, limit_seed=7)
    evaluation = load_evaluation(data, "pixels", classes=False)
    train = protocol.load_source(Data("digits"), "train")
    assert len(evaluation.splits.train) == evaluation.reference.gathered.n == len(train) == 1_437
    expected = limited(train, data)
    assert isinstance(expected, Limited)
    assert isinstance(evaluation.learnt.source, Limited)
    np.testing.assert_array_equal(evaluation.learnt.source.rows, expected.rows)
    features = Pixels()(train[expected.rows].x).features
    found = evaluation.learnt.reference.gathered.features
    assert found is not None
    np.testing.assert_array_equal(found, features[evaluation.learnt.rows])


@dataclasses.dataclass(frozen=True)
class Few(Motifs):
    """Every other of the first sequences of a split."""

    whole: Any = None

    def __getitem__(self, indices: np.ndarray) -> Any:
        return self.whole[np.asarray(indices) * 2]


def test_a_part_of_the_users_own_is_evaluated_by_its_whole(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any train split with a member `whole`, classes read by the rule that the whole knows."""
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    whole = Motifs()
    few = Few(n=40, whole=whole)
    evaluation = load_evaluation(Data("own"), splits=Splits(few, whole.held_out))
    assert evaluation.splits.train is whole
    assert evaluation.learnt.source is few
    assert evaluation.reference.gathered.n == 160
    assert evaluation.learnt.reference.gathered.n == 40
