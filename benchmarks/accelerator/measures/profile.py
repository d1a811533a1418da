"""The operations that take most of the device's time in a step."""

from collections.abc import Iterator, Sequence

from benchmarks.accelerator.measures.steps import pair_of
from benchmarks.accelerator.part import ENTRIES, ENTRY, Facts, Measure
from benchmarks.harness import compile_parts
from benchmarks.profile_step import by_kind, trace

DISPATCHES = 3
TOP = 12


def prepare(rows: Sequence[str], tiny: bool) -> Measure:
    """The one row is a pair in a precision, whose program the part of steps has compiled."""

    def measure(row: str) -> Iterator[Facts]:
        step = compile_parts(pair_of(row, tiny).parts)
        kinds = by_kind(trace(step, DISPATCHES))
        whole = sum(microseconds for microseconds, _ in kinds.values())
        assert kinds, "the profiler told of no operation"
        steps = DISPATCHES * step.parts.config.steps_per_dispatch
        entries = [
            {
                ENTRY: kind,
                "ms": microseconds / 1e3 / steps,
                "share": 100 * microseconds / whole,
                "operations": number,
            }
            for kind, (microseconds, number) in list(kinds.items())[:TOP]
        ]
        yield {ENTRIES: entries}

    return measure
