"""`python -m cgan.cache`: what it lists and what it clears."""

import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cgan.commands import cache as cache_command
from cgan.config import ConfigError
from cgan.data.files import named_cache_path
from cgan.system import lock
from cgan.system.cache import kept, note, save_arrays
from cgan.system.errors import DiskError
from cgan.system.files import cache_folder

KEY = "0123456789abcdef"
DAY_SEC = 24 * 3600
OURS = {
    f"data/cats-{KEY}/images.npy": "decoded images",
    f"data/cats-{KEY}/lock": "decoded images",
    f"data/cats-{KEY}.contents.npz": "hashes of files",
    f"data/cats-{KEY}.survey.npz": "surveys",
    f"data/flowers-{KEY}.labels.npz": "labels",
    "data/digits-1.npz": "digits",
    f"data/.partial-dogs-{KEY}/lock": "unfinished",
    f"reference-cats-pixels-{KEY}.npz": "reference",
    f"features-cats-pixels-{KEY}.npz": "features",
    f"classifier-cats-{KEY}.npz": "classifier",
    "compiled/0123456789ab/jit_f-cache": "compiled programs",
}
OTHERS = ("weights/inception.pth", "notes.txt", "data/mine/cat.png", "data/x.npz", "compiled/y")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    for name in (*OURS, *OTHERS):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 5_000)
    return tmp_path


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    def call(*arguments: str) -> list[str]:
        cache_command.main(arguments)
        return capsys.readouterr().out.splitlines()

    return call


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


Command = Callable[..., list[str]]


@pytest.mark.parametrize("arguments", [(), ("list",)])
def test_it_lists_each_with_its_kind_and_size(
    arguments: tuple[str, ...], root: Path, command: Command
) -> None:
    *lines, total, others = command(*arguments)
    shown = {line.split()[-1]: line[:17].strip() for line in lines}
    tops = {"decoded images", "unfinished", "compiled programs"}
    assert shown == {
        (name.rpartition("/")[0] if kind in tops else name): kind for name, kind in OURS.items()
    }
    assert all(" kB  made 20" in line for line in lines)
    assert total.startswith(f"{len(lines)} entries, ")
    assert others == f"besides, {len(OTHERS)} files that are not of this project's making"


def test_a_cache_that_is_not_there_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "none"))
    assert command() == [f"0 entries, 0 B, in {tmp_path / 'none'}"]
    assert command("clear", "--all") == [f"0 removed, 0 in use, from {tmp_path / 'none'}"]


def test_all_that_is_ours_is_cleared_and_nothing_else(root: Path, command: Command) -> None:
    said = command("clear", "--all", "--dry-run")
    assert all(line.startswith("would remove ") for line in said)
    assert files(root) == {*OURS, *OTHERS}
    assert command("clear", "--all")[-1] == f"10 removed, 0 in use, from {root}"
    assert files(root) == set(OTHERS)


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("cats", [name for name in OURS if name.startswith("data/cats")]),
        ("data/digits-1.npz", ["data/digits-1.npz"]),
        ("digits-1.npz", ["data/digits-1.npz"]),
        ("labels", [f"data/flowers-{KEY}.labels.npz"]),
        ("dogs", [f"data/.partial-dogs-{KEY}/lock"]),
    ],
)
def test_names_clear_what_they_name(
    name: str, gone: list[str], root: Path, command: Command
) -> None:
    command("clear", name)
    assert files(root) == {*OURS, *OTHERS} - set(gone)


@pytest.mark.parametrize("name", ["cat", "notes.txt", "weights", "..", "/", "", "data", "*"])
def test_names_of_nothing_that_is_ours_are_refused(name: str, root: Path, command: Command) -> None:
    with pytest.raises(ConfigError, match="must be a name in"):
        command("clear", name)
    assert files(root) == {*OURS, *OTHERS}


@pytest.mark.parametrize(
    "arguments", [(), ("--all", "cats"), ("--all", "--older-than", "3"), ("--older-than", "-1")]
)
def test_it_must_be_said_what_to_clear(
    arguments: tuple[str, ...], root: Path, command: Command
) -> None:
    with pytest.raises(ConfigError):
        command("clear", *arguments)
    assert files(root) == {*OURS, *OTHERS}


def test_what_was_not_used_for_long_is_cleared(root: Path, command: Command) -> None:
    then = time.time() - 10 * DAY_SEC
    for name in (f"data/cats-{KEY}", f"data/cats-{KEY}/images.npy", f"data/cats-{KEY}/lock"):
        os.utime(root / name, (then, then))
    os.utime(root / "data/digits-1.npz", (time.time(), then))  # made long ago, and in use
    assert command("clear", "--older-than", "11")[-1].startswith("0 removed")
    command("clear", "--older-than", "9")
    assert files(root) == {name for name in (*OURS, *OTHERS) if f"data/cats-{KEY}/" not in name}


def test_what_is_in_use_is_left(root: Path, command: Command) -> None:
    """Shared by a reader, held by a decoder, or being written."""
    shared = lock.Shared(root / f"data/cats-{KEY}/lock")
    writing = root / "data" / ".partial-1a2b3c4d-digits-1.npz"
    writing.touch()
    with lock.wait_for(root / f"data/.partial-dogs-{KEY}/lock", print):
        said = command("clear", "--all")
    assert said[-1] == f"8 removed, 3 in use, from {root}"
    assert sum(line.startswith("in use, left: ") for line in said) == 3
    in_use = {name for name in OURS if f"cats-{KEY}/" in name or ".partial" in name}
    assert files(root) == {*OTHERS, *in_use, "data/.partial-1a2b3c4d-digits-1.npz"}
    del shared
    assert command("clear", "cats")[-1] == f"1 removed, 0 in use, from {root}"


def test_links_are_not_followed(root: Path, command: Command) -> None:
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").touch()
    (root / "data" / f"linked-{KEY}").symlink_to(elsewhere)
    command("clear", "--all")
    assert (elsewhere / "file").exists()


def test_what_can_not_be_removed_is_named_and_the_rest_is_cleared(
    root: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name == "digits-1.npz":
            raise PermissionError(13, "Permission denied")
        original(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(DiskError, match=r"digits-1\.npz: can't be removed \(Permission denied\)"):
        command("clear", "--all")
    assert files(root) == {*OTHERS, "data/digits-1.npz"}


def test_what_the_project_writes_is_known(root: Path) -> None:
    """Each place that keeps something, by the names that it gives."""
    import numpy as np

    path = root / "data" / f"new set-{KEY}.contents.npz"
    save_arrays(path, {"hashes": np.zeros(3)})
    assert path in {entry.path for entry in kept.entries()}
    for name in (".hidden", "...", "ä [1] {x}", "n" * 200):
        path = named_cache_path(name, f"{KEY[::-1]}.survey.npz")
        save_arrays(path, {"shapes": np.zeros(3)})
        assert kept.remove(next(entry.path for entry in kept.entries() if entry.path == path))


def test_the_longest_unused_of_a_kind_go_where_they_are_too_many(root: Path) -> None:
    made = [root / f"features-dogs-pixels-{digit * 16}.npz" for digit in "345"]
    for days, path in enumerate(made):
        path.write_bytes(b"x" * 50_000)
        os.utime(path, (time.time() - days * DAY_SEC,) * 2)
    before = files(root)
    kept.keep_within("features", 200_000)
    assert files(root) == before
    kept.keep_within("features", 120_000)
    assert before - files(root) == {made[2].name}
    kept.keep_within("features", 0)
    assert before - files(root) == {
        *(path.name for path in made),
        f"features-cats-pixels-{KEY}.npz",
    }


def test_the_home_is_meant_by_its_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CGAN_CACHE", "~/kept")
    assert cache_folder() == tmp_path / "kept"


def test_notes_are_one_visible_line_and_never_worth_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    note("a\x1b[31m\nb\udce9")
    assert capsys.readouterr().err == r"a\x1b[31m\nb\udce9" + "\n"
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    note("nobody reads it")
