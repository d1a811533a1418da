"""Genomes told apart on either strand: `python -m benchmarks.strands RUN [RUN ...]`.

Logistic regression on few labels a genome, as `python -m eval probe` has it, on canonical and on
plain 4-mers and on each run's discriminator, untrained and trained. It learns from the labelled
fragments as they are, or also from their other strands (the reverse complement as augmentation of
a classifier). A figure is the accuracy on held-out fragments, and the share of them whose verdict
is another one on their other strand. Runs that differ by their seeds may be given as one.
"""

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import tyro
from jaxtyping import Float, Int
from rich import box
from rich.console import Console
from rich.table import Table

from cgan.config import Experiment, Pretraining, require
from cgan.data import load_source
from cgan.kinds import DNA
from cgan.networks import TRUNK
from cgan.run_folder.run_data import Whereabouts
from cgan.run_folder.workdir import Workdir
from cgan.system import cli
from cgan.system.arguments import parse
from eval.extractors.kmer_counts import canonical_frequencies, counts
from eval.few_labels import classifiers, draws
from eval.few_labels.draws import Labeled
from eval.few_labels.probed import Probed, load
from eval.few_labels.representations import Origin, of_discriminator, taps_of
from eval.gather import silent
from eval.records.spread import mean_and_error
from eval.splits import Splits

K = 4
ORIGINS: dict[bool, tuple[Origin, ...]] = {True: ("untrained", "run"), False: ("run",)}
"""Whose weights a discriminator is read with: also those that it started from, or not."""


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that tells genomes apart."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of runs on one DNA data set: GANs or pretrainings."""
    untrained: bool = True
    """Measure each run's discriminator as it started too."""
    pooled: bool = False
    """Give all runs as one: figures are of each run and draw."""
    labels: tuple[int, ...] = (1, 10, 100)
    """Labels a genome."""
    taps: tuple[str, ...] = (TRUNK,)
    """Maps of the discriminators to read, such as trunk or level_2."""
    draws: int = 5
    """Draws of the labels."""
    train_n: int = 8_000
    """Train fragments, among which labels are drawn."""
    held_out_n: int = 4_000
    """Held-out fragments."""
    length: int = 250
    """Bases of a fragment, however long those are that the runs took their windows from."""
    seed: int = 0
    """Seed of the choice of fragments and labels; another one to tune on."""


class Sides(NamedTuple):
    """Features of both splits, and of the other strands of all fragments."""

    train: Float[np.ndarray, "n d"]
    train_turned: Float[np.ndarray, "n d"]
    held_out: Float[np.ndarray, "m d"]
    held_out_turned: Float[np.ndarray, "m d"]


class Figures(NamedTuple):
    """Accuracy of each draw, and the share of verdicts that the other strand changes."""

    accuracies: list[float]
    changes: list[float]


def both(part: Labeled) -> Labeled:
    """Fragments, and behind them their other strands."""
    turned = part.samples[:, ::-1, ::-1]
    return Labeled(np.concatenate([part.samples, turned]), np.tile(part.labels, 2))


def features_of(
    probed: list[Probed],
    names: list[str],
    taps: tuple[str, ...],
    origins: tuple[Origin, ...],
    parts: list[Labeled],
) -> Iterator[tuple[str, Sides]]:
    """Names of features, and the features of both splits on both strands."""
    train, held_out = (both(part) for part in parts)
    kmers = {
        "canonical 4-mers": lambda x: canonical_frequencies(x, K),
        "plain 4-mers": lambda x: counts(x, K).astype(np.float32),
    }
    for name, read in kmers.items():
        yield name, split(read(train.samples), read(held_out.samples))
    for name, one in zip(names, probed, strict=True):
        for origin in origins:
            for found in of_discriminator(one, origin, taps_of(one, taps), train, held_out, silent):
                called = f"{name}, {found.name}{'' if origin == 'run' else ', untrained'}"
                yield called, split(found.train, found.held_out)


def split(train: np.ndarray, held_out: np.ndarray) -> Sides:
    """Standardised features, by what they are of."""
    scaled = classifiers.standardized(train, train, held_out)
    return Sides(*(half for part in scaled for half in np.split(part, 2)))


def figures(
    sides: Sides,
    parts: list[Labeled],
    rows: Int[np.ndarray, "draws rows"],
    per_class: int,
    augmented: bool,
) -> Figures:
    """Learn from each draw's labelled fragments, and judge both strands of held-out ones."""
    found = Figures([], [])
    for chosen in rows:
        learnt, labels = sides.train[chosen], parts[0].labels[chosen]
        if augmented:
            learnt = np.concatenate([learnt, sides.train_turned[chosen]])
            labels = np.tile(labels, 2)
        asked = np.concatenate([sides.held_out, sides.held_out_turned])
        said = classifiers.logistic_regression(learnt, labels, asked, per_class, 0)
        as_it_is, turned = np.split(said, 2)
        found.accuracies.append(float(np.mean(as_it_is == parts[1].labels)))
        found.changes.append(float(np.mean(as_it_is != turned)))
    return found


def read_config(root: Path) -> Experiment | Pretraining:
    """The config of a run, whichever procedure it is."""
    workdir = Workdir(root)
    pretrained = workdir.read_procedure() == Pretraining.procedure
    return workdir.read_config_as(Pretraining) if pretrained else workdir.read_config()


def main() -> None:
    """Read the runs, measure, print."""
    arguments = parse(Arguments, prog="python -m benchmarks.strands", description=__doc__)
    require(bool(arguments.runs), "runs", arguments.runs, "one or more folders of runs")
    probed = [load(root, None, None, Whereabouts()) for root in arguments.runs]
    kind = probed[0].splits.kind
    require(kind == DNA, "runs", str(arguments.runs[0]), "runs on DNA")
    config = read_config(arguments.runs[0])
    data = dataclasses.replace(config.data, length=arguments.length)
    splits = Splits(load_source(data, "train"), load_source(data, "test"))
    seed = arguments.seed
    parts = [
        draws.read(splits.train, arguments.train_n, seed),
        draws.read(splits.held_out, arguments.held_out_n, seed),
    ]
    most, classes = max(arguments.labels), len(splits.train.class_names)
    rows = draws.balanced(parts[0].labels, classes, most, arguments.draws, seed)
    table = Table("features", "learnt from", *map(str, arguments.labels), box=box.SIMPLE)
    names = [root.name for root in arguments.runs]
    if len(set(names)) < len(names):
        names = [str(root) for root in arguments.runs]
    if arguments.pooled:
        names = [f"{len(probed)} runs"] * len(probed)
    measured: dict[tuple[str, bool, int], Figures] = {}
    origins = ORIGINS[arguments.untrained]
    for name, sides in features_of(probed, names, arguments.taps, origins, parts):
        for augmented, size in itertools.product((False, True), arguments.labels):
            found = figures(sides, parts, rows[:, : size * classes], size, augmented)
            before = measured.setdefault((name, augmented, size), Figures([], []))
            before.accuracies.extend(found.accuracies)
            before.changes.extend(found.changes)
    for name, augmented in dict.fromkeys(key[:2] for key in measured):
        cells = [told(measured[name, augmented, size]) for size in arguments.labels]
        table.add_row(name, "both strands" if augmented else "as they are", *cells)
    Console(width=120).print(table)


def told(found: Figures) -> str:
    """Mean accuracy, its standard error and the mean share of changed verdicts."""
    mean, error = mean_and_error(found.accuracies)
    spread = "" if error is None else f" ± {error:.3f}"
    return f"{mean:.3f}{spread}, {np.mean(found.changes):.1%}"


if __name__ == "__main__":
    cli.run(main)
