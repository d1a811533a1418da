"""Data sets that tensorflow-datasets prepared, read without TensorFlow.

The tests prepare them through its own builder, from real digits as PNG files.
"""

import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cgan.commands import data as command
from cgan.config import ConfigError, Data
from cgan.data import load_source, tensorflow_datasets, witness
from cgan.data.digits import load_digits
from tests.tfds_sets import prepare

ROOT = Path(__file__).parents[1]
TRAIN, TEST = 90, 30


def gray(image):
    return image


def wide_rgb(image):
    """Three channels that differ, and not square."""
    return np.concatenate([image, 255 - image, image // 2], axis=-1)[:, 1:7]


FORMS = {"grey": (gray, (8, 8, 1)), "wide_rgb": (wide_rgb, (8, 6, 3))}


def prepared_digits(folder, form, labeled):
    """What a user's own data set looks like."""
    change, _ = FORMS[form]
    digits = load_digits("train")
    parts = {"train": slice(0, TRAIN), "test": slice(TRAIN, TRAIN + TEST)}
    images = {split: [change(i) for i in digits.images[part]] for split, part in parts.items()}
    labels = {split: digits.labels[part] for split, part in parts.items()} if labeled else None
    name = f"real_digits_{form}_{'labelled' if labeled else 'bare'}"
    return prepare(folder, name, images, labels, "abcdefghij")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    return folder, {
        (form, labeled): prepared_digits(folder, form, labeled)
        for form, labeled in (("grey", True), ("grey", False), ("wide_rgb", True))
    }


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))


def settings(prepared, form="grey", labeled=True, **others):
    folder, names = prepared
    return Data("tfds", name=names[form, labeled], data_dir=folder, **others)


def rows(source):
    batch = source[np.arange(len(source))]
    return sorted((image.tobytes(), int(label)) for image, label in zip(*batch, strict=True))


@pytest.mark.parametrize(("form", "labeled"), [("grey", True), ("grey", False), ("wide_rgb", True)])
def test_what_was_prepared_is_read_back_exactly(prepared, form, labeled):
    change, shape = FORMS[form]
    digits = load_digits("train")
    parts = {"train": slice(0, TRAIN), "test": slice(TRAIN, TRAIN + TEST)}
    for split, part in parts.items():
        source = load_source(settings(prepared, form, labeled), split)
        assert source.sample_shape == shape
        assert source.class_names == (tuple("abcdefghij") if labeled else ())
        labels = digits.labels[part] if labeled else np.zeros(len(digits.labels[part]), int)
        expected = [
            (np.ascontiguousarray(change(image)).tobytes(), int(label))
            for image, label in zip(digits.images[part], labels, strict=True)
        ]
        assert rows(source) == sorted(expected)


def test_without_the_cache_the_same_is_read(prepared, tmp_path):
    for form in FORMS:
        found, expected = (
            load_source(settings(prepared, form, cached=cached), "train")
            for cached in (False, True)
        )
        indices = np.random.default_rng(0).permutation(TRAIN)
        for again in (found, pickle.loads(pickle.dumps(found))):
            for one, other in zip(again[indices], expected[indices], strict=True):
                assert one.dtype == other.dtype
                np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(found.class_weights, expected.class_weights)


@pytest.mark.parametrize("cached", [True, False])
def test_the_second_start_reads_nothing_from_the_records(prepared, cached, monkeypatch):
    monkeypatch.setattr(witness, "SETTLED_NS", 0)
    first = load_source(settings(prepared, cached=cached), "train")
    read = []
    original = tensorflow_datasets._record

    def counted(records, number):
        read.append(number)
        return original(records, number)

    monkeypatch.setattr(tensorflow_datasets, "_record", counted)
    again = load_source(settings(prepared, cached=cached), "train")
    assert read == []
    np.testing.assert_array_equal(again.labels, first.labels)
    assert rows(again) == rows(first)


def test_splits_are_in_the_librarys_own_syntax(prepared):
    data = settings(prepared, train_split="train[:60]", held_out_split="train[60:]+test")
    train, held_out = (load_source(data, split) for split in ("train", "test"))
    assert (len(train), len(held_out)) == (60, TRAIN + TEST - 60)
    whole = [load_source(settings(prepared), split) for split in ("train", "test")]
    assert sorted(rows(train) + rows(held_out)) == sorted(rows(whole[0]) + rows(whole[1]))


def test_images_are_resized_on_the_way(prepared):
    source = load_source(settings(prepared, "wide_rgb", resolution=4, channels=1), "train")
    assert source.sample_shape == (4, 4, 1)


def test_tensorflow_is_never_imported(prepared):
    folder, names = prepared
    script = (
        "import sys\nfrom pathlib import Path\nfrom cgan.config import Data\n"
        "from cgan.data import load_source\n"
        f"data = Data('tfds', name={names['grey', True]!r}, data_dir=Path({str(folder)!r}))\n"
        "assert len(load_source(data, 'train')) == 90\nassert 'tensorflow' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"train_split": "validation"}, r"data.train_split = 'validation': .*'train', 'test'"),
        ({"train_split": "train[:x]"}, r"data.train_split = 'train\[:x\]': can't be read"),
    ],
)
def test_a_split_that_is_not_there_is_refused(prepared, changed, said):
    with pytest.raises(ConfigError, match=said):
        load_source(settings(prepared, **changed), "train")


def test_an_unknown_data_set_is_refused(tmp_path):
    data = Data("tfds", name="no_such_set", data_dir=tmp_path)
    with pytest.raises(ConfigError, match=r"data.name = 'no_such_set': .*no_such_set"):
        load_source(data, "train")


def test_an_unprepared_data_set_says_the_one_command(tmp_path):
    data = Data("tfds", name="cifar10", data_dir=tmp_path)
    said = f"tfds build cifar10 --file_format array_record --data_dir {tmp_path}"
    with pytest.raises(ConfigError, match=said) as caught:
        load_source(data, "train")
    assert "requirements-tfds.txt" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def made(folder, name, train, test):
    images = {"train": train, "test": test}
    shape = (None, None, 3)
    return Data("tfds", name=prepare(folder, name, images, shape=shape), data_dir=folder)


def test_the_commonest_form_decides_and_not_the_first(tmp_path):
    odd, usual = np.full((4, 4, 3), 9, np.uint8), np.full((6, 5, 3), 9, np.uint8)
    data = made(tmp_path, "odd_first", [odd] + [usual] * 20, [odd] + [usual] * 5)
    with pytest.raises(ConfigError, match="is 4 x 4 with 3 channels, and others 5 x 6"):
        load_source(data, "train")
    data = dataclasses.replace(data, unusable="skip")
    train, test = (load_source(data, split) for split in ("train", "test"))
    assert (len(train), len(test), train.sample_shape) == (20, 5, (6, 5, 3))


def test_splits_of_different_forms_are_refused(tmp_path):
    small, large = (np.zeros((side, 4, 3), np.uint8) for side in (4, 5))
    data = made(tmp_path, "unlike", [small] * 20, [large] * 5)
    for cached in (True, False):
        for split in ("train", "test"):
            with pytest.raises(ConfigError, match="4 x 4 with 3 channels, those held out 4 x 5"):
                load_source(dataclasses.replace(data, cached=cached), split)
    assert load_source(dataclasses.replace(data, resolution=4), "train").sample_shape == (4, 4, 3)


def test_the_command_describes_a_set(prepared, capsys):
    data = settings(prepared)
    where = ["--data.name", data.name, "--data.data-dir", str(data.data_dir)]
    command.main(["--data.source", "tfds", *where])
    said = capsys.readouterr().out
    assert "90 to train on (train) and 30 held out (test), 8 x 8 with 1 channel; 10 classes" in said
