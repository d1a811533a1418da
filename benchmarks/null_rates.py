"""How often verdicts and floors err where the truth is known: `python -m benchmarks.null_rates`.

Reference and samples are drawn from one distribution, over and over, at the dimensions and numbers
of rows that users have; or something is missing from the samples. Each cell of the tables is
appended to a file as soon as it is done, and a cell that is there is not drawn again.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro
from jaxtyping import Float
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.populations import POPULATIONS, clusters, labeller, sample_gaussian, spectrum
from cgan.system import cli
from eval.confusion import Confusion
from eval.metrics.base import Gathered, Inputs, present
from eval.metrics.bins import bins_of
from eval.metrics.frechet import perfect_sampler
from eval.metrics.ndb import different_bins
from eval.metrics.wishart import covariance_distances
from eval.moments import moments
from eval.verdict.evidence import count_modes
from eval.verdict.modes import ModeCounts, Tested, examine
from eval.verdict.reading import expected_as_read

Part = Literal["one", "missing", "labellers", "frechet"]
Cell = dict[str, Any]
PARTS: tuple[Part, ...] = ("one", "missing", "labellers", "frechet")
DIMENSIONS = (64, 512, 2048)
ROWS = ((500, 500), (500, 10_000), (2_000, 2_000), (10_000, 2_000), (10_000, 10_000))
"""Numbers of rows of the reference and of the samples."""
CHEAP = 256_000
"""Numbers in a draw up to which it is repeated as often as asked for; larger draws are fewer."""
SIZES = ((1, 1), (2, 4), (10, 4), (20, 1.2), (0.6, 0.8))
"""Rows of samples and of reference, as multiples of the dimensions, for Frechet distances."""


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that draws the error rates which the documentation quotes."""

    parts: tuple[Part, ...] = PARTS
    """Tables to draw."""
    repetitions: int = 200
    """Repetitions of each cell that is cheap to draw."""
    at_least: int = 10
    """Repetitions of the other cells."""
    dimensions: tuple[int, ...] = DIMENSIONS
    """Dimensions of the features."""
    out: Path = Path("null_rates.jsonl")
    """File where drawn cells are kept."""


def gathered(rows: Float[np.ndarray, "n d"]) -> Gathered:
    """Rows in the form in which an extractor's features are gathered."""
    return Gathered(len(rows), features=rows.astype(np.float32), moments=(moments(rows),))


def judged_in_bins(
    reference: Float[np.ndarray, "m d"], samples: Float[np.ndarray, "n d"], seed: int
) -> tuple[ModeCounts, Tested, float]:
    """Counts, tests and NDB of samples against a reference without classes."""
    inputs = Inputs(gathered(samples), gathered(reference))
    modes = count_modes(inputs)
    ndb = different_bins(modes.counts, bins_of(inputs.reference).reference).mean()
    return modes, examine(modes, seed), float(ndb)


def one_distribution(kind: str, d: int, m: int, n: int, repetitions: int) -> Cell:
    """Error rates where reference and samples have one distribution: all is covered."""
    dropped, covered, ndb, bins = np.zeros((4, repetitions))
    for seed in range(repetitions):
        rng = np.random.default_rng([seed, d, m, n])
        draw = POPULATIONS[kind](d, rng)
        modes, tested, ndb[seed] = judged_in_bins(draw(m), draw(n), seed)
        dropped[seed], covered[seed] = tested.named.any(), tested.covered.all()
        bins[seed] = len(modes.names)
    return {
        "bins": f"{np.median(bins):.0f}",
        "said to drop": f"{dropped.sum():.0f} of {repetitions}",
        "said to cover": f"{covered.sum():.0f} of {repetitions}",
        "NDB": f"{ndb.mean():.3f}",
    }


def something_missing(missing: int, noise: float, d: int, m: int, n: int, repetitions: int) -> Cell:
    """Error rates where samples lack some of ten clusters.

    The clusters are `noise` times as wide as they are apart.
    """
    found, covered, held = np.zeros((3, repetitions))
    for seed in range(repetitions):
        rng = np.random.default_rng([seed, d, m, n, 1])
        draw = clusters(10, noise, d, rng)
        modes, tested, _ = judged_in_bins(draw(m, 0), draw(n, missing), seed)
        found[seed], covered[seed] = tested.named.any(), tested.covered.all()
        held[seed] = modes.held(tested.named)
    return {
        "said to drop": f"{found.sum():.0f} of {repetitions}",
        "of the data": f"{held.mean():.0%}",
        "said to cover": f"{covered.sum():.0f} of {repetitions}",
    }


def read_classes(
    accuracy: float, zipf: float, classes: int, held_out: int, n: int, repetitions: int
) -> Cell:
    """Error rates where classes are read by a labeller of this accuracy.

    Once for a generator that makes all classes, and once for one that makes none of one of them:
    the likeliest to be judged.
    """
    cells: dict[str, Any] = {"dropped": 0, "covered": 0, "named": 0, "hidden": 0, "judged": 0}
    for seed in range(repetitions):
        rng = np.random.default_rng([seed, classes, held_out, n, 2])
        shares = np.arange(1, classes + 1) ** -float(zipf)
        shares /= shares.sum()
        truth = labeller(accuracy, classes, shares, rng)
        whole = judged_as_read(truth, shares, shares, held_out, n, seed, rng)
        cells["dropped"] += int(whole.named.any())
        cells["covered"] += int(whole.covered.all())
        cells["judged"] += int(whole.judged.sum())
        gone = int(np.argmax(whole.judged)) if whole.judged.any() else 0
        made = np.where(np.arange(classes) == gone, 0, shares)
        lacking = judged_as_read(truth, shares, made / made.sum(), held_out, n, seed, rng)
        cells["named"] += int(lacking.named[gone])
        cells["hidden"] += int(lacking.covered.all())
    per = f" of {repetitions}"
    return {
        "judged": f"{cells['judged'] / repetitions:.1f}",
        "said to drop": f"{cells['dropped']}{per}",
        "said to cover": f"{cells['covered']}{per}",
        "one missing: named": f"{cells['named']}{per}",
        "one missing: said to cover": f"{cells['hidden']}{per}",
    }


def judged_as_read(
    truth: Float[np.ndarray, "classes classes"],
    shares: Float[np.ndarray, " classes"],
    made: Float[np.ndarray, " classes"],
    held_out: int,
    n: int,
    seed: int,
    rng: np.random.Generator,
) -> Tested:
    """Tests of n samples with the shares `made`, read by an imperfect labeller.

    `truth` says how the labeller reads each class; all that is known of it are held-out samples.
    """
    rows = rng.multinomial(held_out, shares)
    confusion = np.array([rng.multinomial(*each) for each in zip(rows, truth, strict=True)])
    counts = rng.multinomial(n, made @ truth)
    with_none = np.column_stack([confusion, np.zeros(len(shares), np.int64)])
    names = [str(index) for index in range(len(shares))]
    expected = expected_as_read(Confusion(with_none), shares, counts / n)
    modes = ModeCounts("classes", names, np.arange(len(shares)), shares, counts, n, expected)
    return examine(modes, seed)


def perfect_distance(power: float, d: int, n: int, m: int) -> Cell:
    """The modelled floor of a Frechet distance beside the true one, for a Gaussian's samples."""
    values, rng = spectrum(d, power), np.random.default_rng([d, n, m, 3])
    true = covariance_distances(values, [(n, m)], max(4, 16_384 // d), rng).mean()
    true += values.sum() * (1 / n + 1 / m)
    said: list[float] = []
    for seed in range(max(2, 512 // d)):
        rows = sample_gaussian(values, m, rng).astype(np.float32)
        said.append(present(perfect_sampler(Inputs(gathered(rows), gathered(rows)), n, seed)).mean)
    return {
        "true": f"{true:.4g}",
        "says": f"{np.mean(said):.4g}",
        "says / true": f"{np.mean(said) / true:.3f}",
    }


def cells(arguments: Arguments) -> Iterator[tuple[Part, Cell, Callable[[], Cell]]]:
    """All cells of the tables: each one's table, what distinguishes it, and what draws it."""

    def often(d: int, m: int, n: int) -> int:
        affordable = arguments.repetitions * CHEAP // (d * (m + n))
        return min(arguments.repetitions, max(arguments.at_least, affordable))

    for d in arguments.dimensions:
        for power in (0, 1, 2):
            for a, b in SIZES:
                n, m = round(a * d), round(b * d)
                named: Cell = {"spectrum": f"k^-{power}", "d": d, "samples": n, "reference": m}
                yield "frechet", named, partial(perfect_distance, power, d, n, m)
        for m, n in ROWS:
            rows = {"d": d, "reference": m, "samples": n}
            for kind in POPULATIONS:
                named = {"features": kind, **rows}
                yield "one", named, partial(one_distribution, kind, d, m, n, often(d, m, n))
            for missing, noise in ((1, 0.5), (1, 1.0), (5, 1.0)):
                named = {"missing": missing, "noise": noise, **rows}
                draw = partial(something_missing, missing, noise, d, m, n, often(d, m, n))
                yield "missing", named, draw
    for accuracy, zipf, classes, held_out, n in (
        (0.98, 0, 10, 360, 10_000),
        (0.9, 0, 10, 10_000, 10_000),
        (0.9, 1, 20, 2_000, 50_000),
        (0.7, 1, 20, 2_000, 50_000),
        (0.5, 1, 20, 2_000, 50_000),
        (0.5, 1, 100, 10_000, 50_000),
        (0.98, 0, 1_000, 26_000, 26_000),
        (0.98, 0, 1_000, 26_000, 44_000),
    ):
        named = {"accuracy": accuracy, "Zipf": zipf, "classes": classes}
        named |= {"held out": held_out, "samples": n}
        numbers = (classes, held_out, n, arguments.repetitions)
        yield "labellers", named, partial(read_classes, accuracy, zipf, *numbers)


def known_cells(path: Path) -> list[Cell]:
    """Cells that an earlier call drew and kept in this file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def main() -> None:
    """Draw the cells that are missing, and print all tables."""
    arguments = tyro.cli(Arguments, prog="python -m benchmarks.null_rates", description=__doc__)
    known, wanted = known_cells(arguments.out), []
    for part, named, draw in track(list(cells(arguments))):
        if part not in arguments.parts:
            continue
        whole = {"part": part} | named
        found = next((each for each in known if whole.items() <= each.items()), None)
        if found is None:
            found = whole | draw()
            with arguments.out.open("a") as file:
                file.write(json.dumps(found) + "\n")
        wanted.append(found)
    for part in arguments.parts:
        rows = [each for each in wanted if each["part"] == part]
        if rows:
            headings = [name for name in rows[0] if name != "part"]
            table = Table(*headings, box=box.MARKDOWN)
            for each in rows:
                table.add_row(*(str(each[name]) for name in headings))
            Console(width=140).print(table)


if __name__ == "__main__":
    cli.run(main)
