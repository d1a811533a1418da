"""Which files are data: hidden ones, links, runs and other kinds are not, and that is said."""

import os
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from cgan.config import ConfigError, Data, Experiment, to_json
from cgan.data import load_source, require_outside
from cgan.data.listing import folders
from cgan.data.listing.describe import line, lines
from cgan.data.listing.image_set import image_set
from tests.picture_sets import (
    KINDS,
    TWO,
    both,
    in_archive,
    in_folder,
    joined,
    numbers,
    picture,
    pictures,
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))


def said(path, **settings):
    return line(image_set(Data("folder", path=path, **settings), keep=False))


FLAT = pictures("", 0, 60)
NOT_DATA = {
    "._0001.png": b"\0\5\x16\7",
    ".hidden.png": picture(900),
    ".git/objects/901.png": picture(901),
    "a/.ipynb_checkpoints/902.png": picture(902),
    "@eaDir/0001.png/SYNOPHOTO_THUMB_XL.jpg": picture(903),
    "__MACOSX/._0002.png": b"\0\5\x16\7",
    "__macosx/904.png": picture(904),
    "$RECYCLE.BIN/905.png": picture(905),
    "lost+found/906.png": picture(906),
    "Thumbs.db": b"db",
    "desktop.ini": b"ini",
    ".DS_Store": b"store",
}
OTHER_KINDS = {
    "readme.TXT": b"text",
    "b.txt": b"text",
    "c.tif": b"II*\0",
    "d.GIF": b"GIF89a",
    "e.heic": b"heic",
    "f.npy": b"npy",
    "g": picture(907),
    "h.png.bak": picture(908),
}


@pytest.mark.parametrize("kind", TWO)
def test_hidden_files_and_what_tools_leave_are_never_data(kind, tmp_path):
    path = KINDS[kind](tmp_path / "set", {**FLAT, **NOT_DATA})
    train, test = both(path)
    assert sorted(train | test) == [*range(60)]
    assert set((train | test).values()) == {""}, "a hidden folder is no class"
    assert f"left out {len(NOT_DATA)}: {len(NOT_DATA)} hidden" in said(path)


def test_a_set_may_lie_in_a_hidden_folder(tmp_path):
    assert len(joined(both_of(in_folder(tmp_path / ".cache" / "__MACOSX", FLAT)))) == 60


def both_of(path):
    return [dict.fromkeys(map(str, each)) for each in both(path)]


@pytest.mark.parametrize("kind", TWO)
def test_files_of_other_kinds_are_counted_by_kind(kind, tmp_path):
    upper = {f"{n}.{suffix}": picture(n) for n, suffix in ((61, "PNG"), (62, "Jpeg"), (63, "WEBP"))}
    path = KINDS[kind](tmp_path / "set", {**FLAT, **upper, **OTHER_KINDS})
    train, test = both(path)
    assert sorted(train | test) == [*range(60), 61, 62, 63]
    counts = "1 .bak, 1 .gif, 1 .heic, 1 .npy, 1 .tif, 2 .txt, 1 without a suffix"
    assert f"left out 8: {counts}" in said(path)


def test_links_are_followed_and_each_folder_is_read_once(tmp_path):
    store, root = tmp_path / "elsewhere", tmp_path / "set"
    in_folder(store, {**pictures("dogs", 60, 60), **pictures("deep/er/cows", 120, 60)})
    in_folder(root, pictures("cats", 0, 60))
    (root / "dogs").symlink_to(store / "dogs")
    (root / "cows").symlink_to(store / "deep")
    (root / "cats" / "one.png").symlink_to(store / "dogs" / "0060.png")
    (root / "cats" / "up").symlink_to(root)
    (store / "dogs" / "loop").symlink_to(store / "dogs")
    (store / "deep" / "cats").symlink_to(root / "cats")
    (root / "self.png").symlink_to(root / "self.png")
    (root / "gone.png").symlink_to(root / "missing.png")
    (root / "gone").symlink_to(tmp_path / "missing")
    os.mkfifo(root / "pipe.png")
    train, test = both(root, linked=True)
    found = train | test
    assert found.pop(60) in ("cats", "dogs"), "one file by two paths"
    names = ("cats", "dogs", "cows")
    assert found == {n: names[n // 60] for n in range(180) if n != 60}
    assert len(image_set(Data("folder", path=root)).paths) == 181, "the linked file is one more"
    told = said(root)
    assert "3 broken link" in told
    assert "3 folder that is read by another path" in told
    assert "1 no regular file" in told


def test_folders_that_link_to_each_other_end(tmp_path):
    names = [f"c{n}" for n in range(12)]
    for name in names:
        in_folder(tmp_path / "set" / name, pictures("", 20 * int(name[1:]), 20))
    for one in names:
        for other in names:
            (tmp_path / "set" / one / f"to_{other}").symlink_to(tmp_path / "set" / other)
    train, test = both(tmp_path / "set")
    assert {n: f"c{n // 20}" for n in range(240)} == train | test


def test_a_folder_that_cant_be_read_is_an_error(tmp_path, monkeypatch):
    """Not by permissions, which a superuser's tests don't feel."""
    root = in_folder(tmp_path / "set", {**pictures("a", 0, 30), **pictures("b", 30, 30)})
    scan = os.scandir

    def refusing(path):
        if os.fspath(path).endswith("/b"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scan(path)

    monkeypatch.setattr(folders.os, "scandir", refusing)
    with pytest.raises(ConfigError, match=rf"data.path = .*{root}/b can't be read \(Permission"):
        both(root)


def run_folder(name):
    config = Experiment(workdir=Path("runs/x"), data=Data("digits"))
    drawn = {f"{name}/samples/{n:06d}.png".lstrip("/"): picture(500 + n) for n in range(3)}
    return {f"{name}/config.json".lstrip("/"): to_json(config).encode(), **drawn}


@pytest.mark.parametrize("kind", TWO)
def test_a_run_inside_the_data_is_an_error(kind, tmp_path):
    path = KINDS[kind](tmp_path / "set", {**FLAT, **run_folder("deep/runs")})
    with pytest.raises(ConfigError, match=r"deep/runs' is a run's folder.*must be moved out"):
        both(path)


def test_the_data_are_no_run_themselves_but_its_samples_may_be_data(tmp_path):
    root = in_folder(tmp_path / "run", run_folder(""))
    with pytest.raises(ConfigError, match="it is a run's folder"):
        both(root)
    in_folder(root / "samples", FLAT)
    assert len(joined(both_of(root / "samples"))) == 63


def test_other_folders_with_a_config_are_data(tmp_path):
    others = {"config.json": b'{"model": 1}', "samples/a/1.json": b"{}"}
    path = in_folder(tmp_path / "set", {**others, **pictures("samples", 0, 60)})
    assert len(joined(both_of(path))) == 60


def test_a_run_may_not_be_started_inside_its_data(tmp_path):
    root = in_folder(tmp_path / "set", FLAT)
    (tmp_path / "link").symlink_to(root)
    data = Data("folder", path=tmp_path / "link")
    for inside in (root, root / "runs" / "x", tmp_path / "link" / "x"):
        with pytest.raises(ConfigError, match=r"workdir = .*pictures would become data"):
            require_outside(data, inside)
    for outside in (tmp_path, tmp_path / "set2", tmp_path / "set.zip"):
        require_outside(data, outside)
    require_outside(Data("digits"), root)


def test_names_of_windows_tools_lead_into_folders(tmp_path):
    named = {name.replace("/", "\\"): of for name, of in pictures("set/cats", 0, 40).items()}
    named |= {name.replace("/", "\\"): of for name, of in pictures("set/dogs", 40, 40).items()}
    train, test = both(in_archive(tmp_path / "set", {"set\\": b"", **named}))
    assert train | test == {n: "cats" if n < 40 else "dogs" for n in range(80)}


@pytest.mark.parametrize("name", ["../../{}/{}", "/{}/{}", "C:/{}/{}", "./a/../{}/{}"])
def test_names_that_lead_out_of_an_archive_stay_inside(name, tmp_path):
    entries = {name.format("ab"[n % 2], f"{n}.png"): picture(n) for n in range(60)}
    train, test = both(in_archive(tmp_path / "set", entries))
    assert train | test == {n: "ab"[n % 2] for n in range(60)}


def test_an_entry_that_is_there_twice_is_read_as_it_would_be_unpacked(tmp_path):
    file = in_archive(tmp_path / "set", FLAT)
    with zipfile.ZipFile(file, "a") as archive:
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("0003.png", picture(300))
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "0001.png")
    train, test = both(file)
    assert sorted(train | test) == [0, 1, 2, *range(4, 60), 300]
    assert "left out 2: 1 link in an archive, 1 replaced by a later entry of its name" in said(file)


def test_an_encrypted_archive_says_so(tmp_path):
    file = in_archive(tmp_path / "set", FLAT)
    raw = bytearray(file.read_bytes())
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = raw.find(mark)
        while at >= 0:
            raw[at + offset] |= 1
            at = raw.find(mark, at + 4)
    file.write_bytes(raw)
    with pytest.raises(ConfigError, match=r"0000\.png: is encrypted; must be"):
        both(file)


def test_names_that_are_no_utf_8_or_hold_anything_are_read_and_shown_on_one_line(tmp_path):
    odd = [b"caf\xe9", b"[red]", b"{x}", b"a\nb", b"\x1b[2J", b"${HOME}", b"<i>", b" "]
    entries = {}
    for place, name in enumerate(odd):
        folder = os.fsdecode(name)
        some = range(20 * place, 20 * place + 20)
        entries |= {f"{folder}/{folder}{n}.png": picture(n) for n in some}
    root = in_folder(tmp_path / os.fsdecode(b"s\xe9t"), entries)
    train, test = both(root)
    assert {os.fsencode(name) for name in (train | test).values()} == set(odd)
    assert {n: os.fsencode(c) for n, c in (train | test).items()} == {
        n: odd[n // 20] for n in range(160)
    }
    told = [*lines(image_set(Data("folder", path=root)), 3)]
    for text in told:
        assert text.isprintable() or text == ""
        text.encode()
    assert r"caf\udce9 20" in told[0]
    bad = next(file for file in sorted(root.rglob("*.png")) if "\udce9" in file.name)
    bad.write_bytes(b"no image")
    with pytest.raises(ConfigError, match=r"caf\\udce9/caf\\udce9\d+\.png: is no PNG") as caught:
        both(root)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nowhere", r"is not there: .* holds no 'nowhere'; must be a folder or a \.zip"),
        ("set/deep/er", r"is not there: .*/set holds no 'deep'"),
        ("a.png/deep", r"is not there: .*/a\.png is no folder"),
        ("a.png", "is a single image"),
        ("a.tar.gz", "is an archive of another kind, and has to be unpacked first"),
        ("a.RAR", "is an archive of another kind"),
        ("a.parquet", "is a .parquet file, whose images have to be written to files"),
        ("a.npz", "is a .npz file"),
        ("a.txt", "is a file"),
        ("text.ZIP", "is no zip archive"),
        ("broken", "is a link to .*/missing, which is not there"),
        ("loop", "is a link to .*/loop, which is not there"),
        ("pipe", "is no regular file"),
        ("empty", r"holds no images; must hold files that end in \.png"),
        ("zips", r"holds no images, but 2 \.zip; .*Archives inside are not read"),
        ("tifs", r"holds no images, but 3 \.tif; must hold"),
        ("x" * 300, "can't be read"),
        ("~nobody_of_this_name/x", "no user of this name"),
    ],
)
def test_what_is_no_data_set_is_named_for_what_it_is(name, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file in ("a.png", "a.tar.gz", "a.RAR", "a.parquet", "a.npz", "a.txt", "text.ZIP"):
        (tmp_path / file).write_bytes(b"x")
    for file in ("zips/a.zip", "zips/b.ZIP", "tifs/1.tif", "tifs/2.TIF", "tifs/3.tif"):
        in_folder(tmp_path, {file: b"x"})
    (tmp_path / "broken").symlink_to(tmp_path / "missing")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    for folder in ("set", "empty"):
        (tmp_path / folder).mkdir()
    for path in (name, *([] if name[0] == "~" else [tmp_path / name, f"{name}/"])):
        with pytest.raises(ConfigError, match=f"data.path = '.*{expected}"):
            both(Path(path))


def test_home_relative_paths_and_slashes(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    in_folder(tmp_path / "set", FLAT)
    for path in ("~/set", "~/set/", "set", "./set//", "set/../set"):
        found = Data("folder", path=Path(path))
        assert len(numbers(load_source(found, "train"))) > 40
    assert str(found.path) == "set/../set", "a run's config keeps what was given"
    monkeypatch.chdir(tmp_path / "set")
    assert image_set(Data("folder", path=Path())).name == "set"
    shutil.copy(in_archive(tmp_path / "set", FLAT), tmp_path / "UPPER.ZIP")
    assert sum(map(len, both(tmp_path / "UPPER.ZIP"))) == 60
