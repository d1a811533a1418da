"""Rows that are dropped, chosen or put into another order keep their labels, wherever it is done.

Each image's pixels say its number, and its number its class: neighbours in a listing are of other
classes, so that labels shifted by one row are all wrong.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cgan.assemble import assemble_on
from cgan.config import Conditioning, Data, Experiment
from cgan.data import load_source
from cgan.data.decoded import DecodedImages
from cgan.data.pipeline import load_batches
from cgan.probe.reals import fixed_reals, fixed_splits
from cgan.sampling.ranking import varied_rows
from eval.dataset import protocol
from eval.dataset.reference import chunks_of, labels_of
from eval.extractors.pixels import Pixels
from eval.extractors.reader import Reader
from eval.measuring.measure import gather_beside_real
from eval.measuring.subject import Subject
from eval.splits import Splits

CLASSES = 3
N = 240


def class_of(images: np.ndarray) -> np.ndarray:
    """The class that pixels say."""
    return np.asarray(images).reshape(len(images), -1)[:, 0] % CLASSES


def numbered(n: int, start: int = 0, name: str = "numbered") -> DecodedImages:
    """Images of 4x4 that are their number all over, but for a mark at the left."""
    numbers = start + np.arange(n)
    images = np.broadcast_to(numbers[:, None, None, None].astype(np.uint8), (n, 4, 4, 1)).copy()
    images[:, 1, 0] = 255
    labels = (images[:, 0, 0, 0] % CLASSES).astype(np.int32)
    return DecodedImages(name, images, labels, tuple("abc"), 0, np.zeros((n, 32), np.uint8))


def assert_labeled(images: np.ndarray, labels: np.ndarray | None) -> None:
    assert labels is not None
    assert len(np.unique(labels)) == CLASSES
    np.testing.assert_array_equal(labels, class_of(images))


BROKEN = {
    "the first": [0],
    "one": [7],
    "some in each class": [3, 4, 30, 31, 32, 100, 101],
    "the last": [N - 1],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))
    for number in range(N):
        path = tmp_path / "set" / "abc"[number % CLASSES] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(path)
    return tmp_path / "set"


@pytest.mark.parametrize("broken", BROKEN)
def test_images_keep_their_labels_where_others_are_skipped(folder: Path, broken: str) -> None:
    for number in BROKEN[broken]:
        (folder / "abc"[number % CLASSES] / f"{number:03d}.png").write_bytes(b"no image")
    data = Data("folder", path=folder, unusable="skip")
    splits = [load_source(data, split) for split in ("train", "test")]
    for source in splits:
        batch = source[np.arange(len(source))]
        assert_labeled(batch.x, batch.label)
        mixed = np.random.default_rng(0).permutation(len(source))
        assert_labeled(*source[mixed])
        shares = np.bincount(class_of(batch.x), minlength=CLASSES) / len(source)
        np.testing.assert_allclose(source.class_weights, shares)
    numbers = np.concatenate([source[np.arange(len(source))].x[:, 0, 0, 0] for source in splits])
    assert set(numbers) == set(range(N)) - set(BROKEN[broken])
    assert len(numbers) == N - len(BROKEN[broken])


def test_images_that_are_decoded_each_time_keep_them_in_any_order(folder: Path) -> None:
    for split in ("train", "test"):
        source = load_source(Data("folder", path=folder, cached=False), split)
        mixed = np.random.default_rng(1).integers(len(source), size=60)
        assert_labeled(*source[mixed])


@pytest.mark.parametrize("flip", [False, True])
def test_so_do_the_rows_of_batches_on_any_of_many_hosts(flip: bool) -> None:
    source = numbered(N)
    batches = [
        load_batches(source, 32, 3, 5, 4, rows=np.arange(start, 32, 4), flip=flip)
        for start in range(4)
    ]
    for batch in batches:
        assert_labeled(batch.x.reshape(-1, 4, 4, 1), batch.label.ravel())
    whole = load_batches(source, 32, 3, 5, 4, flip=flip)
    for start, batch in enumerate(batches):
        np.testing.assert_array_equal(batch.x, whole.x[:, start::4])
    marked = whole.x[:, :, 1, [0, 3], 0] == 255
    assert marked.sum() == marked[..., 0].size
    assert marked[..., 1].any() == flip


def test_so_do_those_that_a_probe_looks_at_each_of_its_own_split(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, held_out = numbered(120), numbered(100, start=120)
    monkeypatch.setattr("cgan.probe.reals.load_held_out", lambda data, train: held_out)
    config = Experiment(Path("none"), Data("digits"), conditioning=Conditioning(labels=True))
    config = dataclasses.replace(config, data=Data("folder", path=Path("none"), flip=True))
    splits = fixed_splits(assemble_on(config, train))
    assert splits is not None
    for reals, numbers in zip(splits, (range(120), range(120, 220)), strict=True):
        assert_labeled(reals.x, reals.labels)
        assert sorted(reals.x[:, 0, 0, 0]) == list(numbers), "each once"
    few = fixed_reals(numbered(600), config)
    assert_labeled(few.x, few.labels)


def test_reals_to_be_ranked_are_of_different_classes_and_each_comes_once() -> None:
    source = numbered(N)
    rows = varied_rows(source, 30, 0)
    assert len(set(rows)) == 30
    for start in range(0, 30, CLASSES):
        images = source[rows[start : start + CLASSES]].x
        assert set(class_of(images)) == set(range(CLASSES))


@pytest.fixture
def evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> protocol.Evaluation:
    """Of train rows 0 to 119 and held-out ones 121 to 240, read as pixels.

    At one place the two have other classes.
    """
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    splits = {"train": numbered(120), "test": numbered(120, start=121)}
    monkeypatch.setattr(protocol, "load_source", lambda data, split: splits[split])
    monkeypatch.setattr(protocol, "load_reader", lambda *_: Reader(Pixels()))
    return protocol.load_evaluation(Data("folder", path=Path("none")))


def numbers_of(features: np.ndarray | None) -> np.ndarray:
    """What pixels as features say."""
    assert features is not None
    one = Pixels()(numbered(2).images).features[:, 0]
    return np.rint((features[:, 0] - one[0]) / (one[1] - one[0])).astype(int)


def test_an_evaluation_compares_with_train_rows_and_sets_held_out_ones_beside_it(
    evaluation: protocol.Evaluation,
) -> None:
    """Each of them once, in an order of its own, with the class that it is of."""
    asked = class_of(numbered(100).images)
    subject = Subject([numbered(100).images], 100, 0, asked.astype(np.int32))
    sets = gather_beside_real(evaluation, subject, 4, frozenset({"features", "images"}))
    real, reference = sets["real"].samples, sets["real"].reference
    assert sets["generated"].held_out is real
    of_real, of_reference = numbers_of(real.features), numbers_of(reference.features)
    assert set(of_real) <= set(range(121, 241))
    assert sorted(of_reference) == list(range(120))
    assert len(set(of_real)) == len(of_real) == 100
    for numbers, gathered in ((of_real, real), (of_reference, reference)):
        np.testing.assert_array_equal(gathered.asked, numbers % CLASSES)
        assert (np.diff(numbers) < 0).any(), "in the order of the data"
    np.testing.assert_array_equal(sets["generated"].samples.asked, asked)
    images = np.concatenate(list(evaluation.real_chunks(100, 4)))
    assert_labeled(images, evaluation.real_labels(100, 4))
    assert sorted(of_real) == sorted(images[:, 0, 0, 0])
    assert set(of_real) != set(numbers_of(Pixels()(_real(evaluation, 5)).features))


def _real(evaluation: protocol.Evaluation, seed: int) -> np.ndarray:
    return np.concatenate(list(evaluation.real_chunks(100, seed)))


def test_chunks_and_labels_of_the_same_rows_are_in_the_same_order() -> None:
    source, rows = numbered(N), np.random.default_rng(2).permutation(N)
    images = np.concatenate(list(chunks_of(source, rows)))
    np.testing.assert_array_equal(images[:, 0, 0, 0], rows)
    assert_labeled(images, labels_of(source, rows))


def test_an_evaluation_holds_both_splits_apart(evaluation: protocol.Evaluation) -> None:
    assert isinstance(evaluation.splits, Splits)
    train, held_out = (set(of[np.arange(len(of))].x[:, 0, 0, 0]) for of in evaluation.splits)
    assert not train & held_out
