"""Which class an image is of: by folders, StyleGAN's dataset.json, a table, or none."""

import json

import pytest

from cgan.config import ConfigError, Data
from cgan.data.listing import labels
from cgan.data.listing.describe import line
from cgan.data.listing.image_set import image_set
from tests.picture_sets import KINDS, TWO, both, in_folder, joined, picture, pictures


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))


def said(path, **settings):
    return line(image_set(Data("folder", path=path, **settings), keep=False))


SHARDS = joined(pictures(f"{n:05d}", 20 * n, 20) for n in range(4))
NUMBERS = {name: 20 * int(name[:5]) + at % 20 for at, name in enumerate(SHARDS)}


def class_of(number):
    """Of eleven, in an order that letters don't have."""
    return number % 11


def with_labels(pairs, name="dataset.json"):
    return {**SHARDS, name: json.dumps({"labels": pairs}).encode()}


PAIRS = [[name, class_of(number)] for name, number in NUMBERS.items()]


@pytest.mark.parametrize("kind", TWO)
def test_shards_are_no_classes_unless_they_are_said_to_be(kind, tmp_path):
    path = KINDS[kind](tmp_path / "set", SHARDS)
    train, test = both(path)
    assert train | test == dict.fromkeys(range(80), "")
    assert "4 folders of five digits, such as 00000, are taken for shards" in said(path)
    assert "--data.classes folders" in said(path)
    train, test = both(path, classes="folders")
    assert train | test == {n: f"{n // 20:05d}" for n in range(80)}


@pytest.mark.parametrize("names", ["0 1", "0000 0001", "00000 cats", "000000 000001"])
def test_other_folders_of_digits_are_classes(names, tmp_path):
    pair = names.split()
    entries = joined(pictures(name, 40 * at, 40) for at, name in enumerate(pair))
    train, test = both(in_folder(tmp_path / "set", entries))
    assert train | test == {n: pair[n // 40] for n in range(80)}


def test_shards_within_splits(tmp_path):
    entries = {**pictures("train/00000", 0, 9), **pictures("train/00001", 9, 9)}
    entries |= pictures("test/00000", 100, 9)
    train, test = both(in_folder(tmp_path / "set", entries))
    assert (train, test) == (dict.fromkeys(range(18), ""), dict.fromkeys(range(100, 109), ""))


@pytest.mark.parametrize("kind", TWO)
@pytest.mark.parametrize("form", [PAIRS, dict(PAIRS)], ids=["pairs", "object"])
def test_labels_of_stylegans_tool(kind, form, tmp_path):
    path = KINDS[kind](tmp_path / "set", with_labels(form))
    train, test = both(path)
    assert train | test == {n: str(class_of(n)) for n in range(80)}
    names = image_set(Data("folder", path=path)).classes.names
    assert names == tuple(map(str, range(11))), "in the order of numbers"
    assert "left out" not in said(path)
    train, test = both(path, classes="none")
    assert train | test == dict.fromkeys(range(80), "")
    train, test = both(path, classes="folders")
    assert train | test == {n: f"{n // 20:05d}" for n in range(80)}


@pytest.mark.parametrize("pairs", [None, "absent"])
def test_a_file_without_labels_gives_none(pairs, tmp_path):
    content = {} if pairs == "absent" else {"labels": None}
    root = in_folder(tmp_path / "set", {**SHARDS, "dataset.json": json.dumps(content).encode()})
    assert set(both(root)[0].values()) == {""}


def test_labels_of_each_split_in_a_file_of_its_own(tmp_path):
    entries = {}
    for first, name in ((0, "train"), (100, "test")):
        some = pictures("00000", first, 9)
        pairs = [[of, first // 100 + at % 2] for at, of in enumerate(some)]
        entries |= {f"{name}/{of}": content for of, content in some.items()}
        entries[f"{name}/dataset.json"] = json.dumps({"labels": pairs}).encode()
    train, test = both(in_folder(tmp_path / "set", entries))
    assert train == {n: str(n % 2) for n in range(9)}
    assert test == {n: str(1 + n % 2) for n in range(100, 109)}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"labels": [["a.png"', r"dataset\.json: is damaged"),
        (b"\xff\xfe", r"dataset\.json: is damaged"),
        (b"[1]", "holds no object"),
        (b'{"labels": 3}', "labels are no list"),
        (b'{"labels": [["a.png"]]}', r"labels\[0\] is no path and class"),
        (b'{"labels": [["a.png", 0.5]]}', r"label of a\.png is 0\.5; must be a class"),
        (b'{"labels": [["a.png", 1.0]]}', r"label of a\.png is 1\.0; must be a class"),
        (b'{"labels": [["a.png", [0.1, 0.9]]]}', r"is \[0\.1, 0\.9\]; .* no training on vectors"),
        (b'{"labels": [["a.png", true]]}', "is True; must be a class"),
        (b'{"labels": [["a.png", null]]}', "is None; must be a class"),
        (b'{"labels": [["a.png", -1]]}', "is -1; must be a class"),
        (b'{"labels": [["a.png", 99999999999]]}', "is 99999999999; must be a class"),
        (b'{"labels": [["a.png", 1], ["./a.png", 2]]}', "says 1 and 2 of"),
        (b'{"labels": [["other.png", 1]]}', "says nothing of any image"),
        (b'{"labels": ' + b"[" * 99_999, "is damaged"),
        (b'{"labels": [["a.png", ' + b"9" * 5_000 + b"]]}", "is damaged"),
    ],
)
def test_labels_that_are_none_are_refused_with_a_way_out(content, expected, tmp_path):
    root = in_folder(tmp_path / "set", {**SHARDS, "dataset.json": content})
    with pytest.raises(ConfigError, match=f"data.path = .*{expected}") as caught:
        both(root)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 700
    assert len(both(root, classes="none")) == 2


def test_labels_that_are_too_many_to_read_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(labels, "BYTES_AT_MOST", 100)
    root = in_folder(tmp_path / "set", with_labels(PAIRS))
    with pytest.raises(ConfigError, match=r"dataset\.json: has more than 100 bytes"):
        both(root)


def test_images_without_labels_and_labels_without_images(tmp_path):
    lacking = in_folder(tmp_path / "lacking", with_labels(PAIRS[:-2]))
    with pytest.raises(
        ConfigError, match=r"dataset\.json says nothing of 2 images, such as 00003/"
    ):
        both(lacking)
    train, test = both(lacking, unusable="skip")
    assert train | test == {n: str(class_of(n)) for n in range(78)}
    assert "2 without a label" in said(lacking, unusable="skip")
    gone = in_folder(tmp_path / "gone", with_labels([*PAIRS, ["00004/0.png", 1], ["x.png", 2]]))
    with pytest.raises(
        ConfigError, match=r"dataset\.json names 2 that are not there, such as 0000"
    ):
        both(gone)
    train, test = both(gone, unusable="skip")
    assert len(train | test) == 80
    assert "2 labelled and not there" in said(gone, unusable="skip")


def test_a_split_without_any_label_is_refused(tmp_path):
    pairs = [[name, 1] for name in pictures("train/a", 0, 9)]
    entries = {**pictures("train/a", 0, 9), **pictures("test/a", 100, 9)}
    entries["dataset.json"] = json.dumps({"labels": pairs}).encode()
    with pytest.raises(ConfigError, match="no image of the split 'test' has a label"):
        both(in_folder(tmp_path / "set", entries), unusable="skip")


TABLES = {
    "labels.csv": "path,class\n"
    + "".join(f"{name},c{class_of(n)}\r\n" for name, n in NUMBERS.items()),
    "bare.CSV": "\ufeff"
    + "".join(f'"./{name}", "c{class_of(n)}"\n' for name, n in NUMBERS.items()),
    "labels.tsv": "file\tlabel\n\n" + "".join(f"{k}\tc{class_of(n)}\n" for k, n in NUMBERS.items()),
    "own.json": json.dumps({"labels": [[name, f"c{class_of(n)}"] for name, n in NUMBERS.items()]}),
}


@pytest.mark.parametrize("kind", TWO)
@pytest.mark.parametrize("name", TABLES)
def test_a_file_of_the_users_own(kind, name, tmp_path):
    file = tmp_path / "labels" / name
    file.parent.mkdir()
    file.write_text(TABLES[name].replace('", "', '","'), newline="")
    path = KINDS[kind](tmp_path / "set", SHARDS)
    train, test = both(path, classes=str(file))
    assert train | test == {n: f"c{class_of(n)}" for n in range(80)}


def test_a_file_is_relative_to_the_current_folder_or_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    root = in_folder(tmp_path / "set", SHARDS)
    (tmp_path / "home").mkdir()
    for name, given in (("mine.csv", "mine.csv"), ("home/yours.csv", "~/yours.csv")):
        (tmp_path / name).write_text(TABLES["labels.csv"])
        assert set(both(root, classes=given)[0].values()) == {f"c{n}" for n in range(11)}
    with pytest.raises(ConfigError, match=rf"can't be read relative to {tmp_path} \(No such file"):
        both(root, classes="none.csv")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.png,b,c\n", "line 1 has 3 columns; must have two"),
        ("00000/0000.png\n", "line 1 has 1 columns"),
        ("00000/0000.png,\n", "line 1 is not filled in"),
        ('00000/0000.png,"a\n', "is damaged"),
        ("path,class\n", "says nothing of any image"),
        ("", "says nothing of any image"),
        ("00000/0000.png,a\n00000/0000.png,b\n", "says 'a' and 'b' of 00000/0000.png"),
    ],
)
def test_tables_that_are_none_are_refused(text, expected, tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text(text)
    with pytest.raises(ConfigError, match=f"data.classes = '{file}': .*{expected}"):
        both(in_folder(tmp_path / "set", SHARDS), classes=str(file))


@pytest.mark.parametrize("setting", ["file.txt", "Folders", "", "labels"])
def test_a_setting_that_is_none_is_refused(setting, tmp_path):
    with pytest.raises(ConfigError, match=r"data.classes = .*must be auto, folders, none, or a"):
        Data("folder", path=tmp_path, classes=setting)


def test_deeper_folders_count_to_the_outermost_and_that_is_said(tmp_path):
    entries = {
        **pictures("cats/old", 0, 30),
        **pictures("cats", 30, 30),
        **pictures("dogs/a/b", 60, 30),
    }
    root = in_folder(tmp_path / "set", entries)
    train, test = both(root)
    assert train | test == {n: "cats" if n < 60 else "dogs" for n in range(90)}
    assert "60 images lie deeper, and count to the outermost folder" in said(root)


def test_images_beside_classes_are_refused_unless_there_are_to_be_none(tmp_path):
    root = in_folder(tmp_path / "set", {**pictures("cats", 0, 60), "stray.png": picture(60)})
    with pytest.raises(ConfigError, match=r"stray\.png lies beside class folders .*classes = none"):
        both(root)
    assert len(set().union(*both(root, classes="none"))) == 61


def test_names_that_differ_by_case_are_two_classes_and_that_is_said(tmp_path):
    root = in_folder(tmp_path / "set", {**pictures("cats", 0, 40), **pictures("Cats", 40, 40)})
    train, test = both(root)
    assert train | test == {n: "cats" if n < 40 else "Cats" for n in range(80)}
    assert "Cats and cats differ by case alone" in said(root)


def test_many_classes_are_counted_in_short(tmp_path):
    entries = joined(pictures(f"c{n:02d}", 9 * n, 9) for n in range(30))
    told = said(in_folder(tmp_path / "set", entries))
    assert "30 classes (by folder): c00 9, c01 9," in told
    assert "c09 9, and 20 more, of 9 to 9 images" in told
