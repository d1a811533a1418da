"""Kill -9 at any moment, and signals that ask to stop: the same command goes on, bit for bit."""

import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.reliability import runs

STOPPED = 75
LIFETIME_SEC = 10
"""About what a run takes, from its first import on."""


def kill_again_and_again(workdir: Path, whole: Path, cache: Path, kills: int, seed: int) -> int:
    """Kill a run so often, then let it end; returns how many kills hit a checkpoint's writing."""
    draw = random.Random(seed)
    arguments = runs.command(workdir)
    hits = 0
    for number in range(kills):
        if runs.newest(workdir) == runs.BATCH * runs.STEPS:  # nothing is left to kill: begin anew
            runs.assert_same_run(workdir, whole)
            shutil.rmtree(workdir)
        newest, left = runs.newest(workdir) or 0, runs.unfinished(workdir)
        process = runs.start(arguments, cache)
        if number % 2:  # while a checkpoint is being written
            runs.wait_until(lambda left=left: bool(runs.unfinished(workdir) - left), process)
            time.sleep(draw.uniform(0, 0.04))
        else:  # at any moment, from before the first import to the end
            time.sleep(draw.uniform(0, LIFETIME_SEC))
        runs.kill(process)
        hits += bool(runs.unfinished(workdir) - left)
        assert (runs.newest(workdir) or 0) >= newest
    code, _, err = runs.run(arguments, cache)
    assert code == 0, err
    return hits


@pytest.mark.parametrize(
    "kills", [pytest.param(2, id="2"), pytest.param(50, id="50", marks=pytest.mark.slow)]
)
def test_a_killed_run_ends_as_the_uninterrupted_one(
    kills: int, whole: Path, cache: Path, tmp_path: Path
) -> None:
    hits = kill_again_and_again(tmp_path / "run", whole, cache, kills, seed=kills)
    print(f"{hits} of {kills} kills left a checkpoint half written")
    assert hits >= kills // 8
    runs.assert_same_run(tmp_path / "run", whole)
    assert not runs.unfinished(tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP])
def test_a_signal_saves_and_the_same_command_goes_on(
    number: signal.Signals, whole: Path, cache: Path, tmp_path: Path
) -> None:
    workdir = tmp_path / "run"
    # The only checkpoint is the signal's.
    arguments = runs.command(workdir, "--checkpoint-nimg", "1000000", steps=20_000)
    process = runs.start(arguments, cache)
    runs.wait_until(
        lambda: (workdir / "metrics.jsonl").exists() and bool(runs.text_of(workdir)), process
    )
    process.send_signal(number)
    sent = time.monotonic()
    code, _, err = runs.finish(process)
    assert code == STOPPED
    assert time.monotonic() - sent < 20
    assert "Traceback" not in err
    saved = runs.newest(workdir)
    assert f"stopped by {number.name}: saved after {saved} images; the same command" in err
    process = runs.start(arguments, cache)
    runs.wait_until(lambda: (runs.last_row(workdir) or 0) > saved, process)
    process.send_signal(number)
    assert runs.finish(process)[0] == STOPPED
    reference = runs.command(tmp_path / "uncut", "--checkpoint-nimg", "1000000", steps=20_000)
    length = runs.newest(workdir)
    process = runs.start(reference, cache)
    runs.wait_until(lambda: (runs.last_row(tmp_path / "uncut") or 0) > length, process)
    process.send_signal(number)
    runs.finish(process)
    kept = [row for row in runs.rows(tmp_path / "uncut") if row["nimg"] <= length]
    assert runs.rows(workdir) == kept


def test_a_second_signal_ends_at_once(cache: Path, tmp_path: Path) -> None:
    """A folder that blocks its writer stands for a disk that does not answer."""
    workdir = tmp_path / "run"
    process = runs.start(runs.command(workdir, steps=20_000), cache)
    runs.wait_until(lambda: runs.newest(workdir) is not None, process)
    process.send_signal(signal.SIGSTOP)  # both signals arrive before anything can be saved
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    code, _, err = runs.finish(process, timeout=20)
    assert code in (128 + signal.SIGTERM, 128 + signal.SIGINT)
    assert "without saving" in err


def test_a_signal_before_the_first_step_has_nothing_to_save(cache: Path, tmp_path: Path) -> None:
    workdir = tmp_path / "run"
    process = runs.start(runs.command(workdir), tmp_path / "empty cache: it must compile")
    runs.wait_until(lambda: (workdir / "samples" / "0000000000.png").exists(), process)
    process.send_signal(signal.SIGTERM)
    code, _, err = runs.finish(process, timeout=20)
    assert (code, runs.newest(workdir)) == (STOPPED, None)
    assert "nothing new to save" in err
