"""Signals: heard whatever the main thread is doing, each with its own meaning."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cgan.training import interrupt as interrupts
from cgan.training.interrupt import Interrupt

ROOT = Path(__file__).parents[1]
LOADED_SEC = 120
"""A machine that does other work answers within this time."""

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")

IN_HOOKS = """
import gc, time, weakref
from cgan.system import cli

class Node:
    def __del__(self):
        time.sleep(0.002)

def slow(*_):
    time.sleep(0.002)

def main():
    gc.callbacks.append(slow)
    print("ready", flush=True)
    while True:
        node = Node()
        reference = weakref.ref(node, slow)
        del node
        gc.collect(0)

cli.run(main)
"""
"""All of its time passes in hooks, from which Python lets no exception out."""

DEAF = """
import time
from cgan.system import cli

def main():
    print("ready", flush=True)
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

cli.run(main)
"""
"""A library that catches everything."""

AFTER = """
import atexit, time
from cgan.system import cli

def main():
    def linger():
        print("ready", flush=True)
        time.sleep(60)
    atexit.register(linger)

cli.run(main)
"""
"""A library that takes its time at the end."""


def started(program: str, *before: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*before, sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_is_never_swallowed() -> None:
    draw = random.Random(0)
    processes = [started(program) for program in [IN_HOOKS] * 10 + [DEAF] * 2]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(draw.uniform(0, 0.01))
        process.send_signal(signal.SIGINT)
    for process in processes:
        _, err = process.communicate(timeout=LOADED_SEC)
        assert (process.returncode, err) == (130, "stopped by Ctrl-C\n")


def test_ctrl_c_ends_a_program_that_only_has_to_exit() -> None:
    process = started(AFTER)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LOADED_SEC)
    assert (process.returncode, err) == (-signal.SIGINT, "")


def test_a_program_in_the_background_of_a_script_is_not_hit_by_ctrl_c() -> None:
    program = "import os, signal\nfrom cgan.system import cli\n"
    program += "cli.run(lambda: os.kill(os.getpid(), signal.SIGINT) or print('went on'))"
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    out, err = started(program, *ignoring).communicate(timeout=LOADED_SEC)
    assert (out, err) == ("went on\n", "")


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """How the process would have ended: exit code and last words."""
    found: list[tuple[int, str]] = []

    def end_now(code: int, text: str) -> None:
        found.append((code, text))
        sys.exit()  # of the thread

    monkeypatch.setattr(interrupts, "end_now", end_now)
    return found


def send(*numbers: signal.Signals) -> None:
    for number in numbers:
        os.kill(os.getpid(), number)


def wait_until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + LOADED_SEC
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGUSR1", "SIGHUP"])
def test_each_signal_asks_to_save_where_there_is_something(
    name: str, ends: list[tuple[int, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    with Interrupt(LOADED_SEC) as asked:
        asked.has_unsaved = True
        send(signal.Signals[name])
        wait_until(lambda: asked.asked_by)
        assert asked.asked_by == name
    assert f"{name}: saving" in capsys.readouterr().err
    with Interrupt(LOADED_SEC):
        send(signal.Signals[name])
        wait_until(lambda: ends)
    assert ends == [(75, f"stopped by {name}: nothing new to save")]


HUP, USR1, TERM, INT = signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, signal.SIGINT


@pytest.mark.parametrize(
    ("sent", "last"),
    [
        ([HUP, HUP, HUP], None),  # from the terminal and from the shell
        ([USR1, USR1, TERM], None),  # a scheduler that warns, and then asks
        ([HUP, TERM], None),  # systemd's
        ([TERM, HUP, USR1], None),
        ([TERM, TERM], TERM),
        ([USR1, TERM, INT], INT),
        ([INT, HUP, INT], INT),
    ],
)
def test_only_a_second_urgent_signal_ends_without_saving(
    sent: list[signal.Signals], last: signal.Signals | None, ends: list[tuple[int, str]]
) -> None:
    with Interrupt(LOADED_SEC) as asked:
        asked.has_unsaved = True
        for number in sent:
            send(number)
            time.sleep(0.01)  # the system delivers those that wait together by their numbers
        wait_until(lambda: ends or last is None)
    assert asked.asked_by == sent[0].name
    assert ends == (
        [] if last is None else [(128 + last, f"stopped by {last.name} without saving")]
    )


def test_saving_that_takes_too_long_is_ended(ends: list[tuple[int, str]]) -> None:
    with Interrupt(0) as asked:
        asked.has_unsaved = True
        send(USR1)
        wait_until(lambda: ends)
    assert ends == [(128 + USR1, "not saved within grace_sec = 0: stopped")]


def test_a_run_that_was_detached_from_its_terminal_stays_so(ends: list[tuple[int, str]]) -> None:
    """`nohup` has SIGHUP ignored."""
    before = signal.signal(HUP, signal.SIG_IGN)
    try:
        with Interrupt(LOADED_SEC) as asked:
            send(HUP)
            assert signal.getsignal(HUP) is signal.SIG_IGN
        assert (asked.asked_by, ends) == (None, [])
        assert signal.getsignal(HUP) is signal.SIG_IGN
    finally:
        signal.signal(HUP, before)
