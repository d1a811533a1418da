"""The digit classifier: how well it reads, its cache, and evaluation of images with it."""

import numpy as np
import pytest

from cgan.data import SOURCES
from cgan.data.digits import load_digits
from eval.extractors import digit_classifier
from eval.protocol import Evaluation, evaluate


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache") / "made" / "here"
        patch.setenv("CGAN_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def trained(cache):
    """Trained once for all tests of this file."""
    return digit_classifier.load()


@pytest.fixture
def no_training(trained, monkeypatch):
    def fail(digits, recipe=None):
        raise AssertionError("trained again")

    monkeypatch.setattr(digit_classifier, "train", fail)


@pytest.fixture
def trainings(trained, monkeypatch):
    """Counts the trainings, and makes them instant."""
    calls = []

    def again(digits, recipe=None):
        calls.append(len(digits))
        return trained.weights

    monkeypatch.setattr(digit_classifier, "train", again)
    return calls


def test_reads_held_out_digits(trained):
    held_out = load_digits("test")
    labels = trained(held_out.images).labels
    assert (labels == held_out.labels).mean() >= 0.97
    assert trained.accuracy == (labels == held_out.labels).mean()


def test_reads_each_channel_of_stacked_digits(trained):
    stacked = SOURCES["stacked_digits"]("test")
    batch = stacked[np.arange(1_500)]
    read = trained(batch.x)
    assert (read.labels == batch.label).mean() > 0.9
    assert read.features.shape == (1_500, 192)
    for channel in range(3):
        single = trained(batch.x[..., channel : channel + 1])
        np.testing.assert_array_equal(
            single.features, read.features[:, 64 * channel : 64 * (channel + 1)]
        )
        np.testing.assert_array_equal(single.labels, read.labels // 10 ** (2 - channel) % 10)


def test_each_sample_is_read_by_itself(trained):
    """More than one batch, the last one padded, and repeated images: none disturbs another."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(digit_classifier.READ_BATCH + 3, 8, 8, 1), dtype=np.uint8)
    images[5] = images[2050]
    order = rng.permutation(len(images))
    read, shuffled = trained(images), trained(images[order])
    np.testing.assert_allclose(shuffled.features, read.features[order], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(read.features[5], read.features[2050])
    alone = trained(images[2050:2051])
    np.testing.assert_allclose(alone.features[0], read.features[2050], rtol=1e-4, atol=1e-4)


def test_second_load_comes_from_the_cache(trained, no_training, cache):
    again = digit_classifier.load()
    images = load_digits("test").images
    np.testing.assert_array_equal(again(images).features, trained(images).features)
    assert again.fingerprint == trained.fingerprint
    assert again.accuracy == trained.accuracy
    assert [path.suffix for path in cache.iterdir()] == [".npz"]


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
    (path,) = cache.iterdir()
    damage(path)
    again = digit_classifier.load()
    assert len(trainings) == 1
    assert again.accuracy == trained.accuracy
    assert str(path) in capsys.readouterr().err
    digit_classifier.load()
    assert len(trainings) == 1


def test_a_cache_that_cannot_be_written_is_only_a_note(
    trained, trainings, tmp_path, monkeypatch, capsys
):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("CGAN_CACHE", str(blocked / "folder"))
    assert digit_classifier.load().accuracy == trained.accuracy
    assert "not cached" in capsys.readouterr().err


def test_a_bad_classifier_is_refused(trained, monkeypatch, tmp_path):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    zeros = {path: 0 * leaf for path, leaf in trained.weights.items()}
    monkeypatch.setattr(digit_classifier, "train", lambda digits: zeros)
    with pytest.raises(RuntimeError, match="97% or more are needed"):
        digit_classifier.load()
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def digits_evaluation(trained):
    train, held_out = SOURCES["digits"]("train"), SOURCES["digits"]("test")
    return Evaluation("digit_images", train, held_out, trained)


def test_digits_beside_real_data_and_noise(digits_evaluation):
    train = digits_evaluation.train
    generated = train[np.random.default_rng(0).integers(len(train), size=2_000)].x
    records = evaluate(digits_evaluation, generated, nimg=640, seed=0)
    values = {(record.metric, record.samples): record for record in records}
    frechet = "frechet_distance_digit_classifier"
    assert values[frechet, "generated"].value < values[frechet, "real"].value
    assert values[frechet, "real"].value < 0.1 * values[frechet, "noise"].value
    floor = values[frechet, "generated"]
    assert abs(floor.value - floor.floor) < 6 * floor.floor_sd
    assert values["modes_captured_at_1", "generated"].value == 10
    assert values["reverse_kl_nats", "generated"].value < 0.01
    assert values["reverse_kl_nats", "noise"].value > 0.3
    assert {record.n for record in records if record.samples == "real"} == {360}
    assert {record.n for record in records if record.samples == "noise"} == {2_000}


def test_a_digit_that_is_never_made_is_missed(digits_evaluation):
    train = digits_evaluation.train
    generated = train.images[train.labels != 7]
    records = evaluate(digits_evaluation, generated, nimg=0, seed=0)
    values = {(record.metric, record.samples): record for record in records}
    captured = values["modes_captured_at_20", "generated"]
    assert captured.value == 9
    assert captured.details["missing"] == ["7"]
    assert values["reverse_kl_nats", "generated"].value == pytest.approx(np.log(10 / 9), abs=0.02)
