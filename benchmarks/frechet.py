"""The Frechet distance from features beside the usual route: `python -m benchmarks.frechet`.

The usual route takes both covariances and SciPy's `sqrtm` of their product (Schur decomposition of
a general matrix). Ratios are of wall times within one round; both start from float32 features.
"""

import time
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import tyro
from jaxtyping import Float
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.harness import quartiles
from cgan.config import positive, require
from cgan.system import cli
from eval.metrics.frechet import frechet_distance


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that times both routes on the same features."""

    n: int = 10_000
    """Rows of each set of features."""
    dimensions: tuple[int, ...] = (256, 2048)
    """Features of a row."""
    rounds: int = 3
    """Rounds; each times both routes."""

    def __post_init__(self) -> None:
        require(self.n >= 2, "n", self.n, "at least 2 rows")
        fitting = bool(self.dimensions) and min(self.dimensions) > 0
        require(fitting, "dimensions", self.dimensions, "one or more, each more than 0")
        positive(self, "", "rounds")


def by_matrix_square_root(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "m d"]) -> float:
    """Frechet distance by the matrix square root of the product of the covariances."""
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(first @ second)
    offset = a.mean(axis=0, dtype=np.float64) - b.mean(axis=0, dtype=np.float64)
    return float(offset @ offset + np.trace(first + second - 2 * root).real)


def features(
    n: int, dimensions: int, seed: int
) -> tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "n d"]]:
    """Two sets of features, whose spectra fall off as that of a network's features does."""
    rng = np.random.default_rng(seed)
    scales = (1 + np.arange(dimensions, dtype=np.float32)) ** -0.5
    one, other = rng.standard_normal((2, n, dimensions), dtype=np.float32)
    one *= scales  # in place: the benchmarks of memory count what stands beside the features
    other *= np.float32(1.1) * scales
    other += np.float32(0.05)
    return one, other


def main() -> None:
    """Time both routes, and print a row for each number of dimensions."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.frechet", description=__doc__)
    columns = ("n", "d", "sqrtm, s", "ours, s", "sqrtm / ours", "relative difference")
    table = Table(*columns, box=box.MARKDOWN)
    for dimensions in arguments.dimensions:
        ratios, seconds = [], {}
        for number in range(arguments.rounds):
            pair = features(arguments.n, dimensions, number)
            values = {}
            for name, route in (("sqrtm", by_matrix_square_root), ("ours", frechet_distance)):
                start = time.perf_counter()
                values[name] = route(*pair)
                seconds[name] = time.perf_counter() - start
            ratios.append(seconds["sqrtm"] / seconds["ours"])
        difference = abs(values["ours"] / values["sqrtm"] - 1)
        table.add_row(
            f"{arguments.n:,}",
            f"{dimensions:,}",
            f"{seconds['sqrtm']:.2f}",
            f"{seconds['ours']:.2f}",
            quartiles(ratios),
            f"{difference:.1e}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    cli.run(main)
