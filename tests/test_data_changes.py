"""Data that change between two starts: no pixel and no class of before is ever read again.

Each image's pixels say which class it was made for and its number; all files have the same size.
"""

import csv
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cgan.config import Data
from cgan.data import contents, decoding, load_source, witness
from tests.tfds_sets import prepare

CLASSES, EACH, SIDE = ("ants", "cats", "dogs"), 12, 4


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "data"


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have hashes kept, as they are of files that changed long before a start."""
    monkeypatch.setattr(witness, "SETTLED_NS", -(10**18))


def draw(path: Path, kind: int, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((SIDE, SIDE), 80 * kind + number, np.uint8)).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for kind, name in enumerate(CLASSES):
        for number in range(EACH):
            draw(tmp_path / "set" / name / f"{number:03d}.bmp", kind, number)
    return tmp_path / "set"


def found(data: Data) -> dict[tuple[int, str], int]:
    """What both splits say: how often each grey level is of each class."""
    seen: dict[tuple[int, str], int] = {}
    for split in ("train", "test"):
        source = load_source(data, split)  # type: ignore[arg-type]
        images, labels = source[np.arange(len(source))]
        for image, label in zip(images, labels, strict=True):
            assert (image == image[0, 0]).all()
            key = (int(image[0, 0, 0]), source.class_names[int(label)])
            seen[key] = seen.get(key, 0) + 1
    return seen


def there(root: Path) -> dict[tuple[int, str], int]:
    """What the files say, read one by one."""
    seen: dict[tuple[int, str], int] = {}
    for path in root.rglob("*.bmp"):
        with Image.open(path) as image:
            key = (int(np.asarray(image)[0, 0]), path.parent.name)
        seen[key] = seen.get(key, 0) + 1
    return seen


def as_before(path: Path, stat: os.stat_result) -> None:
    """Set the times that a program can set, as cp -p and rsync do."""
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def replace_one(root: Path) -> None:
    path = root / "cats" / "007.bmp"
    stat = path.stat()
    draw(path, 1, 70)
    as_before(path, stat)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)


def replace_by_a_copy(root: Path) -> None:
    path, new = root / "cats" / "008.bmp", root.parent / "new.bmp"
    draw(new, 1, 71)
    as_before(new, path.stat())
    new.replace(path)


def swap(one: Path, other: Path) -> None:
    between = one.with_name("between")
    one.rename(between)
    other.rename(one)
    between.rename(other)


def move_a_file(root: Path) -> None:
    (root / "cats" / "009.bmp").rename(root / "dogs" / "009b.bmp")


CHANGES: dict[str, Callable[[Path], object]] = {
    "two classes are swapped": lambda root: swap(root / "cats", root / "dogs"),
    "two files are swapped": lambda root: swap(
        root / "ants" / "003.bmp", root / "dogs" / "003.bmp"
    ),
    "a file is replaced": replace_one,
    "a file is replaced by a copy": replace_by_a_copy,
    "a file goes into another class": move_a_file,
    "a file is removed": lambda root: (root / "dogs" / "010.bmp").unlink(),
    "files are added": lambda root: [draw(root / "cats" / f"x{n}.bmp", 1, 76) for n in range(9)],
    "a class is added in one split": lambda root: draw(root / "apes" / "001.bmp", 2, 75),
    "a class is added": lambda root: [draw(root / "bees" / f"{n}.bmp", 2, 74) for n in range(9)],
    "a class is renamed": lambda root: (root / "ants").rename(root / "eels"),
    "a class is renamed in place": lambda root: (root / "cats").rename(root / "cows"),
    "a class is removed": lambda root: shutil.rmtree(root / "eels"),
}
"""One after the other."""


@pytest.mark.parametrize("cached", [True, False])
def test_a_folder_is_read_as_it_is_now(cached: bool, root: Path, settled: None) -> None:
    data = Data("folder", path=root, cached=cached)
    assert found(data) == there(root)
    for name, change in CHANGES.items():
        change(root)
        assert found(data) == there(root), name


@pytest.mark.parametrize("cached", [True, False])
def test_an_archive_is_read_as_it_is_now(cached: bool, root: Path, settled: None) -> None:
    file = root.with_suffix(".zip")
    data = Data("folder", path=file, cached=cached)

    def pack() -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for path in sorted(root.rglob("*.bmp")):
                archive.write(path, path.relative_to(root))

    pack()
    assert found(data) == there(root)
    stat = file.stat()
    for name, change in CHANGES.items():
        change(root)
        pack()
        as_before(file, stat)
        assert found(data) == there(root), name


@pytest.mark.parametrize("cached", [True, False])
def test_a_file_of_labels_is_read_as_it_is_now(cached: bool, root: Path, settled: None) -> None:
    file = root.parent / "labels.csv"
    data = Data("folder", path=root, cached=cached, classes=str(file))

    def label(classes: dict[str, str]) -> dict[tuple[int, str], int]:
        with file.open("w", newline="") as opened:
            rows = csv.writer(opened)
            for path in sorted(root.rglob("*.bmp")):
                rows.writerow([path.relative_to(root).as_posix(), classes[path.parent.name]])
        return {(level, classes[name]): n for (level, name), n in there(root).items()}

    expected = label({"ants": "red", "cats": "sun", "dogs": "ash"})
    assert found(data) == expected
    stat = file.stat()
    expected = label({"ants": "ash", "cats": "red", "dogs": "sun"})
    as_before(file, stat)
    assert found(data) == expected


@pytest.mark.parametrize("cached", [True, False])
def test_a_set_prepared_anew_is_read_as_it_is_now(
    cached: bool, tmp_path: Path, settled: None
) -> None:
    """By tensorflow-datasets: other class names of the same labels, then other labels."""
    images = {
        s: [np.full((SIDE, SIDE, 1), n, np.uint8) for n in range(9)] for s in ("train", "test")
    }
    data = Data("tfds", name="some", data_dir=tmp_path / "sets", cached=cached)
    for first, names in ((0, "ab"), (0, "ba"), (1, "ba")):
        shutil.rmtree(tmp_path / "sets", ignore_errors=True)
        labels = {split: [(n + first) % 2 for n in range(9)] for split in images}
        prepare(tmp_path / "sets", "some", images, labels, names)
        assert found(data) == {(n, names[(n + first) % 2]): 2 for n in range(9)}


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many images are decoded into the cache, and how many are hashed."""
    counts = [0, 0]
    decode, hash_of = decoding.decode, contents.hash_of

    def counted(content: bytes, form: object) -> np.ndarray:
        counts[0] += 1
        return decode(content, form)  # type: ignore[arg-type]

    def hashed(content: bytes) -> bytes:
        counts[1] += 1
        return hash_of(content)

    monkeypatch.setattr(decoding, "decode", counted)
    monkeypatch.setattr(contents, "hash_of", hashed)
    return counts  # type: ignore[return-value]


ALL = len(CLASSES) * EACH


def test_what_did_not_change_is_neither_decoded_nor_read_again(
    root: Path, decodes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "SETTLED_NS", -(10**18))
    found(Data("folder", path=root))
    assert decodes == [ALL, ALL]
    found(Data("folder", path=root))
    assert decodes == [ALL, ALL]


@pytest.mark.parametrize("kind", ["moved", "copied", "zipped"])
def test_data_that_moved_are_read_again_and_not_decoded_again(
    kind: str, root: Path, decodes: list[int]
) -> None:
    """Classes are those of now, whatever the pixels were decoded with."""
    new = root.with_name("elsewhere")
    before = found(Data("folder", path=root))
    if kind == "moved":
        root.rename(new)
    elif kind == "zipped":
        new = root.with_suffix(".zip")
        with zipfile.ZipFile(new, "w") as archive:
            for path in root.rglob("*.bmp"):
                archive.write(path, path.relative_to(root))
    else:
        shutil.copytree(root, new)
    assert found(Data("folder", path=new)) == before
    assert decodes[0] == ALL


def test_a_change_that_no_witness_can_show_is_noticed_in_young_files(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times are counted in ticks: a file may change twice in one."""
    blind = witness.Witness("the same", root.stat().st_ctime_ns)
    monkeypatch.setattr(witness, "seen", lambda stat: [stat.st_size, blind.youngest_ns])
    found(Data("folder", path=root))
    draw(root / "cats" / "007.bmp", 1, 70)
    assert found(Data("folder", path=root)) == there(root)


def test_an_image_that_changes_while_it_is_decoded_is_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept under a hash has this hash."""
    from cgan.config import ConfigError

    original = contents._read

    def then_changed(*arguments: object) -> np.ndarray:
        hashes = original(*arguments)  # type: ignore[arg-type]
        draw(root / "cats" / "007.bmp", 1, 70)
        return hashes

    monkeypatch.setattr(contents, "_read", then_changed)
    with pytest.raises(ConfigError, match=r"cats/007\.bmp: changed while it was read; must stay"):
        found(Data("folder", path=root))
