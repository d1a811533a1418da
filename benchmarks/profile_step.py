"""Where a step's time goes, by kind of operation: `python -m benchmarks.profile_step digits`.

JAX's profiler traces a few dispatches of an experiment, or of a pair of `benchmarks.versus_torch`.
What a loop does is counted where it is done, not with the loop.
"""

import gzip
import json
import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax
import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import Prepared, compile_parts, compile_step
from benchmarks.pairs import PAIRS
from cgan.config import positive, require
from cgan.system import cli
from cgan.system.arguments import parse
from configs import CONFIGS

LOOPS = ("while", "call", "conditional")
"""Names of operations whose own entries last as long as all that is in them."""


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that profiles the training step."""

    name: Annotated[str, tyro.conf.Positional]
    """An experiment of `configs/`, or with --pair a pair of `benchmarks.versus_torch`."""
    pair: bool = False
    """Whether the name is one of a pair's."""
    dispatches: int = 3
    """Dispatches that are traced."""
    top: int = 12
    """Kinds of operations that are printed."""

    def __post_init__(self) -> None:
        known = PAIRS if self.pair else CONFIGS
        require(self.name in known, "name", self.name, f"one of {', '.join(known)}")
        positive(self, "", "dispatches", "top")


def compiled(arguments: Arguments) -> Prepared:
    """Compile the step to profile."""
    if not arguments.pair:
        return compile_step(CONFIGS[arguments.name])
    return compile_parts(PAIRS[arguments.name]().parts)


def trace(step: Prepared, dispatches: int) -> list[dict[str, Any]]:
    """The profiler's events of so many dispatches, after one that warms up."""
    state, _ = step.dispatch(step.start(), step.batches)
    jax.block_until_ready(state)
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            for _ in range(dispatches):
                state, _ = step.dispatch(state, step.batches)
            jax.block_until_ready(state)
        (file,) = Path(folder).rglob("*.trace.json.gz")
        events: list[dict[str, Any]] = json.loads(gzip.decompress(file.read_bytes()))["traceEvents"]
    return events


def by_kind(events: list[dict[str, Any]]) -> dict[str, tuple[float, int]]:
    """Microseconds and number of different operations of each kind, largest time first.

    An operation's kind is its name in the compiled program without its number: `dot.12` is a `dot`.
    A kernel that is told of without its operation is of its own kind.
    """
    lines = lines_of_devices(events)
    operations = Counter[str]()
    for event in events:
        here = (event.get("pid"), event.get("tid")) in lines
        operation = event.get("args", {}).get("hlo_op") or (kernel(event) if here else None)
        if event.get("ph") == "X" and operation and (here or not lines):
            operations[operation] += event["dur"]
    kinds: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    for operation, microseconds in operations.items():
        kind = re.sub(r"(\.\d+|\.clone)+$", "", operation)
        if kind not in LOOPS:
            kinds[kind] += microseconds
            numbers[kind] += 1
    return {kind: (microseconds, numbers[kind]) for kind, microseconds in kinds.most_common()}


def lines_of_devices(events: list[dict[str, Any]]) -> set[tuple[int, int]]:
    """Processes and threads, as traces number them, that are an accelerator's own lines of events.

    Streams of kernels, or where there are none the line of XLA's operations; that of a CPU is not
    told apart, so that there is none for it. Other lines repeat the same time at another level.
    """
    names: dict[str, dict[tuple[int, int], str]] = {"process_name": {}, "thread_name": {}}
    for event in events:
        if event.get("ph") == "M" and event.get("name") in names:
            names[event["name"]][event["pid"], event.get("tid", 0)] = event["args"]["name"]
    devices = {
        process
        for (process, _), name in names["process_name"].items()
        if name.startswith("/device:") and "CPU" not in name
    }
    for opening in ("Stream", "XLA Ops"):
        lines = {
            line
            for line, name in names["thread_name"].items()
            if line[0] in devices and name.startswith(opening)
        }
        if lines:
            return lines
    return set()


def kernel(event: dict[str, Any]) -> str:
    """The name of a kernel without the types and arguments that it was made for."""
    return re.sub(r"[<(].*", "", event.get("name", "")).removeprefix("void ")


def main() -> None:
    """Trace the step, and print the kinds of operations that take most of its time."""
    prog = "python -m benchmarks.profile_step"
    arguments = parse(Arguments, prog=prog, description=__doc__)
    step = compiled(arguments)
    kinds = by_kind(trace(step, arguments.dispatches))
    steps = arguments.dispatches * step.parts.config.steps_per_dispatch
    whole = sum(microseconds for microseconds, _ in kinds.values())
    table = Table("kind of operation", "ms a step", "share, %", "operations", box=box.MARKDOWN)
    for kind, (microseconds, number) in list(kinds.items())[: arguments.top]:
        milliseconds, share = microseconds / 1e3 / steps, 100 * microseconds / whole
        table.add_row(kind, f"{milliseconds:.2f}", f"{share:.1f}", str(number))
    print(f"{jax.devices()[0].device_kind}, jax {jax.__version__}: {arguments.name}")
    Console(width=120).print(table)


if __name__ == "__main__":
    cli.run(main)
