"""A part of the accelerator's benchmark whose rows do what their names say."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.accelerator.part import NOTE, Facts, Measure

ASKED = "ACCELERATOR_PARTS_ASKED"
"""Environment variable that names the file where each order to measure is noted."""


def prepare(rows: Sequence[str], tiny: bool) -> Measure:
    if ASKED in os.environ:
        with Path(os.environ[ASKED]).open("a") as file:
            print(*rows, file=file)
    if "unprepared" in rows:
        raise ValueError("this part can't be prepared")
    return measure


def measure(row: str) -> Iterator[Facts]:
    yield {"number": 1.0}
    if row == "fails":
        raise MemoryError("RESOURCE_EXHAUSTED: too large\nand more")
    if row == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if row == "hangs":
        time.sleep(600)
    yield {"number": 2.0, NOTE: "noted"}
