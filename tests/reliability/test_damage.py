"""Damaged checkpoints, folders in use, full and read-only disks: what is named, what is kept."""

import contextlib
import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.reliability import runs

NEWEST = runs.BATCH * runs.STEPS
WAY_OUT = "move it away to go on from the one before"


def largest(folder: Path) -> Path:
    return max((p for p in folder.rglob("*") if p.is_file()), key=lambda path: path.stat().st_size)


def truncate(checkpoint: Path) -> None:
    path = largest(checkpoint)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_bit(checkpoint: Path) -> None:
    path = largest(checkpoint)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def falsify(checkpoint: Path) -> None:
    """Change what the notes say of one array: as if the array had changed."""
    path = checkpoint / "notes" / "metadata"
    notes = json.loads(path.read_text())
    name = next(iter(notes["arrays"]))
    notes["arrays"][name] = notes["arrays"][name][:-1] + "?"
    path.write_text(json.dumps(notes))


def empty(checkpoint: Path) -> None:
    shutil.rmtree(checkpoint)
    checkpoint.mkdir()


def put_something_else(checkpoint: Path) -> None:
    empty(checkpoint)
    (checkpoint / "weights.pt").write_bytes(b"another program's")


def nest_deeply(checkpoint: Path) -> None:
    (checkpoint / "state" / "_METADATA").write_text('{"a":' * 99_999)


def list_nothing(checkpoint: Path) -> None:
    for path in checkpoint.rglob("*METADATA"):
        path.write_text("[]")


DAMAGES = [truncate, flip_a_bit, falsify, empty, put_something_else, nest_deeply, list_nothing]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_the_way_out(
    damage: Callable[[Path], None],
    whole: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from cgan.config import ConfigError
    from cgan.run_folder.checkpoint import Checkpoints
    from cgan.sampling.runs import restore_run

    workdir = tmp_path / "run"
    shutil.copytree(whole, workdir)
    bad = workdir / "checkpoints" / str(NEWEST)
    damage(bad)
    with pytest.raises(ConfigError, match=f"checkpoints/{NEWEST}: can't be read .*{WAY_OUT}"):
        restore_run(workdir)
    bad.rename(tmp_path / "moved away")
    assert restore_run(workdir).nimg == NEWEST - runs.BATCH * runs.STEPS_A_CHECKPOINT
    assert len(Checkpoints(workdir / "checkpoints").all()) == 2


@pytest.mark.slow
def test_after_damage_the_run_goes_on_to_the_same_end(
    whole: Path, cache: Path, tmp_path: Path
) -> None:
    workdir = tmp_path / "run"
    shutil.copytree(whole, workdir)
    bad = workdir / "checkpoints" / str(NEWEST)
    flip_a_bit(bad)
    code, _, err = runs.run(runs.command(workdir), cache)
    assert (code, err.count("\n")) == (2, 1), err
    assert err.startswith(f"error: {bad}: can't be read (")
    bad.rename(tmp_path / "moved away")
    assert runs.run(runs.command(workdir), cache)[0] == 0
    runs.assert_same_run(workdir, whole)


def test_a_config_of_another_network_is_told_the_array_that_differs(
    whole: Path, tmp_path: Path
) -> None:
    from cgan.config import ConfigError
    from cgan.sampling.runs import restore_run

    workdir = tmp_path / "run"
    shutil.copytree(whole, workdir)
    path = workdir / "config.json"
    config = json.loads(path.read_text())
    config["generator"]["width"] = 9
    path.write_text(json.dumps(config))
    pattern = r"generator/.* is float32\[.*8.*\] there, and float32\[.*9.*\] in this config"
    with pytest.raises(ConfigError, match=pattern):
        restore_run(workdir)


def test_a_folder_in_use_is_refused_with_who_uses_it(cache: Path, tmp_path: Path) -> None:
    workdir = tmp_path / "run"
    first = runs.start(runs.command(workdir, steps=50_000), cache)
    runs.wait_until(lambda: runs.newest(workdir) is not None, first)
    first.send_signal(signal.SIGSTOP)  # it keeps the folder, and leaves the processor to the other
    code, _, err = runs.run(runs.command(workdir, steps=50_000), cache)
    runs.kill(first)
    assert code == 2
    assert err.startswith(f"error: workdir = '{workdir}': in use by process {first.pid} on ")
    assert err.count("\n") == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB; only root may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_keeps_the_last_checkpoint_and_the_run_goes_on_when_there_is_room(
    small_disk: Path, whole: Path, cache: Path
) -> None:
    workdir = small_disk / "run"
    code, _, err = runs.run(runs.command(workdir, "--snapshot-nimg", "8"), cache)
    code, _, err = until_full(workdir, small_disk, cache) if code == 0 else (code, "", err)
    assert code == 1, err
    assert err.splitlines()[-1].startswith(f"error: {workdir}")
    assert "No space left on device" in err
    assert "Traceback" not in err
    assert f"the newest checkpoint is at {runs.newest(workdir)} images: make room" in err
    assert not runs.unfinished(workdir)
    for picture in (workdir / "samples").iterdir():
        picture.unlink()
    (small_disk / "filling").unlink(missing_ok=True)
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    code, _, err = runs.run(runs.command(workdir, "--snapshot-nimg", "8"), cache)
    assert code == 0, err
    for found, expected in zip(runs.arrays(workdir), runs.arrays(whole), strict=True):
        assert (found == expected).all()
    assert runs.rows(workdir) == runs.rows(whole)


def until_full(workdir: Path, disk: Path, cache: Path) -> tuple[int, str, str]:
    """The run fitted: fill the disk while another one trains there."""
    shutil.rmtree(workdir)
    process = runs.start(runs.command(workdir, "--snapshot-nimg", "8"), cache)
    runs.wait_until(lambda: runs.newest(workdir) is not None, process)
    with contextlib.suppress(OSError):
        (disk / "filling").write_bytes(b"x" * 2**20)
    return runs.finish(process)


def test_a_disk_that_can_only_be_read_is_refused_before_anything_is_compiled(
    small_disk: Path, cache: Path
) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    code, _, err = runs.run(runs.command(small_disk / "run"), cache)
    assert (code, err.count("\n")) == (2, 1), err
    assert "Read-only file system" in err
    assert "must be a folder that can be written" in err
