"""Parts one after another, each in a process of its own that can fail, hang or die by itself.

The next part's process imports its libraries while the one before measures, and touches no device
before it is told to begin.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from benchmarks.accelerator.part import Part
from benchmarks.accelerator.results import Book
from benchmarks.accelerator.table import in_words
from benchmarks.accelerator.worker import TINY, WHOLE

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
"""So that PyTorch has memory beside JAX's, and what is in use says what is needed."""
SIMULATED = {"JAX_NUM_CPU_DEVICES": "4", "NPROC": "16"}
"""Devices that a tiny part for several has on a CPU, and threads so that they don't deadlock."""

POLL_SEC = 1.0
PATIENCE_SEC = 5.0
"""Time that a process which says no more has to end by itself, so that its exit code is known."""

Tell = Callable[[str], None]


class OverTime(Exception):
    """A part's time is over."""


class Worker:
    """The process of a part: started, told to begin, listened to, and ended."""

    def __init__(self, part: Part, tiny: bool, logs: Path) -> None:
        """Start the process; it imports and waits."""
        self.part = part
        self._read, write = os.pipe()
        self._rest = b""
        command = [sys.executable, "-m", "benchmarks.accelerator.worker"]
        command += [part.module, str(write), TINY if tiny else WHOLE]
        environment = ENVIRONMENT | dict(os.environ)
        if tiny and part.devices > 1:
            environment |= SIMULATED
        logs.mkdir(parents=True, exist_ok=True)
        with (logs / f"{part.name}.txt").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=[write],
                start_new_session=True,
            )
        os.close(write)

    def begin(self, rows: Sequence[str]) -> None:
        """Tell it to measure these rows."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died: there will be no messages
            self._process.stdin.write(json.dumps(rows).encode() + b"\n")
            self._process.stdin.flush()

    def messages(self, until: float) -> Iterator[dict[str, Any]]:
        """Messages as they come, until the process ends; one of its own may hold the channel still.

        Raises:
            OverTime: it had not ended by this time of `time.monotonic`.
        """
        while True:
            left = until - time.monotonic()
            if not select.select([self._read], [], [], min(POLL_SEC, max(0.0, left)))[0]:
                if left <= 0:
                    raise OverTime
                if self._process.poll() is not None:
                    return
                continue
            content = os.read(self._read, 2**16)
            if not content:
                return
            *lines, self._rest = (self._rest + content).split(b"\n")
            yield from map(json.loads, lines)

    def end(self, patience_sec: float = 0.0) -> str:
        """End it, with all its processes, after some patience; returns words for how it ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience_sec)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        code = self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        os.close(self._read)
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


@dataclass
class Session:
    """A session that measures parts, and what it needs to know of each of them."""

    book: Book
    tiny: bool
    limits: Mapping[str, float]
    """Seconds of each part."""
    logs: Path
    tell: Tell

    def run(self, parts: Sequence[Part], spare_sec: float = 0.0) -> None:
        """Measure what is missing of these parts; what one leaves of its time the next ones have.

        Raises:
            ConfigError: another machine than the one whose figures are there.
            DiskError: figures that can't be kept.
        """
        todo = [part for part in parts if self.book.missing(part)]
        ahead: Worker | None = None
        try:
            for part, following in zip_longest(todo, todo[1:]):
                if not self.has_devices(part):
                    self.tell(f"{part.name}: takes {part.devices} devices or more")
                    continue
                worker = ahead or self._start(part)
                ahead = None
                if following is not None and self.has_devices(following):
                    ahead = self._start(following)
                spare_sec = self._measure(part, worker, self.limits[part.name] + spare_sec)
        finally:
            if ahead is not None:
                ahead.end()

    def has_devices(self, part: Part) -> bool:
        """Whether there are as many devices as a part takes, as far as is known."""
        machine = self.book.machine
        return self.tiny or machine is None or machine["devices"] >= part.devices

    def _start(self, part: Part) -> Worker:
        return Worker(part, self.tiny, self.logs)

    def _measure(self, part: Part, worker: Worker, allowed_sec: float) -> float:
        """Measure what is missing of a part, in further processes where one dies; the time left."""
        until = time.monotonic() + allowed_sec
        rows = list(self.book.missing(part))
        while rows:
            ended, begun = "", None
            worker.begin(rows)
            try:
                begun = self._listen(part, worker, rows, until)
                ended = worker.end(PATIENCE_SEC if rows else 0.0)
            except OverTime:
                self._fail(part, rows, f"not done when the part's {allowed_sec:.0f} s were over")
                break
            finally:
                if not ended:
                    worker.end()
            if not rows:
                break
            why = f"its process ended with {ended}: see {self.logs / part.name}.txt"
            if begun is None:
                self._fail(part, rows, why)
                break
            self._fail(part, [begun], why)
            rows.remove(begun)
            if rows:
                worker = self._start(part)
        return max(0.0, until - time.monotonic())

    def _listen(self, part: Part, worker: Worker, rows: list[str], until: float) -> str | None:
        """Keep what a worker tells; rows that are done leave the list. The row left half done."""
        begun = None
        for message in worker.messages(until):
            if "machine" in message:
                self.book.meet(message["machine"])
            elif "begun" in message:
                begun = message["begun"]
            elif "row" in message:
                self._note(part, message)
                if message.get("whole") or message.get("failed"):
                    rows.remove(message["row"])
                    begun = None
            if not rows:
                break
        return begun

    def _note(self, part: Part, message: Mapping[str, Any]) -> None:
        row, facts, failed = message["row"], message.get("facts", {}), message.get("failed")
        self.book.note(part.name, row, facts, message.get("whole", False), failed)
        if failed:
            self.tell(f"{part.name}, {row}: failed: {failed}")
        elif message["whole"]:
            self.tell(f"{part.name}, {row}: {in_words(part, facts)}")

    def _fail(self, part: Part, rows: Sequence[str], why: str) -> None:
        for row in rows:
            self._note(part, {"row": row, "failed": why})
