"""Precision, recall, density and coverage beside `prdc`: `python -m benchmarks.neighbours`.

Each call runs in a process of its own, whose peak of resident memory is read when it ends; the
peak before the call (libraries and features) stands beside it. Ratios are of wall times within one
round. The first call of ours compiles; the second one is what a second set of samples costs.
"""

import contextlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.frechet import features
from benchmarks.harness import quartiles
from cgan.config import positive, require
from cgan.system import cli
from cgan.system.arguments import parse

Route = Literal["prdc", "ours", "ours with error bars", "all of the table"]
Four = tuple[float, float, float, float]
K = 5


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that times the routes on the same features."""

    n: int = 10_000
    """Rows of each set of features."""
    dimensions: int = 2048
    """Features of a row."""
    rounds: int = 3
    """Rounds; each times every route."""
    route: Route | None = None
    """Route to time alone, in this process, its result printed as JSON."""
    seed: int = 0
    """Seed of the random features."""

    def __post_init__(self) -> None:
        require(self.n > K, "n", self.n, f"more than {K} rows")
        positive(self, "", "dimensions", "rounds")


def by_prdc(real: Float[np.ndarray, "n d"], fake: Float[np.ndarray, "m d"]) -> Four:
    """Precision, recall, density and coverage by the package prdc, the reference implementation."""
    from prdc import compute_prdc

    with contextlib.redirect_stdout(sys.stderr):  # it prints how many rows it was given
        found = compute_prdc(real, fake, nearest_k=K)
    return found["precision"], found["recall"], found["density"], found["coverage"]


def by_counts(real: Float[np.ndarray, "n d"], fake: Float[np.ndarray, "m d"]) -> Four:
    """Precision, recall, density and coverage by this project, with prdc's conventions."""
    from eval.metrics.manifolds import inside_of

    of_fake, in_ball, of_real = inside_of(real, fake, K, "strict")
    shares = ((inside > 0).mean() for inside in (of_fake, of_real, in_ball))
    precision, recall, coverage = (float(share) for share in shares)
    return precision, recall, float(of_fake.mean() / K), coverage


def with_error_bars(real: Float[np.ndarray, "n d"], fake: Float[np.ndarray, "m d"]) -> Four:
    """Precision, recall, density and coverage as tables show them, with their error bars.

    Precision and recall at k = 3, density and coverage at 5, with errors from 8 random halves.
    """
    from eval.metrics.base import Gathered
    from eval.metrics.manifolds import DENSITY_K, manifolds

    found = manifolds(Gathered(len(fake), features=fake), Gathered(len(real), features=real), 0)
    recall, coverage = (float(of[:, 0].mean()) for of in (found.recalled, found.covered))
    return float(found.precise.mean()), recall, float(found.balls.mean() / DENSITY_K), coverage


def of_the_table(real: Float[np.ndarray, "n d"], fake: Float[np.ndarray, "m d"]) -> Four:
    """The four as tables show them, and what comes out of the same distances.

    That is authenticity, and the birthday paradox, whose pairs are those within a set.
    """
    from eval.metrics.base import Gathered, Inputs, present
    from eval.metrics.birthday import BIRTHDAY
    from eval.metrics.density_coverage import COVERAGE, DENSITY
    from eval.metrics.memorization import AUTHENTICITY
    from eval.metrics.precision_recall import PRECISION, RECALL

    inputs = Inputs(Gathered(len(fake), features=fake), Gathered(len(real), features=real))
    metrics = (PRECISION, RECALL, DENSITY, COVERAGE, AUTHENTICITY, BIRTHDAY)
    found = [metric.measure(inputs, 0).value for metric in metrics]
    precision, recall, density, coverage = (present(value) for value in found[:4])
    return precision, recall, density, coverage


ROUTES: dict[Route, Callable[..., Four]] = {
    "prdc": by_prdc,
    "ours": by_counts,
    "ours with error bars": with_error_bars,
    "all of the table": of_the_table,
}


def peak_mib() -> float:
    """The peak of this process's resident memory so far."""
    per_mib = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mib


def time_here(route: Route, arguments: Arguments, calls: int = 2) -> dict[str, Any]:
    """Time calls of one route in this process: seconds of each, memory, and the four figures."""
    if route == "prdc":
        import prdc  # noqa: F401  libraries are loaded before the clock starts
    else:
        import jax

        import eval.metrics.manifolds  # noqa: F401

        jax.devices()
    real, fake = features(arguments.n, arguments.dimensions, arguments.seed)
    before, seconds = peak_mib(), []
    for _ in range(calls):
        start = time.perf_counter()
        values = ROUTES[route](real, fake)
        seconds.append(time.perf_counter() - start)
        fake = fake.copy()
    return {"seconds": seconds, "before": before, "peak": peak_mib(), "values": values}


def time_apart(route: Route, arguments: Arguments, seed: int) -> dict[str, Any]:
    """Time two calls of one route in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.neighbours", "--route", route]
    command += ["--n", str(arguments.n), "--dimensions", str(arguments.dimensions)]
    done = subprocess.run(
        [*command, "--seed", str(seed)], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


def main() -> None:
    """Time every route, and print a row for each."""
    arguments = parse(Arguments, prog="python -m benchmarks.neighbours", description=__doc__)
    if arguments.route is not None:
        print(json.dumps(time_here(arguments.route, arguments)))
        return
    rounds = [
        {route: time_apart(route, arguments, arguments.seed + number) for route in ROUTES}
        for number in range(arguments.rounds)
    ]
    for found in rounds:
        if not np.allclose(found["ours"]["values"], found["prdc"]["values"], rtol=1e-12, atol=0):
            difference = f"{found['ours']['values']} and {found['prdc']['values']}"
            Console(stderr=True).print(f"note: the figures differ: {difference}")
    timed = ("route", "first call, s", "second, s", "prdc / first", "prdc / second")
    table = Table(*timed, "peak, MiB", "before, MiB", "peak / prdc's", box=box.MARKDOWN)
    for route in ROUTES:
        times = np.array([found[route]["seconds"] for found in rounds])
        reference = np.array([min(found["prdc"]["seconds"]) for found in rounds])
        peak, before, of_prdc = (
            max(found[name][key] for found in rounds)
            for name, key in ((route, "peak"), (route, "before"), ("prdc", "peak"))
        )
        table.add_row(
            route,
            *(f"{seconds:.1f}" for seconds in np.median(times, axis=0)),
            *(quartiles(list(reference / each)) for each in times.T),
            f"{peak:,.0f}",
            f"{before:,.0f}",
            f"{peak / of_prdc:.2f}",
        )
    title = f"{arguments.n:,} x {arguments.dimensions:,} real against as many fakes"
    Console(width=170).print(title, table, sep="\n")


if __name__ == "__main__":
    cli.run(main)
