"""Worker processes that decode: they end with the run, and the run goes on with others."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from cgan.data.digits import load_digits
from tests.reliability import runs

STOPPED = 75
LOADED_SEC = 300
"""A machine that does other work starts three processes in this time."""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for number, pixels in enumerate(load_digits("train").images[:200]):
        Image.fromarray(pixels[..., 0]).save(folder / f"{number}.png")
    return folder


@pytest.fixture(autouse=True)
def decoded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("decoded")))
        yield


Start = Callable[[list[str]], "subprocess.Popen[str]"]


@pytest.fixture
def start(cache: Path) -> Iterator[Start]:
    """Begins a run in a session of its own, of which nothing is left after the test."""
    started = []

    def begin(arguments: list[str]) -> "subprocess.Popen[str]":
        started.append(runs.start(arguments, cache, start_new_session=True))
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def command(images: Path, workdir: Path, *more: str, steps: int = runs.STEPS) -> list[str]:
    """A run on a folder of images instead of the embedded digits."""
    python, program, _, *settings = runs.command(workdir, steps=steps)
    data = ["--data.path", str(images), "--data.resolution", "8", "--data.channels", "1"]
    return [python, program, "ffhq64", *settings, *data, *more]


def in_session(number: int) -> list[int]:
    """The processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == number and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def wait_until_gone(session: int) -> None:
    until = time.monotonic() + 30
    while in_session(session):
        assert time.monotonic() < until, "processes are left over"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_signal_to_all_processes_saves_and_the_run_goes_on_with_other_workers(
    images: Path, start: Start, cache: Path, tmp_path: Path
) -> None:
    """As a batch system and a terminal send it. Before, between and after: 2, none, cached."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    code, _, err = runs.run(command(images, whole), cache)
    assert code == 0, err
    for workers, number in ((2, signal.SIGTERM), (0, signal.SIGINT)):
        arguments = command(images, cut, "--data.no-cached", "--workers", str(workers))
        seen = runs.newest(cut) or 0
        process = start(arguments)
        runs.wait_until(lambda seen=seen: (runs.newest(cut) or 0) > seen, process, LOADED_SEC)
        os.killpg(process.pid, number)
        code, _, err = runs.finish(process)
        assert (code, "Traceback" in err) == (STOPPED, False), err
        assert f"stopped by {number.name}: saved" in err
        wait_until_gone(process.pid)
    code, _, err = runs.run(command(images, cut), cache)
    assert code == 0, err
    runs.assert_same_run(cut, whole)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "before the first step"])
def test_workers_end_with_a_run_that_can_not_tell_them(
    how: str, images: Path, start: Start, tmp_path: Path
) -> None:
    workdir = tmp_path / "run"
    arguments = command(images, workdir, "--data.no-cached", "--workers", "2", steps=20_000)
    process = start(arguments)
    all_there = 4  # itself, its workers, and Python's own that cleans up after them
    if how == "killed":
        runs.wait_until(lambda: runs.newest(workdir) is not None, process, LOADED_SEC)
        assert len(in_session(process.pid)) == all_there
        runs.kill(process)
    else:
        drawn = workdir / "samples" / "0000000000.png"
        runs.wait_until(drawn.exists, process, LOADED_SEC)
        assert len(in_session(process.pid)) == all_there
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == STOPPED
        assert "Traceback" not in err
    wait_until_gone(process.pid)


@pytest.mark.slow
def test_a_damaged_image_ends_the_run_and_its_workers(
    images: Path, start: Start, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    for file in images.iterdir():
        (mine / file.name).write_bytes(file.read_bytes())
    workdir = tmp_path / "run"
    arguments = command(mine, workdir, "--data.no-cached", "--workers", "1", steps=20_000)
    process = start(arguments)
    runs.wait_until(lambda: runs.newest(workdir) is not None, process, LOADED_SEC)
    for file in mine.iterdir():
        file.write_bytes(b"no image")
    code, _, err = runs.finish(process)
    assert code == 1
    (said,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert str(mine) in said
    assert "is no PNG, JPEG or WebP image; must be" in said
    assert "Traceback" not in err
    wait_until_gone(process.pid)
