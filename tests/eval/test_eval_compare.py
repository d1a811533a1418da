"""Two sets of samples on disk: folders of images and arrays, compared on the command line."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from cgan.config import ConfigError
from cgan.data.digits import load_digits
from eval.extractors.given import Given
from eval.extractors.reader import Reader
from eval.gather import Wanted, gather
from eval.metrics.frechet import frechet_distance, gaussian, jackknife
from eval.metrics.moments import moments
from eval.sample_files import open_samples
from tests.eval import commands


def exit_code(*argv):
    return commands.exit_code("compare", *argv)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))


def save_folder(path, images, suffix=".png"):
    path.mkdir(parents=True)
    for index, image in enumerate(images):
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(
            path / f"{index:05d}{suffix}"
        )
    return path


@pytest.fixture
def digits():
    return load_digits("train").images


def test_all_images_of_a_folder_are_read_in_an_order_that_is_not_their_names(tmp_path, digits):
    folder = save_folder(tmp_path / "real", digits[:300])
    (folder / "notes.txt").write_text("no image")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "00000.webp", lossless=True)
    samples = open_samples("real", folder)
    assert len(samples) == 301
    read = np.concatenate(list(samples.chunks()))
    assert read.shape == (301, 8, 8, 3)
    expected = [*digits[:300].repeat(3, axis=-1), np.zeros((8, 8, 3), np.uint8)]
    assert sorted(image.tobytes() for image in read) == sorted(e.tobytes() for e in expected)
    places = [np.flatnonzero((read == each).all(axis=(1, 2, 3)))[0] for each in expected[:100]]
    assert np.mean(np.diff(places) > 0) < 0.7
    again = np.concatenate(list(open_samples("real", folder).chunks()))
    np.testing.assert_array_equal(read, again)


def test_images_of_several_sizes_come_in_chunks_of_one_size(tmp_path, digits):
    large = digits[5:8].repeat(2, axis=1)
    folder = save_folder(tmp_path / "real", [*digits[:3], *large, digits[9]])
    samples = open_samples("real", folder)
    assert not samples.has_one_size
    assert sorted(chunk.shape for chunk in samples.chunks()) == [(3, 16, 8, 3), (4, 8, 8, 3)]


def test_folders_of_images_by_their_pixels(tmp_path, digits, capsys):
    real = save_folder(tmp_path / "real", digits[:400])
    fake = save_folder(tmp_path / "fake", digits[400:700])
    out = tmp_path / "made" / "records.jsonl"
    assert exit_code(real, fake, "--extractor", "pixels", "--out", out) == 0
    printed = capsys.readouterr().out
    assert "Frechet distance" in printed
    records = [json.loads(line) for line in out.read_text().splitlines()]
    found = {(record["metric"], record["samples"]): record for record in records}
    # As RGB every pixel is there three times.
    sets = (digits[400:700], digits[:400])
    expected = frechet_distance(*(x.reshape(-1, 64).repeat(3, axis=1) / 255 for x in sets))
    assert found["frechet_distance", "generated"]["value"] == pytest.approx(expected, rel=1e-5)
    assert found["frechet_distance", "generated"]["floor_n"] == 200
    assert found["frechet_distance", "generated"]["checkpoint_nimg"] is None
    assert found["coverage_k5_strict", "generated"]["value"] > 0.8


def test_arrays_of_features(tmp_path, capsys):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(800, 5)), rng.normal(1, 1, size=(700, 5))
    np.savez(tmp_path / "real.npz", features=real)
    np.savez(tmp_path / "fake.npz", some_name=fake)
    out = tmp_path / "records.jsonl"
    command = (tmp_path / "real.npz", tmp_path / "fake.npz", "--metrics", "frechet_distance")
    assert exit_code(*command, "--out", out) == 0
    generated, matched, floor = (json.loads(line) for line in out.read_text().splitlines())
    assert generated["value"] == pytest.approx(frechet_distance(fake, real), rel=1e-5)
    assert generated["value"] == pytest.approx(5, abs=6 * generated["standard_error"])
    assert floor["samples"] == "real"
    assert floor["value"] < 0.2
    assert matched["samples"] == "generated_matched"
    assert matched["n"] == floor["n"] == matched["reference_n"] == floor["reference_n"] == 400
    assert matched["value"] == pytest.approx(5, abs=6 * matched["standard_error"])
    assert exit_code(*command, "--out", out) == 0
    assert len(out.read_text().splitlines()) == 6
    folder = tmp_path / "lr0.1"
    assert exit_code(*command, "--out", folder) == 0
    assert (folder / "eval.jsonl").read_text() == "".join(out.read_text().splitlines(True)[:3])


def test_standard_errors_of_the_frechet_distance_are_right(tmp_path):
    """The spread over sets drawn anew, within what 20 draws can tell (chi-square, 1 in 1,000)."""
    rng = np.random.default_rng(1)
    target = gaussian(moments(rng.normal(size=(5_000, 4))))
    draws = [rng.normal(0.3, 1, size=(500, 4)).astype("f4") for _ in range(20)]
    wanted = [Wanted(None, frozenset({"moments"}))]
    groups = [gather([rows], Reader(Given()), wanted)[0].moments for rows in draws]
    errors = np.array([jackknife(each, target).value for each in groups])
    values = [frechet_distance(rows, rng.normal(size=(5_000, 4))) for rows in draws]
    ratio = 19 * np.var(values, ddof=1) / np.mean(errors**2)
    assert stats.chi2.ppf(0.001, 19) < ratio < 1.3 * stats.chi2.ppf(0.999, 19)


def refused(tmp_path, capsys, *argv):
    before = sorted(tmp_path.rglob("*"))
    assert exit_code(*argv) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before
    return printed.err


def test_what_can_not_be_compared_is_one_line(tmp_path, digits, capsys):
    images = save_folder(tmp_path / "images", digits[:20])
    mixed = save_folder(tmp_path / "mixed", [*digits[:5], digits[5].repeat(2, axis=0)])
    single = save_folder(tmp_path / "single", digits[:1])
    features = tmp_path / "features.npz"
    np.savez(features, features=np.zeros((9, 4), np.float32))
    pixels = ("--extractor", "pixels")
    for argv, expected in (
        ((images, tmp_path / "none"), "is not there; must be a folder or a .zip file of images"),
        ((single, images, *pixels), "holds 1 samples; must hold at least 2"),
        ((images, features), "holds features, and real"),
        ((images, mixed, *pixels), "must be a set of images of one size"),
        ((images, images, "--extractor", "classifier"), "must be inception, dinov2 or pixels"),
        ((images, images, *pixels, "--metrics", "nearest_train_over_held_out"), "metrics = "),
        ((images, images, *pixels, "--out", tmp_path / "x.txt"), "a .jsonl file"),
        ((features, features, "--weights", images), "weights = "),
        ((images, images), "--extractor pixels"),
    ):
        assert expected in refused(tmp_path, capsys, *argv)


def test_samples_that_are_not_finite_are_one_line(tmp_path, capsys):
    rows = np.zeros((9, 4), np.float32)
    np.savez(tmp_path / "real.npz", features=rows)
    rows[3] = np.nan
    np.savez(tmp_path / "fake.npz", features=rows)
    assert exit_code(tmp_path / "real.npz", tmp_path / "fake.npz") == 2
    assert "1 of 9 rows are not finite; the first is row 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"a": np.zeros((3, 2)), "b": np.zeros((3, 2))}, "holds a .*, b .*; must hold one array"),
        (
            {"samples": np.zeros((3, 8, 8, 1), np.float32)},
            "must hold uint8",
        ),
        ({"samples": np.zeros((3, 8, 8, 2), np.uint8)}, "must hold uint8 images"),
        ({"samples": np.zeros((3, 8), np.int64)}, "must hold uint8 images"),
        ({"samples": np.array([{"a": 1}, None])}, "can't be read"),
    ],
)
def test_arrays_of_another_form_are_refused(tmp_path, arrays, expected):
    path = tmp_path / "x.npz"
    np.savez(path, **arrays)
    with pytest.raises(ConfigError, match=expected):
        open_samples("fake", path)


def test_damaged_files_are_named(tmp_path, digits):
    folder = save_folder(tmp_path / "real", digits[:3])
    (folder / "00001.png").write_bytes((folder / "00001.png").read_bytes()[:60])
    with pytest.raises(ConfigError, match=r"00001\.png: can't be read as an image"):
        list(open_samples("real", folder).chunks())
    (tmp_path / "x.npz").write_bytes(b"no archive")
    with pytest.raises(ConfigError, match=r"x\.npz.*can't be read"):
        open_samples("real", tmp_path / "x.npz")
