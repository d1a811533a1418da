"""Runs of `train.py` in processes of their own, to be killed, joined and damaged."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from cgan.run_folder.checkpoint import Checkpoints
from cgan.sampling.runs import restore_run

ROOT = Path(__file__).parents[2]
BATCH = 8
STEPS_A_CHECKPOINT = 4
STEPS = 48
SMALLEST = [
    "digits",
    *("--generator.architecture", "mlp", "--generator.width", "8", "--generator.depth", "1"),
    *("--discriminator.architecture", "mlp", "--discriminator.width", "8"),
    *("--discriminator.depth", "1", "--batch-size", str(BATCH)),
    *("--steps-per-dispatch", "1", "--log-nimg", str(BATCH * 3)),
    *("--snapshot-nimg", "1000000", "--checkpoint-nimg", str(BATCH * STEPS_A_CHECKPOINT)),
]
SPEEDS = ("images_per_sec", "input_stall")


ONE_IN_FLIGHT, TWO_IN_FLIGHT = ("train.py",), ("-m", "tests.reliability.two_in_flight")


def command(
    workdir: Path, *more: str, steps: int = STEPS, program: Sequence[str] = ONE_IN_FLIGHT
) -> list[str]:
    total = ["--total-nimg", str(BATCH * steps), "--workdir", str(workdir)]
    return [sys.executable, *program, *SMALLEST, *total, *more]


def environment(cache: Path, devices: int = 1) -> dict[str, str]:
    """A process of its own kind of devices; the second start finds the first one's programs."""
    return os.environ | {
        "JAX_PLATFORMS": "cpu",
        "JAX_NUM_CPU_DEVICES": str(devices),
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
        "NPROC": "4",
    }


def start(
    arguments: list[str], cache: Path, devices: int = 1, **options: object
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        arguments,
        cwd=ROOT,
        env=environment(cache, devices),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def finish(process: "subprocess.Popen[str]", timeout: float = 120) -> tuple[int, str, str]:
    """Exit code, standard output and standard error; a hang fails the test."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, err


def run(arguments: list[str], cache: Path, devices: int = 1) -> tuple[int, str, str]:
    return finish(start(arguments, cache, devices))


def wait_until(
    condition: Callable[[], bool], process: "subprocess.Popen[str]", timeout: float = 90
) -> None:
    """Poll, finely enough to catch a checkpoint that is being written, while the process lives."""
    until = time.monotonic() + timeout
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.0005)


def unfinished(workdir: Path) -> set[tuple[str, int]]:
    """Checkpoints that are being written, or that a killed process left so: names and inodes."""
    folder = workdir / "checkpoints"
    if not folder.is_dir():
        return set()
    with contextlib.suppress(FileNotFoundError):  # it was finished meanwhile
        return {(p.name, p.stat().st_ino) for p in folder.iterdir() if "tmp" in p.name}
    return set()


def kill(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def rows(workdir: Path) -> list[dict[str, float]]:
    """The metrics without the speeds; a torn or doubled line fails the test."""
    text = (workdir / "metrics.jsonl").read_text()
    assert text.endswith("\n")
    found = [json.loads(line) for line in text.splitlines()]
    for is_probe in (False, True):  # which have rows of their own
        seen = [row["nimg"] for row in found if ("probe/alarms" in row) == is_probe]
        assert seen == sorted(set(seen))
    return [{k: v for k, v in row.items() if k not in SPEEDS} for row in found]


def arrays(workdir: Path) -> list[np.ndarray]:
    """The final state, leaf by leaf."""
    import jax

    return jax.tree.leaves(restore_run(workdir).state)


def newest(workdir: Path) -> int | None:
    return Checkpoints(workdir / "checkpoints").latest()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def assert_same_run(one: Path, other: Path) -> None:
    """Bit for bit: the state, and every row of metrics."""
    for found, expected in zip(arrays(one), arrays(other), strict=True):
        assert np.array_equal(found, expected)
    assert rows(one) == rows(other)


def text_of(workdir: Path) -> str:
    path = workdir / "metrics.jsonl"
    return path.read_text() if path.exists() else ""


def last_row(workdir: Path) -> int | None:
    """Images seen by the last complete row of metrics."""
    lines = text_of(workdir).split("\n")[:-1]
    return json.loads(lines[-1])["nimg"] if lines else None
