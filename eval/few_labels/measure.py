"""Accuracies of all classifiers on all representations, at each number of labels, draw by draw."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from cgan.networks import TRUNK
from eval.few_labels import classifiers, draws, fine_tuning
from eval.few_labels.draws import Labeled
from eval.few_labels.probed import Probed
from eval.few_labels.record import Accuracy, Method
from eval.few_labels.representations import (
    Origin,
    Representation,
    baselines,
    baselines_of,
    of_discriminator,
    taps_of,
)
from eval.gather import Advance
from eval.records.spread import mean_and_error

SIZES = (1, 2, 5, 10, 50)
"""Labels a class unless a user asks for others."""
READING = 2
"""Networks that read all samples: the run's and the untrained one."""


BASELINES: dict[Method, Origin] = {
    "nearest_neighbor": "none",
    "logistic_regression": "none",
    "fine_tuning": "untrained",
}
"""Whose accuracy a classifier's others are held against: that of pixels, or of training anew."""


class Plan(NamedTuple):
    """What is measured: on which samples, at how many labels, how often, of which maps."""

    train: Labeled
    held_out: Labeled
    sizes: tuple[int, ...]
    rows: Int[np.ndarray, "draws rows"]
    """Labelled samples of each draw: the first `classes * k` for k labels a class."""
    taps: tuple[str, ...]
    fine_tuned: bool
    classes: int
    seed: int
    baselines: int = 2
    """Representations that need no network."""

    @property
    def steps(self) -> int:
        """Steps of the progress bar: samples read, fits of classifiers."""
        read = READING * (len(self.train.samples) + len(self.held_out.samples))
        fits = len(self.rows) * len(self.sizes)
        return read + fits * (2 * (self.baselines + READING * len(self.taps)) + 2 * self.fine_tuned)

    def labelled(self, draw: int, size: int) -> Int[np.ndarray, " rows"]:
        """Rows of the samples whose labels a draw knows."""
        return self.rows[draw, : size * self.classes]


def plan(
    probed: Probed,
    sizes: tuple[int, ...],
    count: int,
    taps: tuple[str, ...],
    fine_tuned: bool,
    seed: int,
) -> Plan:
    """Read the samples and draw whose labels are known.

    Args:
        probed: the run.
        sizes: numbers of labels a class; empty for the usual ones.
        count: number of draws.
        taps: names of maps; empty for all.
        fine_tuned: whether to fine-tune as well.
        seed: of the draws.

    Raises:
        ConfigError: more labels than there are, or a tap that there is not.
    """
    chosen = taps_of(probed, taps)
    train = draws.read(probed.splits.train, draws.TRAIN_AT_MOST, seed, probed.window)
    held_out = draws.read(probed.splits.held_out, draws.HELD_OUT_AT_MOST, seed, probed.window)
    names = list(probed.splits.train.class_names)
    most, rarest = draws.most_per_class(train.labels, names)
    fitting = draws.choose_sizes(sizes, SIZES, most, rarest, len(train.labels))
    rows = draws.balanced(train.labels, len(names), max(fitting), count, seed)
    found = (train, held_out, fitting, rows, chosen, fine_tuned, len(names), seed)
    return Plan(*found, baselines_of(probed))


def measure(probed: Probed, plan: Plan, advance: Advance) -> list[Accuracy]:
    """Measure everything: a record for each classifier, representation and number of labels."""
    found: dict[tuple[Method, Origin, str, int], list[float]] = {}
    for representation in _representations(probed, plan, advance):
        for method, accuracies in _classified(representation, plan, advance):
            for size, values in accuracies.items():
                found[method, representation.origin, representation.name, size] = values
    if plan.fine_tuned:
        for origin, accuracies in _fine_tuned(probed, plan, advance):
            for size, values in accuracies.items():
                found["fine_tuning", origin, TRUNK, size] = values
    return [_record(probed, plan, key, values, found) for key, values in found.items()]


def _representations(probed: Probed, plan: Plan, advance: Advance) -> Iterator[Representation]:
    yield from baselines(probed, plan.train, plan.held_out)
    for origin in ("untrained", "run"):
        sides = (plan.train, plan.held_out)
        yield from of_discriminator(probed, origin, plan.taps, *sides, advance)


BySize = dict[int, list[float]]
"""The accuracy of each draw, by the number of labels a class."""


def _by_size(plan: Plan, accuracy: Callable[[int, int], float], advance: Advance) -> BySize:
    found: BySize = {}
    for size in plan.sizes:
        found[size] = []
        for draw in range(len(plan.rows)):
            found[size].append(accuracy(draw, size))
            advance(1)
    return found


def _classified(
    of: Representation, plan: Plan, advance: Advance
) -> Iterator[tuple[Method, BySize]]:
    labels, truth = plan.train.labels, plan.held_out.labels
    train, held_out = classifiers.standardized(
        of.train, of.train, of.held_out, proportioned=of.proportioned
    )

    def by_neighbor(draw: int, size: int) -> float:
        rows = plan.labelled(draw, size)
        found = classifiers.nearest_neighbor(of.train[rows], labels[rows], of.held_out)
        return float(np.mean(found == truth))

    def by_regression(draw: int, size: int) -> float:
        rows = plan.labelled(draw, size)
        found = classifiers.logistic_regression(
            train[rows], labels[rows], held_out, size, plan.seed
        )
        return float(np.mean(found == truth))

    yield "nearest_neighbor", _by_size(plan, by_neighbor, advance)
    yield "logistic_regression", _by_size(plan, by_regression, advance)


def _fine_tuned(probed: Probed, plan: Plan, advance: Advance) -> Iterator[tuple[Origin, BySize]]:
    """From weights drawn afresh, by the draw's number, and from the run's."""
    most = plan.rows.shape[1]
    accuracy = fine_tuning.fine_tuning(probed, plan.train, plan.held_out, most)

    def from_scratch(draw: int, size: int) -> float:
        return accuracy(fine_tuning.afresh(probed, draw), plan.labelled(draw, size), draw)

    def from_run(draw: int, size: int) -> float:
        return accuracy(probed.trained, plan.labelled(draw, size), draw)

    yield "untrained", _by_size(plan, from_scratch, advance)
    yield "run", _by_size(plan, from_run, advance)


def _record(
    probed: Probed,
    plan: Plan,
    key: tuple[Method, Origin, str, int],
    values: list[float],
    found: dict[tuple[Method, Origin, str, int], list[float]],
) -> Accuracy:
    method, origin, name, size = key
    baseline = BASELINES[method]
    over, over_error = None, None
    if origin not in ("none", baseline):
        # The first of them: pixels stand before their components.
        other = next(
            of
            for (by, whose, _, at), of in found.items()
            if (by, whose, at) == (method, baseline, size)
        )
        over, over_error = mean_and_error(np.subtract(values, other).tolist())
    mean, error = mean_and_error(values)
    return Accuracy(
        method=method,
        origin=origin,
        features=name,
        labels_per_class=size,
        accuracy=mean,
        standard_error=error,
        over_baseline=over,
        over_baseline_standard_error=over_error,
        accuracies=tuple(values),
        held_out_n=len(plan.held_out.labels),
        train_n=len(plan.train.labels),
        classes=plan.classes,
        seed=plan.seed,
        checkpoint_nimg=probed.nimg,
        source=probed.splits.train.name,
        with_labels=probed.has_labels,
    )
