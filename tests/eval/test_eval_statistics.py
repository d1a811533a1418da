"""Mean and covariance in place of samples: the same Frechet distance, and nothing that they can't
tell."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy import linalg

from cgan.config import ConfigError
from eval.sample_files import open_samples, open_samples_or_statistics
from tests.eval import commands


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))


def exit_code(*argv):
    return commands.exit_code(*argv)


def features(path, rows):
    np.savez(path, features=rows)
    return path


def foreign(path, rows, **more):
    """As pytorch-fid writes them."""
    np.savez(path, mu=rows.mean(axis=0), sigma=np.cov(rows, rowvar=False), **more)
    return path


def ours(path, samples, *argv):
    assert exit_code("reference", samples, "--out", path, *argv) == 0
    return path


def compared(tmp_path, real, fake, *argv):
    out = tmp_path / "records.jsonl"
    out.unlink(missing_ok=True)
    assert exit_code("compare", real, fake, "--out", out, *argv) == 0
    return [json.loads(line) for line in out.read_text().splitlines()]


def by_square_root(a, b):
    """Equation 6 of Heusel et al. 2017, as it is written."""
    (mean_a, cov_a), (mean_b, cov_b) = ((x.mean(axis=0), np.cov(x, rowvar=False)) for x in (a, b))
    root = linalg.sqrtm(cov_a @ cov_b)
    return ((mean_a - mean_b) ** 2).sum() + np.trace(cov_a + cov_b - 2 * np.real(root))


REAL = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
FAKE = np.random.default_rng(1).normal(0.4, 1.3, size=(300, 6)).astype(np.float32)


@pytest.mark.parametrize("fewer", [False, True], ids=["full rank", "fewer rows than dimensions"])
@pytest.mark.parametrize("makes", [ours, foreign])
def test_the_distance_is_that_of_the_rows(makes, fewer, tmp_path):
    real, fake = (REAL[:5], FAKE[:4]) if fewer else (REAL, FAKE)
    rows = {
        "real": features(tmp_path / "real.npz", real),
        "fake": features(tmp_path / "fake.npz", fake),
    }
    by_rows = compared(tmp_path, *rows.values(), "--metrics", "frechet_distance")[0]
    if not fewer:
        assert by_rows["value"] == pytest.approx(by_square_root(real, fake), rel=1e-6)
    made = {
        name: makes(tmp_path / f"{name}_statistics.npz", rows[name] if makes is ours else of)
        for name, of in (("real", real.astype(float)), ("fake", fake.astype(float)))
    }
    for one, other in (
        (made["real"], rows["fake"]),
        (rows["real"], made["fake"]),
        (made["real"], made["fake"]),
    ):
        (record,) = compared(tmp_path, one, other)
        assert record["metric"] == "frechet_distance"
        assert record["value"] == pytest.approx(by_rows["value"], rel=1e-9)
        assert record["floor"] is None
        assert record["floor_n"] == 0
        known = makes is ours or one is rows["real"]
        assert record["reference_n"] == (len(real) if known else 0)
        assert record["n"] == (len(fake) if makes is ours or other is rows["fake"] else 0)
        if makes is ours:
            assert record["reference"] == by_rows["reference"]
        assert (record["standard_error"] is not None) == (other is rows["fake"])
        rows_and_number = one is rows["real"] and makes is ours
        assert (record["perfect_sampler"] is not None) == rows_and_number


def test_the_table_says_that_there_is_no_floor(tmp_path, capsys):
    real = foreign(tmp_path / "real.npz", REAL)
    fake = features(tmp_path / "fake.npz", FAKE)
    assert exit_code("compare", real, fake) == 0
    printed = " ".join(" ".join(capsys.readouterr()).split())
    assert "there is no floor of real data" in printed
    assert "n = 300" in printed
    assert "real data undefined" not in printed
    assert "real.npz': does not say what read it; taken for given's" in printed
    assert exit_code("compare", real, foreign(tmp_path / "b.npz", FAKE)) == 0
    assert "n unknown" in capsys.readouterr().out


def images(root, n, seed=0):
    root.mkdir()
    drawn = np.random.default_rng(seed).integers(256, size=(n, 3, 4, 3), dtype=np.uint8)
    for number, image in enumerate(drawn):
        Image.fromarray(image).save(root / f"{number:03d}.png")
    return root


def test_statistics_of_images_are_met_by_what_made_them(tmp_path, capsys):
    real, fake = images(tmp_path / "real", 60), images(tmp_path / "fake", 50, 1)
    pixels = ("--extractor", "pixels")
    made = ours(tmp_path / "made" / "statistics.npz", real, *pixels)
    assert f"{real}: 60 samples" in capsys.readouterr().out
    by_rows = compared(tmp_path, real, fake, *pixels, "--metrics", "frechet_distance")[0]
    for argv in ((), pixels, ("--metrics", "all")):  # the extractor's name is in the file
        (record,) = compared(tmp_path, made, fake, *argv)
        assert record["value"] == pytest.approx(by_rows["value"], rel=1e-9)
        assert record["extractor"] == "pixels"
    (record,) = compared(tmp_path, made, made)
    assert record["extractor"] == "pixels"
    assert record["value"] == pytest.approx(0, abs=1e-9)
    with np.load(made) as file:  # for other programs
        assert file["mu"].shape == (36,)
        rows = np.concatenate(list(open_samples("real", real).chunks())).reshape(60, -1) / 255
        np.testing.assert_allclose(file["sigma"], np.cov(rows, rowvar=False), atol=1e-7)


def test_a_data_sets_statistics_can_be_written_too(tmp_path, capsys):
    made = tmp_path / "ring8.npz"
    assert exit_code("reference", "ring8", "--out", made) == 0
    assert "ring8: 131,072 train samples" in capsys.readouterr().out
    found = open_samples_or_statistics("real", made)
    assert (found.n, found.dimensions, found.extractor) == (131_072, 2, "points")


def refused(tmp_path, capsys, *argv):
    assert exit_code(*argv) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err


def test_what_statistics_can_not_tell_is_refused(tmp_path, capsys):
    real, fake = images(tmp_path / "real", 9), features(tmp_path / "fake.npz", FAKE)
    made = ours(tmp_path / "pixels.npz", real, "--extractor", "pixels")
    other = foreign(tmp_path / "other.npz", REAL)
    given = ours(tmp_path / "given.npz", fake)
    gray = images(tmp_path / "grey", 4)
    Image.new("RGB", (5, 5)).save(gray / "odd.png")
    capsys.readouterr()
    changed = dict(np.load(made)) | {"extractor_fingerprint": np.array("older")}
    np.savez(tmp_path / "older.npz", **changed)
    pixels = ("--extractor", "pixels")
    for argv, said in (
        (("compare", other, fake, "--metrics", "vendi_score_cosine_q1"), "frechet_distance alone"),
        (
            ("compare", made, real, "--extractor", "dinov2"),
            "'dinov2': must be left out, since real",
        ),
        (("compare", tmp_path / "older.npz", real), "of pixels (older), and what reads the images"),
        (("compare", given, real, *pixels), "holds statistics of 'given'; must be of inception"),
        (("compare", other, real, *pixels), "has features of 36 dimensions; must be 6"),
        (("compare", other, fake, *pixels), "left out where features are given"),
        (("compare", other, other, *pixels), "left out where features are given"),
        (("compare", made, given), "of pixels (pixels-1) and given (given-1)"),
        (("compare", made, gray), "must be a set of images of one size"),
        (("collapse", "--real", other, "--fake", fake), "must hold the samples themselves"),
        (("reference", other, "--out", tmp_path / "x.npz"), "must hold the samples themselves"),
        (("reference", fake), "out = None: must be an .npz file to write to"),
        (("reference", fake, "--out", tmp_path / "x.txt"), "a .npz file"),
        (("reference", fake, *pixels, "--out", tmp_path / "x.npz"), "left out where features"),
        (("reference", tmp_path / "none", "--out", tmp_path / "x.npz"), "is not there in"),
        (("reference", fake, "--out", tmp_path / "x.npz", "--resolution", 8), "resolution = 8"),
        (("reference", "ring8", "--array", "x"), "array = 'x': must be left out"),
        (
            ("reference", fake, "--out", tmp_path / "x.npz", "--array", "y"),
            "array = 'y': is not in",
        ),
    ):
        assert said in refused(tmp_path, capsys, *argv), said
    assert not (tmp_path / "x.npz").exists()


def spoilt(**changes):
    return {"mu": np.zeros(4), "sigma": np.eye(4)} | changes


SKEW = np.eye(4) + np.eye(4, k=1)
BROKEN = {
    "another size": (spoilt(mu=np.zeros(3)), r"mu float64 \[3\], sigma float64 \[4, 4\]; must be"),
    "no square": (spoilt(sigma=np.ones((4, 2))), "must be floats, mu"),
    "no axes": (spoilt(mu=np.array(1.0), sigma=np.array(1.0)), "must be floats, mu"),
    "nothing": (spoilt(mu=np.zeros(0), sigma=np.zeros((0, 0))), "must be floats, mu"),
    "whole numbers": (spoilt(sigma=np.eye(4, dtype=int)), "must be floats, mu"),
    "not finite": (spoilt(sigma=np.diag([1, 1, 1, np.inf])), "not finite"),
    "no mean": (spoilt(mu=np.full(4, np.nan)), "not finite"),
    "not symmetric": (spoilt(sigma=SKEW), "not symmetric"),
    "negative": (spoilt(sigma=np.diag([1, 1, 1, -0.1])), "eigenvalue -0.1"),
    "objects": (spoilt(sigma=np.array([{}], dtype=object)), "holds objects"),
    "one row": (spoilt(n=np.array(1)), "n = 1; must be at least 2 rows"),
    "too few rows": (spoilt(n=np.array(3)), "n = 3 and a sigma of a higher rank"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_mean_and_covariance_is_refused(name, tmp_path):
    arrays, said = BROKEN[name]
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(ConfigError, match=said) as caught:
        open_samples_or_statistics("real", tmp_path / "x.npz")
    assert "\n" not in str(caught.value)


def test_rounding_to_float32_is_no_fault(tmp_path):
    rows = np.random.default_rng(0).normal(size=(50, 80)) @ np.diag(np.geomspace(1e-3, 1e3, 80))
    mean, covariance = rows.mean(axis=0), np.cov(rows, rowvar=False)
    for kind in ("<f4", ">f4", "<f8"):
        arrays = {"mu": mean.astype(kind), "sigma": covariance.astype(kind)}
        np.savez(tmp_path / "x.npz", **arrays, anything=np.array("else"))
        found = open_samples_or_statistics("real", tmp_path / "x.npz")
        np.testing.assert_allclose(found.moments.mean, mean, rtol=1e-6)
        assert found.n is None


def test_all_alike_has_a_covariance_of_zeros(tmp_path):
    alike = features(tmp_path / "alike.npz", np.ones((9, 3)))
    far = foreign(tmp_path / "far.npz", np.full((9, 3), 3.0))
    (record,) = compared(tmp_path, ours(tmp_path / "s.npz", alike), far)
    assert record["value"] == pytest.approx(12)
