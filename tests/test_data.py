"""Data sets against what the literature and scikit-learn say they hold."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from scipy import stats
from sklearn import datasets

from cgan.config import ConfigError, Data, EmbeddedName
from cgan.data import EMBEDDED as SOURCES
from cgan.data import load_source
from cgan.data.digits import Digits, StackedDigits, load_digits, load_stacked_digits, stack
from cgan.data.mixtures import Mixture, load_grid25, load_grid100, load_ring8
from cgan.data.source import Split, decode_images, encode_images

SPLITS: tuple[Split, Split] = ("train", "test")
MIXTURES = {"ring8": load_ring8, "grid25": load_grid25, "grid100": load_grid100}
SHAPES = {
    "digits": ((8, 8, 1), np.uint8, 10),
    "stacked_digits": ((8, 8, 3), np.uint8, 1000),
    "ring8": ((2,), np.float32, 8),
    "grid25": ((2,), np.float32, 25),
    "grid100": ((2,), np.float32, 100),
}


def test_every_source_name_of_the_config_has_a_source() -> None:
    assert set(SOURCES) == set(get_args(EmbeddedName)) == set(SHAPES)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", SHAPES)
def test_a_source_has_the_shapes_dtypes_and_classes_it_states(name: str, split: Split) -> None:
    source, (shape, dtype, classes) = SOURCES[name](split), SHAPES[name]
    batch = source[np.array([5, 0, 5])]
    assert source.name == name
    assert source.sample_shape == shape
    assert batch.x.shape == (3, *shape)
    assert batch.x.dtype == dtype
    assert batch.label.shape == (3,)
    assert np.issubdtype(batch.label.dtype, np.integer)
    np.testing.assert_array_equal(batch.x[0], batch.x[2])
    assert len(source.class_names) == len(set(source.class_names)) == classes


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", SHAPES)
def test_class_weights_are_the_shares_of_the_labels(name: str, split: Split) -> None:
    source = SOURCES[name](split)
    weights = source.class_weights
    assert weights.sum() == pytest.approx(1)
    labels = np.asarray(source[np.arange(min(len(source), 50_000))].label)
    counts = np.bincount(labels, minlength=len(weights))
    assert len(counts) == len(weights)
    # A chi-squared test that would refuse a right answer once in a million.
    assert stats.chisquare(counts, weights * len(labels)).pvalue > 1e-6


def sorted_rows(images: np.ndarray) -> np.ndarray:
    rows = images.reshape(len(images), -1).astype(int)
    return rows[np.lexsort(rows.T)]


def test_digits_are_all_of_scikit_learns_rescaled_each_in_one_split() -> None:
    images, labels = datasets.load_digits(return_X_y=True)
    # Pixels are 0 to 16 there; 255 / 16 of them, rounded half to even as IEEE says.
    expected = np.array([round(pixel * 255 / 16) for pixel in images.ravel()]).reshape(-1, 64)
    halves = {split: load_digits(split) for split in SPLITS}
    assert sum(len(half) for half in halves.values()) == len(labels) == 1797
    both = np.concatenate([np.c_[h.images.reshape(-1, 64), h.labels] for h in halves.values()])
    np.testing.assert_array_equal(sorted_rows(both), sorted_rows(np.c_[expected, labels]))
    train, test = (
        {image.tobytes() for image in halves[split].images.reshape(-1, 64)} for split in SPLITS
    )
    assert not train & test


def test_a_fifth_of_every_digit_is_held_out() -> None:
    all_labels = datasets.load_digits().target
    test = load_digits("test")
    assert len(test) == 360
    wanted = np.bincount(all_labels) / 5
    assert np.abs(np.bincount(test.labels) - wanted).max() < 1


def test_the_digits_split_is_the_same_every_time() -> None:
    np.testing.assert_array_equal(load_digits("test").images, load_digits("test").images)


def test_digits_are_read_anew_where_what_was_kept_is_missing_damaged_or_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = load_digits("test").images
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    load_digits("train")
    (kept,) = (tmp_path / "data").iterdir()
    for damage in (b"", kept.read_bytes()[:5000]):
        kept.write_bytes(damage)
        np.testing.assert_array_equal(load_digits("test").images, expected)
        assert "building it anew" in capsys.readouterr().err
    np.savez(kept, test_images=expected)
    np.testing.assert_array_equal(load_digits("test").images, expected)


def test_kept_digits_are_read_without_scikit_learn() -> None:
    load_digits("train")
    program = "import sys; from cgan.data.digits import load_digits; load_digits('train'); "
    program += "print('sklearn' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ran.stdout.strip() == b"False"


@pytest.mark.parametrize("split", SPLITS)
def test_channels_of_a_stacked_digit_are_digits_and_its_label_reads_them(split: Split) -> None:
    stacked, digits = load_stacked_digits(split), load_digits(split)
    label_of = {
        image.tobytes(): int(label)
        for image, label in zip(digits.images[..., 0], digits.labels, strict=True)
    }
    batch = stacked[np.arange(200)]
    for image, label in zip(np.asarray(batch.x), np.asarray(batch.label), strict=True):
        channels = [np.ascontiguousarray(image[..., channel]) for channel in range(3)]
        hundreds, tens, ones = (label_of[channel.tobytes()] for channel in channels)
        assert label == 100 * hundreds + 10 * tens + ones
        assert stacked.class_names[label] == f"{hundreds}{tens}{ones}"


def test_stacked_digits_cover_all_thousand_modes_with_independent_channels() -> None:
    source = load_stacked_digits("test")
    labels = np.asarray(source[np.arange(len(source))].label)
    assert len(np.unique(labels)) == 1000
    shares = load_digits("test").class_weights
    product = [shares[n // 100] * shares[n // 10 % 10] * shares[n % 10] for n in range(1000)]
    np.testing.assert_allclose(source.class_weights, product)


def modes(name: str) -> tuple[np.ndarray, float]:
    """Where the literature puts the modes, and their width."""
    if name == "ring8":
        turns = np.exp(2j * np.pi * np.arange(8) / 8)
        return np.stack([turns.real, turns.imag], axis=1), 0.01
    side = {"grid25": 5, "grid100": 10}[name]
    axis = [2 * place - (side - 1) for place in range(side)]
    return np.array([(x, y) for x in axis for y in axis], float), 0.05


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", MIXTURES)
def test_mixtures_have_the_known_modes_and_widths(name: str, split: Split) -> None:
    source = MIXTURES[name](split)
    means, sigma = modes(name)
    np.testing.assert_allclose(source.means, means, atol=1e-12)
    assert source.sigma == sigma
    for mode, mean in enumerate(means):
        points = source.points[source.labels == mode].astype(float)
        error = sigma / np.sqrt(len(points))
        assert np.abs(points.mean(axis=0) - mean).max() < 5 * error
        # The standard error of a standard deviation is sigma / sqrt(2 n).
        assert np.abs(points.std(axis=0) - sigma).max() < 5 * error / np.sqrt(2)


def test_a_point_lies_at_its_labels_mode_in_grids() -> None:
    source = load_grid25("train")
    batch = source[np.arange(1000)]
    nearest = np.linalg.norm(batch.x[:, None] - source.means, axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(nearest, batch.label)
    named = [f"({x:g}, {y:g})" for x, y in source.means]
    assert list(source.class_names) == named


def test_modes_on_the_ring_have_plain_names() -> None:
    names = load_ring8("test").class_names
    assert list(names[:3]) == ["(1, 0)", "(0.707, 0.707)", "(0, 1)"]
    assert list(names[4:7]) == ["(-1, 0)", "(-0.707, -0.707)", "(0, -1)"]


@pytest.mark.parametrize("name", MIXTURES)
def test_scale_is_the_standard_deviation_of_a_coordinate(name: str) -> None:
    source = MIXTURES[name]("train")
    assert source.scale == pytest.approx(source.points.astype(float).std(), rel=5e-3)
    assert np.asarray(source.encode(source.points)).std() == pytest.approx(1, rel=5e-3)


@pytest.mark.parametrize("name", MIXTURES)
def test_the_splits_of_a_mixture_share_no_point(name: str) -> None:
    train, test = (MIXTURES[name](split).points for split in SPLITS)
    assert len(train) > len(test)
    assert not {row.tobytes() for row in train[:20_000]} & {row.tobytes() for row in test}


@pytest.mark.parametrize("name", MIXTURES)
def test_points_survive_encode_and_decode(name: str) -> None:
    source: Mixture = MIXTURES[name]("test")
    points = source.points[:1000]
    encoded = np.asarray(source.encode(points))
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded, points / source.scale, rtol=1e-6)
    np.testing.assert_allclose(source.decode(encoded), points, rtol=1e-6, atol=1e-7)


def test_every_pixel_value_survives_encode_and_decode() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    encoded = encode_images(pixels)
    assert encoded.dtype == np.float32
    assert encoded.min() == -1
    assert encoded.max() == 1
    np.testing.assert_array_equal(decode_images(encoded), pixels)


def test_decode_takes_the_nearest_pixel() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    for nudge in (-0.49, 0.49):
        nudged = (encode_images(pixels) + nudge / 127.5).astype(np.float32)
        np.testing.assert_array_equal(decode_images(nudged), pixels)


def test_decode_clips_what_lies_outside() -> None:
    outside = np.array([-np.inf, -7, -1.004, 1.004, 1.5, np.inf], np.float32).reshape(1, 1, 6, 1)
    decoded = decode_images(outside)
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded.ravel(), [0, 0, 0, 255, 255, 255])


def test_images_of_both_sources_use_the_same_form() -> None:
    for source in (load_digits("test"), load_stacked_digits("test")):
        stored = np.asarray(source[np.arange(50)].x)
        np.testing.assert_array_equal(source.decode(np.asarray(source.encode(stored))), stored)


def test_digits_class_weights_of_a_split_are_its_own() -> None:
    tiny = Digits(np.zeros((4, 8, 8, 1), np.uint8), np.array([3, 3, 3, 9]))
    np.testing.assert_array_equal(tiny.class_weights, [0, 0, 0, 0.75, 0, 0, 0, 0, 0, 0.25])


ALPHA = 1.25
IMBALANCED = ("ring8", "grid25", "stacked_digits")


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", IMBALANCED)
def test_an_imbalance_draws_modes_by_a_power_law_of_their_rank(name: str, split: Split) -> None:
    source = load_source(Data(name, imbalance=ALPHA), split)
    weights, modes = source.class_weights, len(source.class_names)
    harmonic = sum(rank**-ALPHA for rank in range(1, modes + 1))
    expected = sorted((rank**-ALPHA / harmonic for rank in range(1, modes + 1)), reverse=True)
    np.testing.assert_allclose(sorted(weights, reverse=True), expected)
    labels = np.asarray(source[np.arange(min(len(source), 50_000))].label)
    counts = np.bincount(labels, minlength=modes)
    assert stats.chisquare(counts, weights * len(labels)).pvalue > 1e-6


@pytest.mark.parametrize("name", IMBALANCED)
def test_the_same_modes_are_rare_in_both_splits_and_they_are_not_neighbors(name: str) -> None:
    train, test = (load_source(Data(name, imbalance=ALPHA), split) for split in SPLITS)
    np.testing.assert_array_equal(train.class_weights, test.class_weights)
    assert train.name == f"{name}_imbalance_1.25"
    ranks = np.argsort(np.argsort(-train.class_weights))
    step = np.abs(np.diff(ranks)).mean()
    assert step > len(ranks) / 5  # in order it would be 1


def test_an_imbalance_leaves_the_modes_where_they_are() -> None:
    even, uneven = load_grid25("test"), load_source(Data("grid25", imbalance=ALPHA), "test")
    assert isinstance(uneven, Mixture)
    np.testing.assert_array_equal(even.means, uneven.means)
    assert even.scale == uneven.scale
    nearest = np.linalg.norm(uneven.points[:500, None] - uneven.means, axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(nearest, uneven.labels[:500])


def test_unevenly_stacked_digits_are_the_splits_own_and_each_of_a_class_is_as_likely() -> None:
    digits = load_digits("test")
    source = load_source(Data("stacked_digits", imbalance=ALPHA), "test")
    assert isinstance(source, StackedDigits)
    batch = source[np.arange(300)]
    own = {(i.tobytes(), int(n)) for i, n in zip(digits.images, digits.labels, strict=True)}
    for image, label in zip(np.asarray(batch.x), np.asarray(batch.label), strict=True):
        for channel, place in enumerate((100, 10, 1)):
            one = np.ascontiguousarray(image[..., channel])
            assert (one.tobytes(), label // place % 10) in own
    chosen = source.triples[:, 0]
    for number in range(10):
        rows = np.flatnonzero(digits.labels == number)
        counts = np.bincount(chosen, minlength=len(digits))[rows]
        assert stats.chisquare(counts).pvalue > 1e-6


def test_no_imbalance_draws_what_was_drawn_before_there_was_one() -> None:
    rng = np.random.default_rng([0, 1])
    np.testing.assert_array_equal(load_grid25("test").labels, rng.integers(25, size=65_536))
    rng = np.random.default_rng([0, 1])
    triples = rng.integers(360, size=(26_000, 3), dtype=np.int16)
    stacked = load_stacked_digits("test")
    assert isinstance(stacked, StackedDigits)
    np.testing.assert_array_equal(stacked.triples, triples)
    np.testing.assert_array_equal(load_grid25("test").class_weights, np.full(25, 1 / 25))


def test_an_imbalance_needs_every_digit() -> None:
    one = Digits(np.zeros((4, 8, 8, 1), np.uint8), np.array([0, 1, 2, 9]))
    with pytest.raises(ConfigError, match="digits has no digit 3; must be 0"):
        stack(one, "train", "stacked_digits", 1.0)
