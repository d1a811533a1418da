"""A study's declaration as data: variants x benchmarks x seeds, a budget, and what is measured."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cgan.config import Experiment
from configs import CONFIGS

Change = Callable[[Experiment], Experiment]


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


@dataclass(frozen=True)
class Variant:
    """One row of a table: a change of settings in each benchmark's experiment."""

    change: Change
    tuned: bool = False
    """Whether the weight of R1 and R2 is chosen, on seeds that are not reported."""


@dataclass(frozen=True)
class Figure:
    """One column of a table: a metric at a number of samples."""

    metric: str
    """Name of the metric in the catalogue."""
    heading: str
    text: str = "{:.3f}"
    """Format of the figure in tables."""
    n: int | None = None
    """Number of generated samples; None for the literature's."""

    @property
    def key(self) -> str:
        """Name of the figure in rows of results."""
        return self.metric if self.n is None else f"{self.metric}@{self.n}"


@dataclass(frozen=True)
class Benchmark:
    """One experiment of `configs/`, at an equal budget for all variants."""

    total_nimg: int
    """Images that each run sees in training."""
    figures: tuple[Figure, ...]
    """Figures that are measured of each run."""
    change: Change = as_it_is
    """Change of settings for all variants, before their own."""


@dataclass(frozen=True)
class Tuning:
    """Settings of how a penalty's weight is chosen: the one with the smallest mean figure."""

    factors: tuple[float, ...] = (0.2, 1.0, 5.0)
    """Factors on the experiment's own weights of R1 and R2."""
    seeds: tuple[int, ...] = (100, 101, 102)
    """Seeds of the tuning runs, none of which is ever reported."""


SEEDS_AT_MOST = 100
"""Most reported seeds, from 0 on; those of tuning start here."""


@dataclass(frozen=True)
class Study:
    """A grid of runs, what is measured of them, and how they are compared."""

    summary: str
    """Summary of the study in one line."""
    variants: dict[str, Variant]
    benchmarks: dict[str, Benchmark]
    """Benchmarks by the experiment's name in `configs/`."""
    baseline: str
    """Name of the variant that the others are compared with, seed by seed."""
    seeds: int = 5
    """Number of seeds, from 0 on, of which each is a run."""
    judge: str = "reverse_kl_nats"
    """Key of the figure that chooses penalties, is tested, and is drawn: smaller is better."""
    tuning: Tuning = field(default_factory=Tuning)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the variants of each table, under the baseline; empty for one table of all."""

    def __post_init__(self) -> None:
        assert self.baseline in self.variants, f"{self.baseline} is no variant"
        assert 0 < self.seeds <= SEEDS_AT_MOST <= min(self.tuning.seeds)
        for name, benchmark in self.benchmarks.items():
            assert name in CONFIGS, f"{name} is no experiment"
            assert self.judge in {figure.key for figure in benchmark.figures}

    @property
    def tables(self) -> dict[str, tuple[str, ...]]:
        """Names of the variants of each table, the baseline first."""
        groups = self.groups or {"": tuple(self.variants)}
        first = self.baseline
        return {
            title: (first, *(name for name in names if name != first))
            for title, names in groups.items()
        }

    def figures(self, benchmark: str, seed: int = 0) -> tuple[Figure, ...]:
        """Figures that are measured of a run.

        Where its seed is one for tuning: the figure that decides, alone.
        """
        figures = self.benchmarks[benchmark].figures
        if seed < SEEDS_AT_MOST:
            return figures
        return tuple(figure for figure in figures if figure.key == self.judge)

    def experiment(self, benchmark: str, variant: str, factor: float | None) -> Experiment:
        """The experiment of a run, but for its seed."""
        declared = self.benchmarks[benchmark]
        config = self.variants[variant].change(declared.change(CONFIGS[benchmark]))
        if factor is not None:
            penalty, weights = config.penalty, ("r1", "r2")
            scaled = {name: factor * getattr(penalty, name) for name in weights}
            config = dataclasses.replace(config, penalty=dataclasses.replace(penalty, **scaled))
        return dataclasses.replace(config, total_nimg=declared.total_nimg)
