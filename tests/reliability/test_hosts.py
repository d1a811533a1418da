"""Two processes that train as one, on this machine, over gloo."""

import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.reliability import runs


def start_both(
    workdir: Path,
    cache: Path,
    *more: str,
    devices: int = 1,
    late: float = 0,
    steps: int = 24,
    program: Sequence[str] = runs.ONE_IN_FLIGHT,
) -> "list[subprocess.Popen[str]]":
    """Both processes; the second starts so many seconds later, and elsewhere."""
    port = runs.free_port()
    started = []
    for number, folder in enumerate((workdir, workdir.with_name("elsewhere"))):
        together = ["--coordinator", f"127.0.0.1:{port}", "--num-processes", "2"]
        together += ["--process-id", str(number), "--heartbeat-sec", "10"]
        arguments = runs.command(folder, *together, *more, steps=steps, program=program)
        started.append(runs.start(arguments, cache, devices))
        if number == 0:
            time.sleep(late)
    return started


@pytest.fixture(scope="module")
def pair(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two processes with two devices each, the second of them late."""
    workdir = tmp_path_factory.mktemp("pair") / "run"
    for process in start_both(workdir, cache, devices=2, late=4):
        code, _, err = runs.finish(process)
        assert code == 0, err
    return workdir


def test_two_processes_train_as_one_with_all_their_devices(
    pair: Path, cache: Path, tmp_path: Path
) -> None:
    code, _, err = runs.run(runs.command(tmp_path / "one", steps=24), cache, devices=4)
    assert code == 0, err
    together, alone = runs.rows(pair), runs.rows(tmp_path / "one")
    assert len(together) == len(alone) == 8
    for found, expected in zip(together, alone, strict=True):
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)
    for found, expected in zip(runs.arrays(pair), runs.arrays(tmp_path / "one"), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_first_process_alone_writes(pair: Path) -> None:
    assert not pair.with_name("elsewhere").exists()
    assert runs.newest(pair) == 24 * runs.BATCH


@pytest.mark.slow
def test_a_checkpoint_of_two_processes_goes_on_in_one_and_back(
    pair: Path, cache: Path, tmp_path: Path
) -> None:
    """With the batches that would have come next: the rows are those of the run without a cut."""
    shutil.copytree(pair, tmp_path / "run")
    for nimg in ("192", "160"):
        shutil.rmtree(tmp_path / "run" / "checkpoints" / nimg)
    assert runs.newest(tmp_path / "run") == 128
    code, out, err = runs.run(runs.command(tmp_path / "run", steps=24), cache)
    assert code == 0, err
    assert "going on from the checkpoint at 128 images" in out
    for found, expected in zip(runs.rows(tmp_path / "run"), runs.rows(pair), strict=True):
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)
    for nimg in ("192", "160"):
        shutil.rmtree(tmp_path / "run" / "checkpoints" / nimg)
    for process in start_both(tmp_path / "run", cache):
        code, _, err = runs.finish(process)
        assert code == 0, err
    for found, expected in zip(runs.rows(tmp_path / "run"), runs.rows(pair), strict=True):
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_process_that_dies_ends_the_other_with_an_error(
    victim: int, cache: Path, tmp_path: Path
) -> None:
    workdir = tmp_path / "run"
    processes = start_both(workdir, cache, steps=50_000)
    runs.wait_until(lambda: runs.newest(workdir) is not None, processes[0])
    processes[victim].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    code, _, err = runs.finish(processes[1 - victim], timeout=60)
    assert code not in (0, None)
    assert time.monotonic() - killed < 45
    if victim == 1:
        assert "another process of this run died" in err
    processes[victim].communicate()


@pytest.mark.slow
def test_a_signal_to_one_process_stops_both_after_the_same_step(
    cache: Path, tmp_path: Path
) -> None:
    """With two dispatches in flight, and the checkpoints held back by one process alone."""
    workdir = tmp_path / "run"
    suspected = ["--on-collapse", "stop", "--probe-nimg", "32", "--alarm.captured", "1"]
    suspected += ["--alarm.arm-nimg", "160", "--alarm.patience", "1000000"]
    processes = start_both(workdir, cache, *suspected, steps=50_000, program=runs.TWO_IN_FLIGHT)
    runs.wait_until(lambda: (runs.last_row(workdir) or 0) > 320, processes[0])
    assert runs.newest(workdir) == 128
    processes[1].send_signal(signal.SIGTERM)
    ends = [runs.finish(process, timeout=60) for process in processes]
    assert [code for code, _, _ in ends] == [75, 75], ends
    saved = runs.newest(workdir)
    for _, _, err in ends:
        assert f"saved after {saved} images" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("armed_nimg", "newest_nimg", "program"),
    [(96, 64, runs.TWO_IN_FLIGHT), (192, 160, runs.ONE_IN_FLIGHT)],
)
def test_a_collapse_ends_both_after_the_same_step(
    armed_nimg: int, newest_nimg: int, program: Sequence[str], cache: Path, tmp_path: Path
) -> None:
    """The run is never healthy, and judged in its middle or after its last step."""
    workdir = tmp_path / "run"
    watched = ["--on-collapse", "stop", "--probe-nimg", "32", "--alarm.captured", "1"]
    watched += ["--alarm.arm-nimg", str(armed_nimg)]
    ends = [runs.finish(p) for p in start_both(workdir, cache, *watched, program=program)]
    assert [code for code, _, _ in ends] == [3, 3], ends
    assert "mode collapse: probe/coverage" in ends[0][2]
    assert "process 0 saw a mode collapse" in ends[1][2]
    assert runs.newest(workdir) == newest_nimg
    last = max(row["nimg"] for row in runs.rows(workdir) if "probe/alarms" in row)
    assert last == armed_nimg


@pytest.mark.slow
def test_a_process_whose_partner_never_comes_says_so(cache: Path, tmp_path: Path) -> None:
    together = ["--coordinator", f"127.0.0.1:{runs.free_port()}", "--num-processes", "2"]
    for number in ("0", "1"):
        alone = [*together, "--process-id", number, "--wait-sec", "5"]
        code, _, err = runs.run(runs.command(tmp_path / "run", *alone), cache)
        assert code != 0
        assert "wait_sec = 5" in err or "DEADLINE_EXCEEDED" in err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_clients_on_two_processes_train_as_on_one(cache: Path, tmp_path: Path) -> None:
    """Four clients, two a process; each drops out now and then, rounds end within dispatches."""
    clients = ["--federated.clients", "4", "--federated.local-steps", "3"]
    clients += ["--federated.classes", "3", "--federated.dropout", "0.3"]
    workdir = tmp_path / "pair"
    for process in start_both(workdir, cache, *clients):
        code, _, err = runs.finish(process)
        assert code == 0, err
    assert not workdir.with_name("elsewhere").exists()
    alone_too = runs.command(tmp_path / "one", *clients, steps=24)
    code, _, err = runs.run(alone_too, cache, devices=2)
    assert code == 0, err
    together, alone = runs.rows(workdir), runs.rows(tmp_path / "one")
    assert len(together) == len(alone) == 8
    assert "client_3/generator/loss" in together[0]
    for found, expected in zip(together, alone, strict=True):
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)
    for found, expected in zip(runs.arrays(workdir), runs.arrays(tmp_path / "one"), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
