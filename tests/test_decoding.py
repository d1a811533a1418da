"""Decoding into the cache: interrupted, by several processes, on disks that are full or foreign."""

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cgan.config import ConfigError, Data
from cgan.data import decoding, load_source, progress
from cgan.data.decoded import DecodedImages
from cgan.data.encoded import EncodedImages
from cgan.system import lock
from cgan.system.cache import arrays
from cgan.system.errors import DiskError

COUNT, DAMAGED = 60, 7


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "data"


@pytest.fixture
def data(tmp_path: Path) -> Data:
    """Pixels say the number; number 7 is damaged, and left out."""
    folder = tmp_path / "set" / "train"
    folder.mkdir(parents=True)
    for number in range(COUNT):
        Image.fromarray(np.full((4, 4), number, np.uint8)).save(folder / f"{number:03d}.png")
    damaged = folder / f"{DAMAGED:03d}.png"
    damaged.write_bytes(damaged.read_bytes()[:-30])
    (tmp_path / "set" / "test").mkdir()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "set" / "test" / "0.png")
    return Data("folder", path=tmp_path / "set", unusable="skip", resolution=4)


def numbers(source: DecodedImages | EncodedImages) -> list[int]:
    images = np.asarray(source[np.arange(len(source))].x)
    assert (images == images[:, :1, :1]).all()
    return images[:, 0, 0, 0].tolist()


EXPECTED = [number for number in range(COUNT) if number != DAMAGED]


class Cut:
    """Counts what is decoded, and raises at one image."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: tuple[int, BaseException] | None = None
        self.done: list[int] = []
        original = decoding.decode

        def decode(content: bytes, form: object) -> np.ndarray:
            found = original(content, form)  # type: ignore[arg-type]
            if self.at is not None and found[0, 0, 0] == self.at[0]:
                raise self.at[1]
            self.done.append(int(found[0, 0, 0]))
            return found

        monkeypatch.setattr(decoding, "decode", decode)


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Cut:
    monkeypatch.setattr(decoding, "SAVE_SEC", -1)
    return Cut(monkeypatch)


def left(cache: Path) -> list[str]:
    """What is neither finished nor a hash or survey."""
    return [p.name for p in cache.iterdir() if p.name.startswith(".")]


def test_ctrl_c_keeps_what_is_decoded_and_the_next_start_goes_on(
    data: Data, cut: Cut, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut.at = (40, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        load_source(data, "train")
    assert len(left(cache)) == 1
    cut.at, cut.done = None, []
    source = load_source(data, "train")
    assert numbers(source) == EXPECTED  # type: ignore[arg-type]
    assert sorted(cut.done) == list(range(min(cut.done), COUNT))
    assert min(cut.done) > DAMAGED
    assert f"(once), going on after {min(cut.done)}" in capsys.readouterr().err
    assert source.skipped == 1  # type: ignore[attr-defined]
    assert left(cache) == []
    assert {path.name for path in cache.glob("set-*/*")} == {
        "images.npy",
        "kept.npy",
        "skipped.json",
        "lock",
    }


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left"), ConfigError("bad")])
def test_what_can_not_be_completed_leaves_nothing(
    failure: Exception, data: Data, cut: Cut, cache: Path
) -> None:
    cut.at = (40, failure)
    with pytest.raises((DiskError, ConfigError)) as caught:
        load_source(data, "train")
    assert left(cache) == []
    assert isinstance(caught.value, ConfigError) or "No space left" in str(caught.value)


@pytest.mark.parametrize(
    "harm",
    [
        lambda partial: (partial / "journal.json").write_text('{"seen": 30'),
        lambda partial: (partial / "journal.json").write_text('{"seen": 99, "shape": [4, 4, 1]}'),
        lambda partial: (partial / "journal.json").unlink(),
        lambda partial: os.truncate(partial / "images.npy", 200),
    ],
)
def test_unfinished_work_that_is_damaged_is_begun_anew(
    harm: "object", data: Data, cut: Cut, cache: Path
) -> None:
    cut.at = (40, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        load_source(data, "train")
    harm(next(cache.glob(".partial-*")))  # type: ignore[operator]
    cut.at, cut.done = None, []
    assert numbers(load_source(data, "train")) == EXPECTED  # type: ignore[arg-type]
    assert min(cut.done) == 0


def test_rows_after_the_last_line_of_the_journal_are_decoded_again(
    data: Data, cut: Cut, cache: Path
) -> None:
    """A machine that stops may leave anything there."""
    cut.at = (40, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        load_source(data, "train")
    with (next(cache.glob(".partial-*")) / "images.npy").open("ab") as file:
        file.write(b"\xff" * 1001)
    cut.at = None
    assert numbers(load_source(data, "train")) == EXPECTED  # type: ignore[arg-type]


PROGRAM = """
import sys, time
from pathlib import Path
from cgan.config import Data
from cgan.data import decoding, load_source
decoding.SAVE_SEC = -1
original = decoding.decode
def slow(content, form):
    time.sleep(float(sys.argv[2]))
    return original(content, form)
decoding.decode = slow
source = load_source(Data("folder", path=Path(sys.argv[1]), unusable="skip", resolution=4), "train")
print(len(source))
"""


def start(path: Path, seconds: float, **more: object) -> "subprocess.Popen[str]":
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", PROGRAM, str(path), str(seconds)]
    return subprocess.Popen(command, **pipes, **more)  # type: ignore[call-overload]


def journal(cache: Path) -> int:
    """How far an unfinished set is."""
    for file in cache.glob(".partial-*/journal.json"):
        return int(json.loads(file.read_text())["seen"])
    return 0


def test_after_a_kill_the_next_process_goes_on_while_others_wait_and_nothing_is_done_twice(
    data: Data, cut: Cut, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert data.path is not None
    killed = start(data.path, 0.05)
    until = time.monotonic() + 60
    while journal(cache) < 15:
        assert killed.poll() is None, killed.communicate()
        assert time.monotonic() < until
        time.sleep(0.005)
    # While it lives, another one waits for it.
    found: list[list[int]] = []
    waiting = threading.Thread(target=lambda: found.append(numbers(load_source(data, "train"))))  # type: ignore[arg-type]
    waiting.start()
    time.sleep(1)
    assert not cut.done
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    waiting.join(60)
    assert found == [EXPECTED]
    assert min(cut.done) >= 15
    assert f"process {killed.pid} on " in (err := capsys.readouterr().err)
    assert "decodes set: waiting" in err
    assert left(cache) == []


def test_work_that_nobody_goes_on_with_is_swept(data: Data, cut: Cut, cache: Path) -> None:
    """Of a set that changed since, of programs of before, and of files; not what is in use."""
    cut.at = (40, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        load_source(data, "train")
    (abandoned,) = cache.glob(".partial-*")
    old, young = cache / ".partial-x8d_2kf0", cache / ".partial-ffffffff-digits-1.npz"
    held = cache / ".partial-set-0123456789abcdef"
    for folder in (old, held):
        folder.mkdir()
    young.touch()
    os.utime(old, (0, 0))
    assert data.path is not None
    Image.fromarray(np.full((4, 4), 3, np.uint8)).save(data.path / "train" / "000.png")
    cut.at = None
    with lock.wait_for(held / "lock", print):
        load_source(data, "train")
    assert not abandoned.exists()
    assert not old.exists()
    assert set(left(cache)) == {young.name, held.name}


def test_where_the_file_system_has_no_locks_each_decodes_for_itself(
    data: Data, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_lock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", no_lock)
    assert numbers(load_source(data, "train")) == EXPECTED  # type: ignore[arg-type]
    assert left(cache) == []


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR])
def test_a_cache_that_can_only_be_read_is_read_and_else_images_are_decoded_at_every_step(
    number: int,
    data: Data,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert data.path is not None
    (data.path / "train" / f"{DAMAGED:03d}.png").unlink()
    fails = Data("folder", path=data.path)
    load_source(fails, "train")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert isinstance(load_source(fails, "train"), DecodedImages)
    found = load_source(Data("folder", path=data.path, channels=3), "train")
    assert isinstance(found, EncodedImages)
    assert numbers(found) == EXPECTED
    said = f"decoded images can't be kept there ({os.strerror(number)}): decoding at every step"
    assert said in capsys.readouterr().err
    with pytest.raises(ConfigError, match=r"must be a folder that can be written with data\.unusa"):
        load_source(Data("folder", path=data.path, channels=3, unusable="skip"), "train")


@pytest.fixture(params=[0o002, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_files_and_folders_of_the_cache_have_the_permissions_of_the_umask(
    umask: int, data: Data, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a group may share it."""
    monkeypatch.setattr("cgan.data.witness.SETTLED_NS", -(10**18))
    load_source(data, "train")
    load_source(Data("digits"), "train")
    kept = [cache.parent, *cache.parent.rglob("*")]
    assert {path.suffixes[-2] for path in kept if len(path.suffixes) > 1} >= {".contents"}
    for path in kept:
        full = 0o777 if path.is_dir() else 0o666
        assert stat.S_IMODE(path.stat().st_mode) == full & ~umask, path


def test_progress_is_a_line_every_some_seconds_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([0.0, 4.0, 10.0, 15.0, 21.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    with progress.shown("decoding mine", 7_000, 1_000) as advance:
        for _ in range(4):
            advance(500)
    assert capsys.readouterr().err.splitlines() == [
        "decoding mine: 2,000 of 7,000 images, 100/s, 0:00:50 left",
        "decoding mine: 3,000 of 7,000 images, 95/s, 0:00:42 left",
    ]


def test_a_used_file_says_so_and_keeps_the_time_when_it_was_made(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    os.utime(file, (1_000, 2_000))
    arrays.mark_used(file)
    assert file.stat().st_mtime == 2_000
    assert file.stat().st_atime > time.time() - 60
    arrays.mark_used(tmp_path / "none")
