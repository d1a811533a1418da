"""The process of one part: `python -m benchmarks.accelerator.worker MODULE DESCRIPTOR SIZE`.

It imports what the part needs, waits for the order to begin (a line of JSON with the rows, on
standard input), and writes messages as lines of JSON to the descriptor. It ends with whoever
started it, its own processes too: standard input is closed then.
"""

import contextlib
import gc
import importlib
import importlib.metadata
import json
import os
import platform
import signal
import sys
import threading
import traceback
from typing import Any, TextIO

from benchmarks.accelerator.part import Measure
from cgan.system.errors import reason

TINY, WHOLE = "tiny", "whole"


def main() -> None:
    """Import, wait, measure row by row, tell."""
    module_name, descriptor, size = sys.argv[1:]
    tiny = size == TINY
    channel = os.fdopen(int(descriptor), "w")
    module = importlib.import_module(module_name)
    order = sys.stdin.readline()
    if not order:
        return
    threading.Thread(target=_end_with_parent, daemon=True).start()
    rows = json.loads(order)
    _tell(channel, machine=machine(tiny))
    try:
        measure: Measure = module.prepare(rows, tiny)
    except Exception as error:
        traceback.print_exc()
        for row in rows:
            _tell(channel, row=row, failed=reason(error))
        return
    for row in rows:
        _tell(channel, begun=row)
        _measure(channel, measure, row)
        gc.collect()


def _measure(channel: TextIO, measure: Measure, row: str) -> None:
    """Tell of a row: what is known so far again and again, and at last all of it."""
    facts = None
    try:
        for facts in measure(row):
            _tell(channel, row=row, facts=facts, whole=False)
    except Exception as error:
        traceback.print_exc()
        _tell(channel, row=row, failed=reason(error))
    else:
        _tell(channel, row=row, facts=facts or {}, whole=True)


def machine(tiny: bool) -> dict[str, Any]:
    """What measures: the device and the versions that its figures depend on."""
    import jax

    devices = jax.local_devices()
    return {
        "device": devices[0].device_kind,
        "devices": len(devices),
        "cores": len(os.sched_getaffinity(0)),
        "tiny": tiny,
        "jax": jax.__version__,
        "torch": _version("torch"),
        "python": platform.python_version(),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _tell(channel: TextIO, **message: Any) -> None:
    print(json.dumps(message), file=channel, flush=True)


def _end_with_parent() -> None:
    """End this process and its own when standard input ends: nobody waits for them any more."""
    with contextlib.suppress(OSError, ValueError):
        os.read(sys.stdin.fileno(), 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
