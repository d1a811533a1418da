"""Folders and archives of images as data sets."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cgan.config import ConfigError, Data
from cgan.data import decoding, load_source, prepare_held_out
from cgan.data.digits import load_digits
from cgan.data.source import Source


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "data"


@pytest.fixture(scope="module")
def digits():
    return load_digits("train")


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(path)


@pytest.fixture
def classes(tmp_path, digits):
    """300 digits in a folder for each class."""
    root = tmp_path / "mine"
    for number in range(300):
        save(root / str(digits.labels[number]) / f"{number:04d}.png", digits.images[number])
    return root


def both(path, **settings):
    data = Data("folder", path=path, **settings)
    return load_source(data, "train"), load_source(data, "test")


def rows(source):
    batch = source[np.arange(len(source))]
    return sorted((image.tobytes(), int(label)) for image, label in zip(*batch, strict=True))


def test_every_image_is_in_one_split_with_the_label_of_its_folder(classes, digits):
    train, test = both(classes)
    assert train.class_names == test.class_names == tuple("0123456789")
    assert train.sample_shape == (8, 8, 1)
    assert train.name == "mine"
    expected = sorted(
        (image.tobytes(), int(label))
        for image, label in zip(digits.images[:300], digits.labels[:300], strict=True)
    )
    assert sorted(rows(train) + rows(test)) == expected
    assert 15 < len(test) < 50
    np.testing.assert_allclose(train.class_weights, np.bincount(train.labels) / len(train))


def test_an_image_stays_in_its_split_when_others_are_added(classes, digits):
    _, before = both(classes)
    save(classes / "0" / "new.png", digits.images[400])
    _, after = both(classes)
    assert set(rows(before)) <= set(rows(after))


def test_the_second_start_decodes_nothing(classes, cache, monkeypatch):
    first = both(classes)

    def fail(*_):
        raise AssertionError("decoded again")

    monkeypatch.setattr(decoding, "decode", fail)
    for one, other in zip(first, both(classes), strict=True):
        assert rows(one) == rows(other)
    assert not list(cache.glob(".partial*"))


@pytest.mark.parametrize("kind", ["folder", "zip"])
@pytest.mark.parametrize("settings", [{}, {"resolution": 4, "channels": 3}])
def test_without_the_cache_the_same_is_read_and_no_pixel_written(
    kind, settings, classes, tmp_path, cache
):
    path = classes if kind == "folder" else zipped(classes, tmp_path / "mine.zip")
    uncached = both(path, cached=False, **settings)
    assert not list(cache.rglob("images.npy"))
    for found, expected in zip(uncached, both(path, **settings), strict=True):
        assert isinstance(found, Source)
        assert (found.name, found.class_names) == (expected.name, expected.class_names)
        assert found.sample_shape == expected.sample_shape
        indices = np.random.default_rng(0).permutation(len(expected))[:150]
        assert len(found) == len(expected)
        for again in (found, pickle.loads(pickle.dumps(found))):
            for one, other in zip(again[indices], expected[indices], strict=True):
                assert one.dtype == other.dtype
                np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(found.class_weights, expected.class_weights)
        assert found[indices[:0]].x.shape == expected[indices[:0]].x.shape


def test_without_the_cache_an_unusable_image_is_named_when_it_is_met(classes):
    sound, _ = both(classes, cached=False)
    first, bad, odd = (Path(sound.files.name(number)) for number in (0, 7, 9))
    bad.write_bytes(bad.read_bytes()[:50])
    save(odd, np.zeros((9, 12, 3), np.uint8))
    source, _ = both(classes, cached=False)
    assert len(source[np.array([0, 6, 8])].x) == 3
    way_out = "data.unusable = skip leaves .* out where data.cached is on"
    with pytest.raises(ConfigError, match=f"{bad}: is .*{way_out}"):
        source[np.array([6, 7, 8])]
    said = "is 12 x 9 with 3 channels, and others 8 x 8 with 1 channel"
    with pytest.raises(ConfigError, match=f"{odd}: {said}.*{way_out}"):
        source[np.array([9])]
    first.unlink()
    with pytest.raises(ConfigError, match=f"{first}: can't be read .*No such file"):
        source[np.array([0])]
    save(first, np.zeros((8, 8, 1), np.uint8))
    first.write_bytes(b"no image")
    with pytest.raises(ConfigError, match=f"{first}: is no PNG"):
        both(classes, cached=False)


def test_changed_files_and_settings_are_decoded_anew(classes, digits):
    both(classes)
    half, _ = both(classes, resolution=4)
    assert half.sample_shape == (4, 4, 1)
    name = sorted(path for path in classes.rglob("*.png"))[0]
    save(name, 255 - digits.images[0])
    after = [set(rows(each)) for each in both(classes)]
    assert ((255 - digits.images[0]).tobytes(), int(name.parent.name)) in after[0] | after[1]


def test_folders_named_train_and_test_are_the_splits(tmp_path, digits):
    for number in range(20):
        split = "test" if number < 4 else "train"
        folder = tmp_path / "set" / split / str(digits.labels[number])
        save(folder / f"{number}.png", digits.images[number])
    train, test = both(tmp_path / "set")
    assert (len(train), len(test)) == (16, 4)
    assert train.class_names == tuple(sorted({str(label) for label in digits.labels[:20]}))


def test_images_without_folders_have_no_classes(tmp_path, digits):
    for number in range(60):
        save(tmp_path / "flat" / f"{number}.png", digits.images[number])
    train, _ = both(tmp_path / "flat")
    assert train.class_names == ()
    assert train.class_weights.shape == (0,)


def zipped(root, file, top=""):
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(root.rglob("*.png")):
            archive.write(path, top + str(path.relative_to(root)))
    return file


@pytest.mark.parametrize("top", ["", "mine/"])
def test_an_archive_holds_the_same_as_its_folder(classes, tmp_path, top):
    file = zipped(classes, tmp_path / "mine.zip", top)
    archived, unpacked = both(file), both(classes)
    assert archived[0].class_names == unpacked[0].class_names
    together = [sorted(rows(pair[0]) + rows(pair[1])) for pair in (archived, unpacked)]
    assert together[0] == together[1]


def test_names_in_an_archive_lead_nowhere(tmp_path, digits):
    content = io.BytesIO()
    Image.fromarray(digits.images[0][..., 0]).save(content, "png")
    file = tmp_path / "evil.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(40):
            archive.writestr(f"../../escaped/{number}.png", content.getvalue())
    before = {path for path in tmp_path.rglob("*") if "cache" not in path.parts}
    both(file)
    assert {path for path in tmp_path.rglob("*") if "cache" not in path.parts} == before
    assert not (tmp_path.parent / "escaped").exists()


def test_an_archive_that_swells_is_refused(tmp_path):
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(30):
            archive.writestr(f"{number}.png", bytes(2**20))
    with pytest.raises(ConfigError, match=r"\.png: is no PNG, JPEG, WebP or BMP image"):
        both(file)


def test_a_damaged_image_is_named_or_skipped_with_a_count(classes, capsys):
    bad = sorted(path for path in classes.rglob("*.png"))[7]
    bad.write_bytes(bad.read_bytes()[:50])
    with pytest.raises(ConfigError, match=f"{bad}: is .*data.unusable = skip"):
        both(classes)
    train, test = both(classes, unusable="skip")
    assert len(train) + len(test) == 299
    assert train.skipped + test.skipped == 1
    assert f"skipped 1 unusable images, {bad} for one" in capsys.readouterr().err


def test_a_damaged_held_out_image_is_named_before_training(classes):
    """It would spoil the evaluation, when the settings of the run are fixed."""
    train, held_out = both(classes)
    pixels = held_out.images[0, ..., 0]
    (file, *_) = (
        path for path in classes.rglob("*.png") if np.array_equal(Image.open(path), pixels)
    )
    file.write_bytes(b"no image")
    with pytest.raises(ConfigError, match=file.name):
        prepare_held_out(Data("folder", path=classes))
    settings = Data("folder", path=classes, unusable="skip")
    prepare_held_out(settings)
    skipping = load_source(settings, "train")
    assert (len(skipping), skipping.skipped) == (len(train), 0)


def test_an_image_of_another_size_is_named_unless_all_are_resized(classes):
    odd = sorted(path for path in classes.rglob("*.png"))[9]
    save(odd, np.zeros((9, 12, 3), np.uint8))
    said = "is 12 x 9 with 3 channels, and others 8 x 8 with 1 channel; .*data.resolution"
    with pytest.raises(ConfigError, match=f"{odd}: {said}"):
        both(classes)
    train, test = both(classes, resolution=8, channels=1)
    assert len(train) + len(test) == 300


def test_a_damaged_cache_is_named_with_the_way_out(classes, cache):
    both(classes)
    for file in cache.glob("*/images.npy"):
        file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ConfigError, match=r"can't be read .* remove the folder to decode"):
        both(classes)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: None, "must be a folder or a .zip file of images"),
        (lambda root: root.mkdir(), "holds no images; must hold files that end in .png"),
        (lambda root: save(root / "a.png", np.zeros((2, 2, 1), np.uint8)), "none of them in the"),
    ],
)
def test_a_path_without_data_is_refused(tmp_path, make, said):
    root = tmp_path / "set"
    make(root)
    with pytest.raises(ConfigError, match=f"data.path = '{root}'.*{said}"):
        both(root)


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "set.zip").write_bytes(b"no archive")
    with pytest.raises(ConfigError, match="is no zip archive"):
        both(tmp_path / "set.zip")


def test_images_beside_class_folders_are_refused(classes, digits):
    save(classes / "stray.png", digits.images[0])
    with pytest.raises(ConfigError, match=r"stray\.png lies beside class folders"):
        both(classes)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"source": "folder"}, "data.path = None: must be a folder or a .zip file"),
        ({"source": "tfds"}, "data.name = None: must be the name of a data set"),
        ({"source": "digits", "path": Path("x")}, "data.path = .*must be None with data.source"),
        ({"source": "digits", "flip": True}, "data.flip = True: must be False with data.source"),
        ({"source": "folder", "path": Path("x"), "name": "y"}, "data.name = 'y': must be None"),
        ({"source": "folder", "path": Path("x"), "resolution": 0}, "data.resolution = 0"),
        ({"source": "digits", "cached": False}, "data.cached = False: must be True with data.so"),
        (
            {"source": "folder", "path": Path("x"), "cached": False, "unusable": "skip"},
            "data.unusable = 'skip': must be 'fail' with data.cached = False",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, said):
    with pytest.raises(ConfigError, match=said):
        Data(**settings)
