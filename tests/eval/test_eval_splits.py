"""Which split is learnt from, and which one is measured by: pixels say it."""

from typing import Any

import numpy as np
import pytest

from cgan.data.decoded import DecodedImages
from cgan.data.digits import Digits, StackedDigits, load_digits, stack
from eval.extractors import classifier, load_extractor
from eval.extractors.stacked import StackedClassifier
from eval.splits import Splits

TRAIN, HELD_OUT = 10, 200
"""The grey level of each split."""


def split(gray: int, n: int) -> DecodedImages:
    labels = (np.arange(n) % 2).astype(np.int32)
    images = np.full((n, 4, 4, 1), gray, np.uint8) + labels[:, None, None, None].astype(np.uint8)
    return DecodedImages(
        "two", images, labels, ("a", "b"), 0, np.zeros((len(images), 32), np.uint8)
    )


@pytest.fixture
def learnt(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> list[classifier.Labeled]:
    """What the classifier was trained on; it then reads grey levels of the train split alone."""
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    seen: list[classifier.Labeled] = []

    def train(data: classifier.Labeled, classes: int) -> dict[str, np.ndarray]:
        seen.append(data)
        return {"nothing": np.zeros(1, np.float32)}

    def read(self: Any, stored: np.ndarray) -> classifier.Features:
        read = stored[:, 0, 0, 0].astype(np.int64) - HELD_OUT
        read[: len(read) // 4] ^= 1  # a quarter is read wrong
        return classifier.Features(np.zeros((len(stored), 2), np.float32), read)

    monkeypatch.setattr(classifier, "train", train)
    monkeypatch.setattr(classifier.Classifier, "__call__", read)
    return seen


def test_a_classifier_learns_from_the_train_split_and_is_measured_on_the_other(
    learnt: list[classifier.Labeled],
) -> None:
    train, held_out = split(TRAIN, 40), split(HELD_OUT, 24)
    found = load_extractor("classifier", Splits(train, held_out))
    assert len(learnt) == 1
    np.testing.assert_array_equal(learnt[0].images, train.images)
    np.testing.assert_array_equal(learnt[0].labels, train.labels)
    assert found.accuracy == 0.75


def test_so_does_the_reader_of_stacks_with_single_digits(
    learnt: list[classifier.Labeled],
) -> None:
    digits = [load_digits(of) for of in ("train", "test")]
    stacks = [
        stack(of, name, "stacked") for of, name in zip(digits, ("train", "test"), strict=True)
    ]
    assert all(isinstance(of, StackedDigits) for of in stacks)
    found = load_extractor("classifier", Splits(*stacks))
    assert isinstance(found, StackedClassifier)
    np.testing.assert_array_equal(learnt[0].images, digits[0].images)
    assert isinstance(digits[0], Digits)


def test_each_epoch_of_the_classifier_shows_every_image_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[np.ndarray] = []

    def unmoved(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        shown.append(images[:, 0, 0, 0])
        return images

    monkeypatch.setattr(classifier, "_shifted", unmoved)
    images = np.broadcast_to(np.arange(40, dtype=np.uint8)[:, None, None, None], (40, 4, 4, 1))
    data = classifier.Labeled(images.copy(), np.zeros(40, np.int32))
    classifier.train(data, 2, classifier.Recipe(features=2, epochs=3, batch_size=20))
    epochs = np.concatenate(shown).reshape(3, 40)
    np.testing.assert_array_equal(np.sort(epochs), np.broadcast_to(np.arange(40), (3, 40)))
    assert len({epoch.tobytes() for epoch in epochs}) == 3
