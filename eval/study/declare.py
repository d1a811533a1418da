"""A study's declaration as data: variants x benchmarks x seeds, a budget, and what is measured."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from cgan.config import Experiment, RunConfig
from configs import CONFIGS
from eval.study.donor import A_DONOR, Change, Donor, in_its_folder


def as_it_is(config: Experiment) -> Experiment:
    """A change of settings that changes nothing."""
    return config


def change(*earlier: Change, **sections: dict[str, Any]) -> Change:
    """A change of some settings after others: `change(objective={"loss": "hinge"})`."""

    def apply(config: Experiment) -> Experiment:
        for step in earlier:
            config = step(config)
        fields = {
            name: dataclasses.replace(getattr(config, name), **values)
            for name, values in sections.items()
        }
        return dataclasses.replace(config, **fields)

    return apply


def settings(*earlier: Change, **values: Any) -> Change:
    """A change of settings that stand in no section, after others: `settings(init_frozen=1)`."""

    def apply(config: Experiment) -> Experiment:
        for step in earlier:
            config = step(config)
        return dataclasses.replace(config, **values)

    return apply


def penalties(*factors: float) -> dict[str, Change]:
    """Trials of the weight of R1 and R2, named by the factor on the experiment's own."""

    def scaled(factor: float) -> Change:
        def apply(config: Experiment) -> Experiment:
            penalty = config.penalty
            return change(penalty={"r1": factor * penalty.r1, "r2": factor * penalty.r2})(config)

        return apply

    return {f"{factor:g}": scaled(factor) for factor in factors}


@dataclass(frozen=True)
class Variant:
    """One row of a table: a change of settings in each benchmark's experiment."""

    change: Change
    trials: dict[str, Change] = field(default_factory=dict)
    """Changes after the variant's own, by name, of which one is chosen; none where it is not tuned.

    They are tried on seeds that are not reported.
    """
    ordered: bool = True
    """Whether the first and the last trial are edges, beyond which others might do better."""
    donor: Donor | None = None
    """A run that is trained before each of the variant's, which takes weights of it."""


SCORE_CHANGE, SCORE_CHANGE_SHARE = "score_worst_change", "score_worst_change_share"
"""Figures of the discriminator: how far its score falls in a ball around reals.

The share is of what the scores of two reals differ by, since scores of runs are of other scales.
"""
ATTACKED = frozenset({SCORE_CHANGE, SCORE_CHANGE_SHARE})
"""Figures that have a radius."""


@dataclass(frozen=True)
class Figure:
    """One column of a table: a metric at a number of samples, or of the discriminator.

    A figure of the discriminator says in which radius it is attacked, as `eval robust` does:
    `Figure("score_worst_change", "worst fall", radius=0.5)`.
    """

    metric: str
    """Name of the metric in the catalogue, or of what is attacked."""
    heading: str
    text: str = "{:.3f}"
    """Format of the figure in tables."""
    n: int | None = None
    """Number of generated samples; None for the literature's."""
    more_is_better: bool = False
    at_the_end: bool = False
    """Measure it of finished runs alone, where it takes too long to be looked at on the way."""
    radius: float | None = None
    """Radius of the ball in which the score is attacked around reals; None of a metric."""

    def __post_init__(self) -> None:
        assert (self.radius is not None) == (self.metric in ATTACKED)
        assert self.radius is None or self.n is None

    @property
    def key(self) -> str:
        """Name of the figure in rows of results."""
        at = self.n if self.radius is None else f"{self.radius:g}"
        return self.metric if at is None else f"{self.metric}@{at}"


@dataclass(frozen=True)
class Benchmark:
    """One experiment of `configs/`, at an equal budget for all variants."""

    total_nimg: int
    """Images that each run sees in training."""
    figures: tuple[Figure, ...]
    """Figures that are measured of each run, at each of its budgets."""
    experiment: str | None = None
    """Name of the experiment in `configs/`; the benchmark's own unless given."""
    change: Change = as_it_is
    """Change of settings for all variants, before their own."""
    budgets: tuple[int, ...] = ()
    """Images, ascending and fewer than all, at which runs are measured on their way too.

    What moves over a run's length moves over all of it: where the learning rate falls, it has not
    come down at an earlier budget, and a run of that length alone would score otherwise.
    """
    tuned_at: int | None = None
    """Images at which trials are chosen, and that end their runs; all unless given."""
    tuned_on: str | None = None
    """Name of another benchmark whose trials choose here too; its own unless given."""
    step_time: dict[str, float] = field(default_factory=dict)
    """Time of a step of each variant as a ratio to the baseline's, measured; 1 unless given.

    With any, there is a table at equal time beside that of each budget.
    """
    seeds: int | None = None
    """Number of seeds, from 0 on; the study's unless given, 0 where trials are chosen alone."""
    without: tuple[str, ...] = ()
    """Names of variants that are not run here."""
    held_out: bool = False
    """Compare samples with held-out ones, and not with the train split that some were learnt of."""

    @property
    def all_budgets(self) -> tuple[int, ...]:
        """Images at which runs are measured, the last of which ends them."""
        return (*self.budgets, self.total_nimg)

    @property
    def on_the_way(self) -> tuple[Figure, ...]:
        """Figures that are measured of runs that have not ended too."""
        return tuple(figure for figure in self.figures if not figure.at_the_end)


@dataclass(frozen=True)
class Tuning:
    """Settings of how trials are chosen: the one with the smallest mean figure."""

    seeds: tuple[int, ...] = (100, 101, 102)
    """Seeds of the tuning runs, none of which is ever reported."""
    trials: int | None = None
    """Number of trials that each tuned variant must have; None for any."""


class Point(NamedTuple):
    """Where a variant on a benchmark stands in a picture of curves."""

    panels: str
    """Name of the row of panels, which is that of its horizontal axis."""
    curve: str
    x: float


@dataclass(frozen=True)
class Curves:
    """A picture of figures against a number: a row of panels for each axis, one for each figure."""

    figures: tuple[str, ...]
    """Keys of the figures."""
    points: Callable[[str, str], Sequence[Point]]
    """Function of a benchmark's and a variant's name to where they stand; empty for nowhere."""


SEEDS_AT_MOST = 100
"""Most reported seeds, from 0 on; those of tuning start here."""


@dataclass(frozen=True)
class Study:
    """A grid of runs, what is measured of them, and how they are compared."""

    summary: str
    """Summary of the study in one line."""
    variants: dict[str, Variant]
    benchmarks: dict[str, Benchmark]
    """Benchmarks by name: that of an experiment in `configs/`, unless they name another."""
    baseline: str
    """Name of the variant that the others are compared with, seed by seed."""
    seeds: int = 5
    """Number of seeds, from 0 on, of which each is a run."""
    decides_by: str = "reverse_kl_nats"
    """Key of the figure that decides: chooses trials, is tested and drawn; smaller is better."""
    contender: str | None = None
    """Name of a variant that is compared with every other too; None for none."""
    contends_by: tuple[str, ...] = ("modes_captured_at_1",)
    """Keys of the figures by which it is compared, beside the one that decides."""
    tuning: Tuning = field(default_factory=Tuning)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the variants of each table, under the baseline; empty for one table of all."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Pairs of variants, the first of which is compared with the second by more than one figure."""
    pairs_by: tuple[str, ...] = ()
    """Keys of the figures by which they are compared."""
    curves: Curves | None = None
    """A picture of curves in place of that of the figure that decides; None for that one."""

    def __post_init__(self) -> None:
        assert self.baseline in self.variants, f"{self.baseline} is no variant"
        assert self.contender is None or self.contender in self.variants
        assert min(self.tuning.seeds) >= SEEDS_AT_MOST
        assert {name for pair in self.pairs for name in pair} <= self.variants.keys()
        for name, variant in self.variants.items():
            right = self.tuning.trials in (None, len(variant.trials))
            assert right or not variant.trials, f"{name} has {len(variant.trials)} trials"
        for name, benchmark in self.benchmarks.items():
            assert (benchmark.experiment or name) in CONFIGS, f"{name} is no experiment"
            self._check_tuning(name)
            wanted = {self.decides_by, *(self.pairs_by if self.seeds_of(name) else ())}
            assert wanted <= {figure.key for figure in benchmark.figures}
            assert all(before < after for before, after in pairwise((0, *benchmark.all_budgets)))
            assert {*benchmark.step_time, *benchmark.without} <= self.variants.keys()
            assert all(ratio > 0 for ratio in benchmark.step_time.values())
            assert self.baseline not in benchmark.without
            assert 0 < (benchmark.seeds or self.seeds) <= SEEDS_AT_MOST
            chooses = any(other.tuned_on == name for other in self.benchmarks.values())
            assert self.seeds_of(name) or chooses, f"{name} has no seeds and chooses no trials"
            self._check_donors(name)

    def _check_tuning(self, benchmark: str) -> None:
        """Trials are chosen at some of the images, or all on another benchmark."""
        declared = self.benchmarks[benchmark]
        assert 0 < (declared.tuned_at or declared.total_nimg) <= declared.total_nimg
        if declared.tuned_on is not None:
            other = self.benchmarks[declared.tuned_on]
            assert declared.tuned_at is None
            assert other.tuned_on is None
            tuned = {name for name, of in self.variants_of(benchmark).items() if of.trials}
            assert tuned <= self.variants_of(declared.tuned_on).keys()

    def _check_donors(self, benchmark: str) -> None:
        """A run has images of its own left after its donor's, at the earliest budget too."""
        declared = self.benchmarks[benchmark]
        for name, variant in self.variants_of(benchmark).items():
            if variant.donor is not None:
                assert name not in declared.step_time
                first = min(declared.tuned_at or declared.total_nimg, *declared.all_budgets)
                assert 0 < self.donor_nimg(benchmark, name) < first

    @property
    def tables(self) -> dict[str, tuple[str, ...]]:
        """Names of the variants of each table, the baseline first."""
        groups = self.groups or {"": tuple(self.variants)}
        first = self.baseline
        return {
            title: (first, *(name for name in names if name != first))
            for title, names in groups.items()
        }

    @property
    def runs(self) -> int:
        """Number of runs, those for tuning among them."""
        return sum(
            self.seeds_of(benchmark) + len(self.trials_of(benchmark, name)) * len(self.tuning.seeds)
            for benchmark in self.benchmarks
            for name in self.variants_of(benchmark)
        )

    def seeds_of(self, benchmark: str) -> int:
        """Number of reported seeds on a benchmark."""
        seeds = self.benchmarks[benchmark].seeds
        return self.seeds if seeds is None else seeds

    def variants_of(self, benchmark: str) -> dict[str, Variant]:
        """The variants that are run on a benchmark."""
        without = self.benchmarks[benchmark].without
        return {name: of for name, of in self.variants.items() if name not in without}

    def trials_of(self, benchmark: str, variant: str) -> dict[str, Change]:
        """The trials that are run on a benchmark; none where another one's choose."""
        return {} if self.benchmarks[benchmark].tuned_on else self.variants[variant].trials

    def nimgs(self, benchmark: str, variant: str, seed: int = 0) -> tuple[int, ...]:
        """Images at which a run is measured: the budgets, and what takes the baseline's time.

        Where its seed is one for tuning: the budget that chooses, alone.
        """
        declared = self.benchmarks[benchmark]
        if seed >= SEEDS_AT_MOST:
            return (declared.tuned_at or declared.total_nimg,)
        budgets = declared.all_budgets
        in_time = (self.nimg_in_time(benchmark, variant, budget) for budget in budgets)
        return tuple(sorted({*budgets, *in_time}))

    def nimg_in_time(self, benchmark: str, variant: str, budget: int) -> int:
        """Images that a variant sees while the baseline sees those of a budget.

        In whole dispatches, rounded down, but for at least one. A variant that is no slower than
        the baseline is measured at the budget itself: no run goes beyond the images of all.
        """
        ratio = self.benchmarks[benchmark].step_time.get(variant, 1.0)
        if ratio <= 1:
            return budget
        dispatch = self.experiment(benchmark, variant, None).nimg_per_dispatch
        return max(1, int(budget / ratio / dispatch)) * dispatch

    def figures(self, benchmark: str, nimg: int | None = None, seed: int = 0) -> tuple[Figure, ...]:
        """Figures that are measured of a run at so many images, at its end unless given.

        Where its seed is one for tuning: the figure that decides, alone.
        """
        declared = self.benchmarks[benchmark]
        if seed >= SEEDS_AT_MOST:
            return tuple(figure for figure in declared.figures if figure.key == self.decides_by)
        return declared.figures if nimg in (None, declared.total_nimg) else declared.on_the_way

    def experiment(
        self, benchmark: str, variant: str, trial: str | None, donor: Path | None = None
    ) -> Experiment:
        """The experiment of a run, but for its seed; with a donor's images it sees all of them.

        Args:
            benchmark: its name.
            variant: its name.
            trial: name of one of the variant's; None for none.
            donor: folder of the run that weights are taken of, where the variant has one; a name
                that no run has unless given.
        """
        declared, of = self.benchmarks[benchmark], self.variants[variant]
        config = self._alone(benchmark, variant)
        if of.donor is not None:
            config = of.donor.take(donor or A_DONOR / variant)(config)
        if trial is not None:
            config = of.trials[trial](config)
        left = declared.total_nimg - self.donor_nimg(benchmark, variant)
        return dataclasses.replace(config, total_nimg=left)

    def donor(self, benchmark: str, variant: str, seed: int) -> RunConfig | None:
        """The run that is trained before one of this seed; None where the variant has none.

        It learns what the run will, limits included, unless the donor says otherwise.
        """
        of = self.variants[variant].donor
        if of is None:
            return None
        config = of.of(self._alone(benchmark, variant))
        return in_its_folder(config, self.donor_nimg(benchmark, variant), seed)

    def donor_nimg(self, benchmark: str, variant: str) -> int:
        """Images that a run's donor sees, in whole dispatches; 0 without one."""
        donor = self.variants[variant].donor
        if donor is None:
            return 0
        dispatch = self._alone(benchmark, variant).nimg_per_dispatch
        return round(donor.share * self.benchmarks[benchmark].total_nimg / dispatch) * dispatch

    def _alone(self, benchmark: str, variant: str) -> Experiment:
        """The experiment of a run that takes nothing of another."""
        declared = self.benchmarks[benchmark]
        config = declared.change(CONFIGS[declared.experiment or benchmark])
        return self.variants[variant].change(config)
