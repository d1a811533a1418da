"""Which images are held out: folders of any case at any depth, or one in ten by its path."""

import hashlib
from pathlib import PurePosixPath

import pytest

from cgan.config import ConfigError, Data
from cgan.data.folder import _is_held_out
from cgan.data.listing.describe import line
from cgan.data.listing.image_set import image_set
from tests.picture_sets import KINDS, TWO, both, in_folder, joined, picture, pictures


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))


def said(path, **settings):
    return line(image_set(Data("folder", path=path, **settings), keep=False))


def split(name, first, classes=("cats", "dogs"), each=4):
    """A split with two classes, numbered from the first."""
    places = enumerate(classes)
    return joined(pictures(f"{name}/{of}", first + each * at, each) for at, of in places)


def of(first, count=8):
    return set(range(first, first + count))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("folders", "held_out"),
    [
        (["train", "test"], "test"),
        (["Train", "Test"], "Test"),
        (["TRAIN", "VAL"], "VAL"),
        (["train", "val"], "val"),
        (["training", "validation"], "validation"),
        (["Training", "Testing"], "Testing"),
        (["train", "valid"], "valid"),
        (["train", "test", "val"], "test"),
        (["train", "test", "Validation"], "test"),
    ],
)
def test_folders_are_the_splits(kind, folders, held_out, tmp_path):
    entries = joined(split(name, 100 * at) for at, name in enumerate(folders))
    path = KINDS[kind](tmp_path / "set", entries)
    train, test = both(path)
    assert set(train) == of(0)
    assert set(test) == of(100 * folders.index(held_out))
    assert all(name == ("cats" if n % 100 < 4 else "dogs") for n, name in (train | test).items())
    told = said(path)
    assert f"8 to train on and 8 held out (folder {held_out})" in told
    assert ("8 in neither split" in told) == (len(folders) == 3)


def test_splits_without_classes_and_within_a_folder_of_their_own(tmp_path):
    entries = {**pictures("train/images", 0, 8), **pictures("test/images", 100, 8)}
    train, test = both(in_folder(tmp_path / "set", entries))
    assert (set(train), set(test)) == (of(0), of(100))
    assert set((train | test).values()) == {""}


@pytest.mark.parametrize("kind", TWO)
def test_a_setting_names_the_folders_or_none(kind, tmp_path):
    named = ("train", "test", "val", "unlabelled")
    entries = joined(split(name, 100 * at, each=12) for at, name in enumerate(named))
    path = KINDS[kind](tmp_path / "set", entries)
    with pytest.raises(ConfigError, match=r"unlabelled/.* lies beside train and val and test"):
        both(path)
    train, test = both(path, splits="unlabelled,val")
    assert (set(train), set(test)) == (of(300, 24), of(200, 24))
    assert set(train.values()) == {"cats", "dogs"}
    assert "48 in neither split" in said(path, splits="unlabelled,val")
    train, test = both(path, splits="none")
    assert set(train) | set(test) == {n for first in (0, 100, 200, 300) for n in of(first, 24)}
    assert set(train.values()) == set(named)
    assert 3 < len(test) < 30


def test_named_folders_may_lie_deeper(tmp_path):
    entries = {**split("images/train2017", 0), **split("images/val2017", 100)}
    entries |= pictures("icons", 900, 3)
    root = in_folder(tmp_path / "set", entries)
    train, test = both(root, splits="images/train2017,images/val2017/")
    assert (set(train), set(test)) == (of(0), of(100))
    assert set(test.values()) == {"cats", "dogs"}
    for wrong, said in {
        "images/train2017,images/val": "there are icons, images",
        "images,images/val2017": "one lies in the other",
    }.items():
        with pytest.raises(ConfigError, match=f"data.splits = '{wrong}': .*{said}"):
            both(root, splits=wrong)


@pytest.mark.parametrize("setting", ["train", "train,", ",", "a,a", "a,b,c", "", "Auto", "a,/a/"])
def test_a_setting_that_is_no_pair_is_refused(setting, tmp_path):
    with pytest.raises(ConfigError, match=r"data.splits = .*must be auto, none, or two folders"):
        Data("folder", path=tmp_path, splits=setting)


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["test", "val"], "holds test and val, and no folder train; must hold"),
        (["train", "Train", "test"], "holds Train and train and test; must hold one"),
        (["train", "valid", "validation"], "holds train and valid and validation; must"),
        (["train", "test", "cats"], r"cats/.* lies beside train and test; must be in them"),
        (["cats/train", "cats/test", "dogs/train", "dogs/test"], "a split inside of a class"),
        (["images/train", "images/val", "masks/train", "masks/val"], "a split inside of a class"),
    ],
)
def test_splits_that_cant_be_told_are_refused(folders, expected, tmp_path):
    entries = joined(pictures(name, 40 * at, 40) for at, name in enumerate(folders))
    root = in_folder(tmp_path / "set", entries)
    with pytest.raises(ConfigError, match=expected):
        both(root)
    train, test = both(root, splits="none")
    assert len(train) + len(test) == len(entries)


def test_images_beside_the_splits_are_refused(tmp_path):
    root = in_folder(tmp_path / "set", {**split("train", 0), **split("test", 100)})
    in_folder(root, {"stray.png": picture(900)})
    with pytest.raises(ConfigError, match=r"stray\.png lies beside train and test"):
        both(root)


def test_a_lone_train_is_a_vehicle_and_names_like_splits_are_told(tmp_path):
    vehicles = joined(
        pictures(name, 40 * at, 40) for at, name in enumerate(("bus", "car", "train"))
    )
    root = in_folder(tmp_path / "vehicles", vehicles)
    train, _ = both(root)
    assert set(train.values()) == {"bus", "car", "train"}
    assert "train is read as a class: no other split is beside it" in said(root)
    years = {**pictures("train2017", 0, 40), **pictures("val2017", 40, 40)}
    told = said(in_folder(tmp_path / "years", years))
    assert "train2017, val2017 are read as classes, not as splits (--data.splits TRAIN" in told
    alone = said(in_folder(tmp_path / "alone", pictures("test", 0, 60)))
    assert "all images lie in test, with no other split beside it" in alone


def test_a_class_that_is_only_held_out_is_told(tmp_path):
    entries = {**split("train", 0), **split("test", 100, ("cats", "owls"))}
    assert "no image to train on of owls" in said(in_folder(tmp_path / "set", entries))


def test_the_choice_by_path_is_that_of_runs_of_before(tmp_path):
    """Written out: SHA-256 of the path in UTF-8, its first 8 bytes, big-endian, modulo 10."""
    names = ["0001.png", "cats/0001.png", "outer/cats/ä.png", "a b/[c]{d}.JPG"]
    for name in [*names, *(f"{n}.png" for n in range(200))]:
        digest = hashlib.sha256(name.encode()).hexdigest()
        assert _is_held_out(PurePosixPath(name)) == (int(digest[:16], 16) % 10 == 0)
    assert isinstance(_is_held_out(PurePosixPath("caf\udce9.png")), bool)
    root = in_folder(tmp_path / "set", pictures("outer/cats", 0, 80))
    train, test = both(root)
    expected = {n for n in range(80) if _is_held_out(PurePosixPath(f"outer/cats/{n:04d}.png"))}
    assert (set(test), set(train)) == (expected, set(range(80)) - expected)
