"""Precision, recall, density and coverage of many features, beside `prdc` on the processors."""

import importlib.util
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from benchmarks.accelerator.part import NOTE, Facts, Measure
from benchmarks.neighbours import Arguments, Route, time_here

PRDC_AT_MOST = 10_000
"""Rows that `prdc` is given at most: its time and memory grow by the square of their number."""
TINY_SHARE = 50
"""Fewer rows, and features, by this factor."""


def prepare(rows: Sequence[str], tiny: bool) -> Measure:
    """A row names the rows and the features of either set."""
    by = TINY_SHARE if tiny else 1

    @cache
    def call(route: Route, n: int, dimensions: int, calls: int) -> dict[str, Any]:
        return time_here(route, Arguments(n, dimensions), calls)

    def measure(row: str) -> Iterator[Facts]:
        n, dimensions = (int(side.replace(",", "")) // by for side in row.split(" x "))
        of_ours = call("ours", n, dimensions, 2)
        first, second = of_ours["seconds"]
        facts: Facts = {"first_sec": first, "sec": second}
        yield facts
        errors = call("ours with error bars", n, dimensions, 2)["seconds"][-1]
        facts["error_bars_sec"] = errors
        if importlib.util.find_spec("prdc") is None:
            yield facts | {NOTE: "prdc is not installed"}
            return
        yield facts
        given = min(n, PRDC_AT_MOST // by)
        theirs = call("prdc", given, dimensions, 1)
        facts["prdc_sec"] = theirs["seconds"][0] * (n / given) ** 2
        facts["times"] = facts["prdc_sec"] / second
        facts["times_error_bars"] = facts["prdc_sec"] / errors
        if given == n:
            ours, of_prdc = np.array(of_ours["values"]), np.array(theirs["values"])
            facts["apart"] = float(np.abs(ours - of_prdc).max())
        else:
            facts[NOTE] = f"prdc's time is reckoned: {(n / given) ** 2:.0f} times that of {given:,}"
        yield facts

    return measure
