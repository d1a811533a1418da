"""Samples on disk: the same pictures in every form are the same pixels, in the same order."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from cgan.config import ConfigError
from eval.sample_files import Statistics, open_samples, open_samples_or_statistics
from tests.encoded_images import GRAY, RGB, png, turned
from tests.eval import commands

N = 12


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))


def pictures(channels=3, seed=0):
    """Each one's corner says its number."""
    shape = (N, 2, 5, channels)
    drawn = np.random.default_rng([seed, channels]).integers(256, size=shape, dtype=np.uint8)
    drawn[:, 0, 0] = np.arange(N)[:, None] * 20
    return drawn


def in_order():
    """The order of all forms, seen on the simplest of them."""
    return np.random.default_rng(0).permutation(N)


def read(path, **how):
    return np.concatenate(list(open_samples("real", path, **how).chunks()))


def encoded(image, kind="png", **options):
    content = io.BytesIO()
    Image.fromarray(image.squeeze()).save(content, kind, **options)
    return content.getvalue()


def write(root, encode, images, name="{:03d}.png"):
    root.mkdir(parents=True)
    for number, image in enumerate(images):
        (root / name.format(number)).write_bytes(encode(image))
    return root


def turned_png(image):
    """As a phone that was held upright stores it."""
    return png(np.rot90(image, 1), 8, RGB, eXIf=turned(6))


def zipped(path, images, inside="photos/{:03d}.png"):
    with zipfile.ZipFile(path, "w") as archive:
        for number, image in enumerate(images):
            name = inside.format(number)
            archive.writestr(name, encoded(image))
            archive.writestr(f"__MACOSX/photos/._{number:03d}.png", b"\0\5\x16\7")
        archive.writestr("photos/.hidden.png", encoded(images[0]))
        archive.writestr("readme.txt", b"no image")
    return path


def npz(path, *positional, **arrays):
    with path.open("wb") as file:
        np.savez(file, *positional, **arrays)
    return path


def npy(path, array):
    with path.open("wb") as file:
        np.save(file, array)
    return path


X = pictures()
GRAYS = pictures(channels=1)
LABELS = np.arange(N)
COLORED = {
    "folder": lambda at: write(at, encoded, X),
    "turned": lambda at: write(at, turned_png, X),
    "bitmaps": lambda at: write(at, lambda x: encoded(x, "bmp"), X, "{:03d}.BMP"),
    "webp": lambda at: write(at, lambda x: encoded(x, "webp", lossless=True), X, "{:03d}.webp"),
    "endings that lie": lambda at: write(at, lambda x: encoded(x, "bmp"), X, "{:03d}.jpg"),
    "subfolders": lambda at: write(at / "a", encoded, X).parent,
    "archive": lambda at: zipped(at.with_suffix(".zip"), X),
    "ARCHIVE": lambda at: zipped(at.with_suffix(".ZIP"), X, "{:03d}.PNG"),
    "samples": lambda at: npz(at.with_suffix(".npz"), samples=X),
    "upper case": lambda at: npz(at.with_suffix(".NPZ"), samples=X),
    "alone": lambda at: npy(at.with_suffix(".npy"), X),
    "alone, upper case": lambda at: npy(at.with_suffix(".NPY"), np.asfortranarray(X)),
    "channels first": lambda at: npz(at.with_suffix(".npz"), x=X.transpose(0, 3, 1, 2)),
    "fortran": lambda at: npz(at.with_suffix(".npz"), x=np.asfortranarray(X)),
    "int64": lambda at: npz(at.with_suffix(".npz"), x=X.astype(np.int64)),
    "big endian": lambda at: npz(at.with_suffix(".npz"), x=X.astype(">i2")),
    "opaque": lambda at: npz(
        at.with_suffix(".npz"), x=np.concatenate([X, np.full_like(X[..., :1], 255)], axis=-1)
    ),
    "labelled": lambda at: npz(at.with_suffix(".npz"), X, LABELS),
    "named labels": lambda at: npz(at.with_suffix(".npz"), y=LABELS[:, None], x=X),
    "beside objects": lambda at: npz(
        at.with_suffix(".npz"), x=X, about=np.array([{"a": 1}], dtype=object)
    ),
    "with statistics": lambda at: npz(
        at.with_suffix(".npz"), X, mu=np.zeros(8), sigma=np.eye(8), mu_s=np.zeros(4)
    ),
    "with odd statistics": lambda at: npz(
        at.with_suffix(".npz"), arr_0=X, mu=np.zeros(2048), sigma=np.zeros((2, 2048))
    ),
}
GRAY_FORMS = {
    "folder": lambda at: write(at, encoded, GRAYS),
    "16 bits": lambda at: write(at, lambda x: png(x.astype(int) * 257, 16, GRAY), GRAYS),
    "colours": lambda at: write(at, lambda x: encoded(x.repeat(3, axis=-1)), GRAYS),
    "archive": lambda at: zipped(at.with_suffix(".zip"), GRAYS),
    "with a channel": lambda at: npz(at.with_suffix(".npz"), x=GRAYS),
    "without one": lambda at: npz(at.with_suffix(".npz"), x=GRAYS[..., 0]),
    "channel first": lambda at: npz(at.with_suffix(".npz"), x=GRAYS.transpose(0, 3, 1, 2)),
    "three channels": lambda at: npy(at.with_suffix(".npy"), GRAYS.repeat(3, axis=-1)),
    "int32": lambda at: npy(at.with_suffix(".npy"), GRAYS[..., 0].astype(np.int32)),
}


@pytest.mark.parametrize("form", COLORED)
def test_colors_are_the_same_in_every_form(form, tmp_path):
    np.testing.assert_array_equal(read(COLORED[form](tmp_path / "real")), X[in_order()])


@pytest.mark.parametrize("form", GRAY_FORMS)
def test_gray_is_the_same_in_every_form_and_always_read_as_rgb(form, tmp_path):
    expected = GRAYS[in_order()].repeat(3, axis=-1)
    np.testing.assert_array_equal(read(GRAY_FORMS[form](tmp_path / "real")), expected)


@pytest.mark.parametrize("background", ["white", "black", "gray"])
def test_transparency_is_the_same_in_files_and_arrays(background, tmp_path):
    rgba = pictures(channels=4)
    folder = write(tmp_path / "folder", encoded, rgba)
    arrays = [rgba, rgba.astype(np.int64), rgba.transpose(0, 3, 1, 2)]
    expected = read(folder, background=background)
    assert (expected != rgba[in_order()][..., :3]).any()
    for number, array in enumerate(arrays):
        found = read(npy(tmp_path / f"{number}.npy", array), background=background)
        np.testing.assert_array_equal(found, expected)
    if background == "white":
        np.testing.assert_array_equal(read(folder), expected)


def frechet(tmp_path, capsys, *argv):
    """The value that the command writes."""
    out = tmp_path / "records.jsonl"
    out.unlink(missing_ok=True)
    command = (*argv, "--metrics", "frechet_distance", "--out", out)
    assert commands.exit_code("compare", *command) == 0, capsys.readouterr().err
    return json.loads(out.read_text().splitlines()[0])["value"]


def test_the_command_finds_no_distance_between_forms(tmp_path, capsys):
    pixels = ("--extractor", "pixels")
    made = {form: GRAY_FORMS[form](tmp_path / form) for form in ("16 bits", "without one")}
    assert frechet(tmp_path, capsys, *made.values(), *pixels) == pytest.approx(0, abs=1e-9)
    real, fake = (COLORED[form](tmp_path / form) for form in ("turned", "labelled"))
    assert frechet(tmp_path, capsys, real, fake, *pixels) == pytest.approx(0, abs=1e-9)


def test_a_pair_has_one_distance_whatever_it_lies_in(tmp_path, capsys):
    """Grey ones in a folder were three times as far apart as in an array."""
    other = pictures(channels=1, seed=1)
    found = [
        frechet(tmp_path, capsys, real, fake, "--extractor", "pixels")
        for real, fake in (
            (write(tmp_path / "a", encoded, GRAYS), write(tmp_path / "b", encoded, other)),
            (npy(tmp_path / "a.npy", GRAYS), npy(tmp_path / "b.npy", other)),
            (tmp_path / "a", npy(tmp_path / "c.npy", other.repeat(3, axis=-1))),
        )
    ]
    assert found[0] > 1
    np.testing.assert_allclose(found, found[0], rtol=1e-9)


def test_features_are_the_same_in_either_order_of_bytes(tmp_path):
    rows = np.random.default_rng(0).normal(size=(N, 5))
    for kind in ("<f4", ">f4", "<f8", ">f8", "<f2", ">f2"):
        found = read(npz(tmp_path / "x.npz", features=rows.astype(kind)))
        assert found.dtype.isnative
        np.testing.assert_array_equal(found, rows.astype(kind)[in_order()])


def test_that_channels_come_first_is_said(tmp_path, capsys):
    read(COLORED["channels first"](tmp_path / "real"))
    assert "x is uint8 [12, 3, 2, 5], read with the channels first" in capsys.readouterr().err
    read(COLORED["samples"](tmp_path / "real"))
    assert capsys.readouterr().err == ""


def test_one_array_of_several_is_chosen_by_its_name(tmp_path, capsys):
    path = npz(tmp_path / "x.npz", a=X, b=255 - X, mu=np.zeros(4), sigma=np.eye(4))
    np.testing.assert_array_equal(read(path, array="b"), 255 - X[in_order()])
    with pytest.raises(ConfigError, match=r"holds a uint8 \[12, 2, 5, 3\], b uint8 .*real_array"):
        open_samples("real", path)
    with pytest.raises(ConfigError, match=r"real_array = 'c': is not in real = .* one of a uint8"):
        open_samples("real", path, array="c")
    with pytest.raises(ConfigError, match="fake_array = 'a': must be left out"):
        open_samples("fake", write(tmp_path / "folder", encoded, X), array="a")
    assert isinstance(open_samples_or_statistics("real", path, array="mu"), Statistics)
    argv = (path, path, "--real-array", "a", "--fake-array", "b", "--extractor", "pixels")
    assert frechet(tmp_path, capsys, *argv) > 0.1


def test_samples_images_and_features_come_before_other_names(tmp_path):
    path = npz(tmp_path / "x.npz", latents=np.zeros((N, 5)), noise=255 - X, images=X)
    np.testing.assert_array_equal(read(path), X[in_order()])


FLOATS = (X / 255).astype(np.float32)
REFUSED = {
    "from 0 to 1": (FLOATS, r"values from 0 to 1; .*: \(x \* 255\)\.round\(\)"),
    "from -1 to 1": (2 * FLOATS - 1, r"values from -1 to 1; .*\(x \* 127\.5 \+ 127\.5\)\.round"),
    "up to 255": (FLOATS * 255, r"values from 0 to 255; .*: x\.round"),
    "grey from 0 to 1": (FLOATS[..., 0], "values from 0 to 1"),
    "not finite": (FLOATS * np.nan, "values from nan to nan"),
    "16 bits": (X.astype(np.uint16) * 257, "values from 0 to 65535; must be from 0 to 255"),
    "below 0": (X.astype(np.int16) - 128, "values from -128 to 127; must be from 0 to 255"),
    "two channels": (X[..., :2], "must hold uint8 images"),
    "either first or last": (np.zeros((N, 3, 6, 4), np.uint8), "3 channels first or 4 last"),
    "one image": (X[0], r"may be one image, or 2 grey ones that are 3 wide"),
    "flat": (X.reshape(N, -1), "must hold uint8 images"),
    "labels": (LABELS, "must hold uint8 images"),
    "truth": (X > 100, "must hold uint8 images"),
    "complex": (FLOATS[:, 0, :, 0].astype(complex), "must hold uint8 images"),
    "text": (np.array(["a", "b"]), "must hold uint8 images"),
    "fields": (np.zeros(3, [("x", "f4")]), "must hold uint8 images"),
    "one number": (np.array(1.0), "must hold uint8 images"),
    "no pixels": (X[:, :0], "must hold uint8 images"),
    "no features": (np.zeros((N, 0)), "must hold uint8 images"),
    "five axes": (X[None], "must hold uint8 images"),
    "one sample": (X[:1], "holds 1 samples; must hold at least 2"),
    "none": (X[:0], "must hold uint8 images"),
    "features that are not finite": (np.full((N, 3), np.inf), "12 of 12 rows are not finite"),
}


@pytest.mark.parametrize("kind", [".npz", ".npy"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_could_be_misread_is_refused_in_one_line(name, kind, tmp_path, capsys):
    array, said = REFUSED[name]
    path = tmp_path / f"x{kind}"
    (npz if kind == ".npz" else npy)(path, array)
    with pytest.raises(ConfigError, match=said) as caught:
        open_samples("fake", path)
    assert str(caught.value).startswith(f"fake = {str(path)!r}: ")
    assert "\n" not in str(caught.value)


def test_files_that_hold_no_arrays_are_refused(tmp_path):
    whole = npy(tmp_path / "whole.npy", X).read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:-1])
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "header.npy").write_bytes(whole[:40])
    (tmp_path / "text.npy").write_bytes(b"no array")
    (tmp_path / "object.npy").write_bytes(npy(tmp_path / "o", np.array([{}])).read_bytes())
    (tmp_path / "npy.npz").write_bytes(whole)
    for name in ("cut.npy", "empty.npy", "header.npy", "text.npy", "object.npy", "npy.npz"):
        with pytest.raises(ConfigError, match=f"{name}': can't be read"):
            open_samples("real", tmp_path / name)
    npz(tmp_path / "nothing.npz")
    with pytest.raises(ConfigError, match="holds nothing; must hold"):
        open_samples("real", tmp_path / "nothing.npz")


def test_many_arrays_are_listed_in_part(tmp_path):
    path = npz(tmp_path / "x.npz", **{f"a{number}": X for number in range(30)})
    with pytest.raises(ConfigError, match=r"a7 uint8 \[12, 2, 5, 3\] and 22 more; must hold one"):
        open_samples("real", path)


def test_paths_that_are_not_there_are_said_to_be(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=f"real = 'none': is not there in {tmp_path}; must be"):
        open_samples("real", tmp_path.__class__("none"))
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    npy(tmp_path / "home" / "x.npy", X)
    assert len(open_samples("real", tmp_path.__class__("~/x.npy"))) == N
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(ConfigError, match=r"must be a folder or a \.zip file of images"):
        open_samples("real", tmp_path / "x.txt")


def test_archives_that_are_none_or_are_damaged_are_named(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"no archive")
    with pytest.raises(ConfigError, match=r"x\.zip': can't be read as an archive"):
        open_samples("real", tmp_path / "x.zip")
    path = tmp_path / "y.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0.png", encoded(X[0]))
        archive.writestr("1.png", encoded(X[1])[:60])
    with pytest.raises(ConfigError, match=r"y\.zip/1\.png: can't be read as an image: is damaged"):
        read(path)


def test_a_turned_image_counts_with_its_upright_size(tmp_path):
    mixed = write(tmp_path / "mixed", turned_png, X[:6])
    for number in range(6):
        (mixed / f"upright{number}.png").write_bytes(encoded(X[number]))
    assert open_samples("real", mixed).has_one_size
    (mixed / "lying.png").write_bytes(encoded(np.rot90(X[0])))
    assert not open_samples("real", mixed).has_one_size
