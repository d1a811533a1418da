"""A probe's figures for reals that were made to collapse: `python -m benchmarks.probe_limits`.

The limits of `Alarm` lie between these and what healthy runs score. No network is trained.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from jaxtyping import Float, Int
from rich import box
from rich.console import Console
from rich.table import Table

from cgan.config import Data, EmbeddedName
from cgan.data import Source, load_source
from cgan.probe.measures import measure, reference
from cgan.probe.reals import AT_MOST
from cgan.probe.space import coordinates
from cgan.system import cli

FROM_AT_MOST = 200_000
"""Most rows of a train split that are drawn from: the first ones."""
Rows = Int[np.ndarray, " n"]


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that measures constructed collapses."""

    sources: tuple[EmbeddedName, ...] = ("digits", "stacked_digits", "grid25", "ring8")
    """Names of the data sets to draw from."""
    repeats: int = 5
    """Draws of each collapse, of which the mean is shown."""


class Draws:
    """Rows of a train split, drawn as a collapsed generator would draw them."""

    def __init__(self, labels: Int[np.ndarray, " n"], seed: int) -> None:
        self._labels, self._rng = labels, np.random.default_rng(seed)

    def any(self, count: int) -> Rows:
        """Draw so many rows without repeats."""
        return self._rng.choice(len(self._labels), count, replace=False)

    def of_classes(self, share: float) -> Rows:
        """Draw as many rows as ever from a share of the classes alone."""
        classes = np.unique(self._labels)
        kept = self._rng.permutation(classes)[: max(1, round(share * len(classes)))]
        among = np.flatnonzero(np.isin(self._labels, kept))
        return self._rng.choice(among, AT_MOST, replace=len(among) < AT_MOST)

    def repeated(self, different: int) -> Rows:
        """Draw so many different rows, repeated over and over."""
        return self.any(different)[self._rng.integers(different, size=AT_MOST)]

    def one(self, share: float) -> Rows:
        """Draw rows of which one takes a share of the places."""
        rows = self.any(AT_MOST)
        rows[: int(share * AT_MOST)] = rows[0]
        return rows


COLLAPSES: dict[str, Callable[[Draws], Rows]] = {
    "other reals": lambda draws: draws.any(AT_MOST),
    "three quarters of the classes": lambda draws: draws.of_classes(0.75),
    "half of the classes": lambda draws: draws.of_classes(0.5),
    "a quarter of the classes": lambda draws: draws.of_classes(0.25),
    "100 samples, repeated": lambda draws: draws.repeated(100),
    "10 samples, repeated": lambda draws: draws.repeated(10),
    "one sample in a fifth of the places": lambda draws: draws.one(0.2),
    "one sample in half of the places": lambda draws: draws.one(0.5),
}


def rows_of(source: Source, rows: Rows) -> Float[np.ndarray, "n d"]:
    """Coordinates of these samples in the probe's space, `[n, d]`."""
    stored = np.asarray(source[rows].x)
    return np.asarray(coordinates(jnp.asarray(source.encode(stored))))


def figures(name: EmbeddedName, repeats: int) -> dict[str, Float[np.ndarray, " 3"]]:
    """The probe's figures of each collapse: captured, effective, and duplicates."""
    source, held_out = (load_source(Data(name), split) for split in ("train", "test"))
    order = np.random.default_rng(0).permutation(min(len(source), FROM_AT_MOST))
    known_rows, others = order[:AT_MOST], order[AT_MOST:]
    labels = np.asarray(source[others].label)
    train = rows_of(source, known_rows)
    known = reference(source, train, rows_of(held_out, np.arange(min(AT_MOST, len(held_out)))))
    look = jax.jit(measure)
    of_reals = look(jnp.asarray(train), known)
    found: dict[str, Float[np.ndarray, " 3"]] = {}
    for collapse, draw in COLLAPSES.items():
        of = [
            look(jnp.asarray(rows_of(source, others[draw(Draws(labels, seed))])), known)
            for seed in range(repeats)
        ]
        captured = np.mean([one.captured for one in of]) / of_reals.captured
        effective = np.mean([one.effective for one in of]) / of_reals.effective
        duplicates = np.mean([one.duplicates for one in of])
        found[collapse] = np.array([captured, effective, duplicates], np.float64)
    return found


def main() -> None:
    """Measure every collapse, and print a table."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.probe_limits", description=__doc__)
    table = Table("samples", *arguments.sources, box=box.MARKDOWN)
    columns = [figures(name, arguments.repeats) for name in arguments.sources]
    for collapse in COLLAPSES:
        cells = (column[collapse] for column in columns)
        table.add_row(collapse, *(" / ".join(f"{value:.2f}" for value in cell) for cell in cells))
    console = Console(width=160)
    console.print("captured / effective / duplicates", highlight=False)
    console.print(table)


if __name__ == "__main__":
    cli.run(main)
