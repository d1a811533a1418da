"""The classifier: how well it reads, its cache, and evaluation of images with it."""

import numpy as np
import pytest

from cgan.data import EMBEDDED
from cgan.data.digits import load_digits
from eval.dataset.protocol import Evaluation, load_reader, protocol_of
from eval.dataset.reference import chunks_of, load_reference
from eval.extractors import classifier
from eval.extractors.reader import Reader
from eval.extractors.stacked import StackedClassifier
from eval.measuring.measure import evaluate
from eval.measuring.subject import Subject
from eval.splits import Splits


def load():
    return classifier.load(load_digits("train"), load_digits("test"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache") / "made" / "here"
        patch.setenv("CGAN_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def trained(cache):
    """Trained once for all tests of this file."""
    return load()


@pytest.fixture
def no_training(trained, monkeypatch):
    def fail(data, classes):
        raise AssertionError("trained again")

    monkeypatch.setattr(classifier, "train", fail)


@pytest.fixture
def trainings(trained, monkeypatch):
    """Counts the trainings, and makes them instant."""
    calls = []

    def again(data, classes):
        calls.append(len(data.images))
        return trained.weights

    monkeypatch.setattr(classifier, "train", again)
    return calls


def test_reads_held_out_digits(trained):
    held_out = load_digits("test")
    labels = trained(held_out.images).labels
    assert (labels == held_out.labels).mean() >= 0.97
    assert trained.accuracy == (labels == held_out.labels).mean()


def test_reads_each_channel_of_stacked_digits(trained):
    stacked = EMBEDDED["stacked_digits"]("test")
    batch = stacked[np.arange(1_500)]
    reader = StackedClassifier(trained)
    read = reader(batch.x)
    assert (read.labels == batch.label).mean() > 0.9
    assert read.features.shape == (1_500, 192)
    for channel in range(3):
        single = reader(batch.x[..., channel : channel + 1])
        np.testing.assert_array_equal(
            single.features, read.features[:, 64 * channel : 64 * (channel + 1)]
        )
        np.testing.assert_array_equal(single.labels, read.labels // 10 ** (2 - channel) % 10)


def test_each_sample_is_read_by_itself(trained):
    """More than one batch, the last one padded, and repeated images: none disturbs another."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(classifier.CPU_BATCH + 3, 8, 8, 1), dtype=np.uint8)
    images[5] = images[257]
    order = rng.permutation(len(images))
    read, shuffled = trained(images), trained(images[order])
    np.testing.assert_allclose(shuffled.features, read.features[order], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(read.features[5], read.features[257], rtol=1e-4, atol=1e-4)
    alone = trained(images[257:258])
    np.testing.assert_allclose(alone.features[0], read.features[257], rtol=1e-4, atol=1e-4)


def test_second_load_comes_from_the_cache(trained, no_training, cache):
    again = load()
    images = load_digits("test").images
    np.testing.assert_array_equal(again(images).features, trained(images).features)
    assert again.fingerprint == trained.fingerprint
    assert again.accuracy == trained.accuracy
    assert [path.suffix for path in cache.iterdir() if path.is_file()] == [".npz"]


def damage_truncated(path):
    path.write_bytes(path.read_bytes()[:2_000])


def damage_text(path):
    path.write_text("not an archive")


def damage_empty(path):
    path.write_bytes(b"")


def damage_single_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def damage_other_shapes(path):
    np.savez(path, kernel=np.zeros((3, 3), np.float32))


def damage_untrained(path):
    with np.load(path) as archive:
        np.savez(path, **{name: 0 * archive[name] for name in archive.files})


@pytest.mark.parametrize(
    "damage",
    [
        damage_truncated,
        damage_text,
        damage_empty,
        damage_single_array,
        damage_other_shapes,
        damage_untrained,
    ],
)
def test_a_damaged_cache_is_rebuilt_with_a_note(damage, trained, trainings, cache, capsys):
    (path,) = (path for path in cache.iterdir() if path.is_file())
    damage(path)
    again = load()
    assert len(trainings) == 1
    assert again.accuracy == trained.accuracy
    assert str(path) in capsys.readouterr().err
    load()
    assert len(trainings) == 1


def test_a_cache_that_cannot_be_written_is_only_a_note(
    trained, trainings, tmp_path, monkeypatch, capsys
):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("CGAN_CACHE", str(blocked / "folder"))
    assert load().accuracy == trained.accuracy
    assert "not cached" in capsys.readouterr().err


def test_a_bad_classifier_is_refused(trained, monkeypatch, tmp_path):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    zeros = {path: 0 * leaf for path, leaf in trained.weights.items()}
    monkeypatch.setattr(classifier, "train", lambda data, classes: zeros)
    splits = Splits(load_digits("train"), load_digits("test"))
    with pytest.raises(RuntimeError, match="97% or more are needed"):
        load_reader(protocol_of(splits.train), splits, None, None)


def test_reads_images_of_other_sizes_and_classes():
    """Digits enlarged to 20x16, told apart as odd and even."""
    digits = load_digits("train")
    doubled = digits.images.repeat(2, axis=1).repeat(2, axis=2)
    enlarged = np.pad(doubled, [(0, 0), (2, 2), (0, 0), (0, 0)])
    weights = classifier.train(
        classifier.Labeled(enlarged[:1_000], digits.labels[:1_000] % 2),
        2,
        classifier.Recipe(epochs=4),
    )
    reader = classifier.Classifier(weights, (20, 16, 1), 2)
    read = reader(enlarged[1_000:])
    assert (read.labels == digits.labels[1_000:] % 2).mean() > 0.9
    assert read.logits.shape == (len(enlarged) - 1_000, 2)
    assert read.features.shape == (len(enlarged) - 1_000, 64)


@pytest.fixture(scope="module")
def digits_evaluation(trained):
    splits = Splits(EMBEDDED["digits"]("train"), EMBEDDED["digits"]("test"))
    reader = Reader(trained, trained, 10)
    rows = np.arange(len(splits.train))
    reference = load_reference("digits", reader, lambda: chunks_of(splits.train, rows))
    return Evaluation(splits, reader, reference, rows, protocol_of(splits.train))


def values_of(evaluation, generated):
    records = evaluate(evaluation, Subject([generated], len(generated), nimg=640), seed=0)
    return {(record.metric, record.samples): record for record in records}


def test_digits_beside_real_data_and_noise(digits_evaluation):
    train = digits_evaluation.splits.train
    generated = train[np.random.default_rng(0).integers(len(train), size=2_000)].x
    values = values_of(digits_evaluation, generated)
    distances = {s: values["frechet_distance", s].value for s in ("generated", "real", "noise")}
    assert distances["generated"] < distances["real"] < 0.1 * distances["noise"]
    row = values["frechet_distance", "generated"]
    assert abs(row.value - row.perfect_sampler) < 6 * row.perfect_sampler_sd
    assert row.floor == distances["real"]
    assert values["modes_captured_at_1", "generated"].value == 10
    assert values["reverse_kl_nats", "generated"].value < 0.01
    assert values["reverse_kl_nats", "noise"].value > 0.3
    expected = {"generated": 2_000, "generated_matched": 360, "real": 360, "noise": 2_000}
    assert {s: values["frechet_distance", s].n for s in expected} == expected


def test_copies_of_the_train_set_are_told_by_authenticity_alone(digits_evaluation):
    """The Frechet distance praises them: that is why the two stand together."""
    train = digits_evaluation.splits.train
    values = values_of(digits_evaluation, train.images)
    assert values["frechet_distance", "generated"].value < 1e-6
    assert values["authenticity", "generated"].value == 0
    assert values["authenticity", "real"].value > 0.3
    assert values["coverage_k5_strict", "generated"].value == 1


def test_a_digit_that_is_never_made_is_missed(digits_evaluation):
    train = digits_evaluation.splits.train
    values = values_of(digits_evaluation, train.images[train.labels != 7])
    captured = values["modes_captured_at_20", "generated"]
    assert captured.value == 9
    assert captured.details["missing"] == ["7"]
    assert values["reverse_kl_nats", "generated"].value == pytest.approx(np.log(10 / 9), abs=0.02)
    assert values["recall_k3_inclusive", "generated"].value < 0.95
