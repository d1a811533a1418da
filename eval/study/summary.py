"""Tables of a study from its rows: the lines of each, with spreads and comparisons."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eval.study.clients import CLIENTS
from eval.study.declare import Figure, Study
from eval.study.plan import Choice, Choices, choices, reported
from eval.study.results import BASELINES, PERFECT, REAL, Row, is_run, task_of
from eval.study.statistics import Paired, Spread, paired_together, spread


class Line(NamedTuple):
    """One line of a table: a variant on one benchmark."""

    variant: str
    nimg: int
    """Images that each run has seen."""
    penalty: float | None
    """Weight of R1 and R2 alike; None where there is none, or where they differ."""
    choice: Choice | None
    """Choice among the variant's trials; None where it was not tuned."""
    tunes_penalty: bool
    """Whether the trials differ in penalties alone, so that the weight tells which was chosen."""
    values: dict[str, dict[int, float]]
    """Values of each figure by key and seed, as far as they are defined."""
    runs: int
    failed: int
    against: Paired | None
    """The figure that decides less the baseline's; p is adjusted. None for the baseline itself."""
    of_clients: tuple[dict[str, list[float]], ...] = ()
    """Values of each figure over seeds of each client alone, where a run's are their means."""

    def spread(self, key: str) -> Spread | None:
        """Mean and standard deviation of a figure over the seeds."""
        return spread(list(self.values.get(key, {}).values()))


class Table(NamedTuple):
    """A table of variants on one benchmark, the baseline first, and the rows beside them."""

    benchmark: str
    title: str
    """Name of the group of variants; empty where there is one for all."""
    budget: int
    """Images that the baseline's runs have seen."""
    in_time: bool
    """Whether the others have seen what takes the same time, in place of as many images."""
    is_last: bool
    """Whether it has the runs at their end, at equal images."""
    figures: tuple[Figure, ...]
    decides_by: Figure
    """The one that is tested and drawn."""
    lines: list[Line]
    lead: dict[str, dict[str, Paired]]
    """Contender's figures less those of each other variant, by key and that one's name.

    The p-values of a figure are adjusted together. Empty without a contender.
    """
    pairs: dict[str, dict[tuple[str, str], Paired]]
    """Differences of the study's pairs, first less second, by figure; p as for the lead."""
    baselines: dict[str, dict[str, Spread]]
    """Figures by their keys, of real data, a perfect sampler and noise."""
    facts: Row
    """Row of real data: which data they were, what read their classes and how well."""


def tables(study: Study, rows: Sequence[Row]) -> list[Table]:
    """Tables for each group, benchmark and budget with two lines, or with all that there are.

    Those at equal time stand behind those at equal images, where some variant is slower.
    """
    chosen = choices(study, rows)
    wanted = set(reported(study, chosen))
    runs: dict[tuple[str, str, int], list[Row]] = defaultdict(list)
    for row in rows:
        if is_run(row) and task_of(row) in wanted:
            runs[row["benchmark"], row["variant"], row["nimg"]].append(row)
    found = []
    for title, names in study.tables.items():
        for benchmark, declared in study.benchmarks.items():
            bare = {row["variant"]: row for row in rows if row["benchmark"] == benchmark}
            for budget, nimgs in _columns(study, benchmark, names):
                lines = [
                    _line(study, benchmark, name, nimg, runs[benchmark, name, nimg], chosen)
                    for name, nimg in nimgs.items()
                    if runs[benchmark, name, nimg]
                ]
                if len(lines) < min(2, len(nimgs)):
                    continue
                in_time = set(nimgs.values()) != {budget}
                is_last = budget == declared.total_nimg and not in_time
                figures = declared.figures if is_last else declared.on_the_way
                found.append(
                    Table(
                        benchmark,
                        title,
                        budget,
                        in_time,
                        is_last,
                        figures,
                        next(f for f in figures if f.key == study.decides_by),
                        _compared(lines, study.decides_by, study.baseline),
                        _lead(study, lines, figures),
                        _pairs(study, lines, figures),
                        {name: _of_baseline(bare[name], figures) for name in BASELINES}
                        if all(name in bare for name in BASELINES)
                        else {},
                        bare.get(REAL, {}),
                    )
                )
    return found


def _columns(
    study: Study, benchmark: str, names: Sequence[str]
) -> Iterator[tuple[int, dict[str, int]]]:
    """Budgets, and the images of each variant there: as many, then what takes the same time."""
    here = [name for name in names if name in study.variants_of(benchmark)]
    for budget in study.benchmarks[benchmark].all_budgets:
        yield budget, dict.fromkeys(here, budget)
        in_time = {name: study.nimg_in_time(benchmark, name, budget) for name in here}
        if set(in_time.values()) != {budget}:
            yield budget, in_time


def _line(
    study: Study,
    benchmark: str,
    variant: str,
    nimg: int,
    runs: Sequence[Row],
    chosen: Choices,
) -> Line:
    choice = chosen.get((benchmark, variant))
    config = study.experiment(benchmark, variant, None if choice is None else choice.trial)
    tried = [
        study.experiment(benchmark, variant, trial) for trial in study.variants[variant].trials
    ]
    same = [dataclasses.replace(each, penalty=config.penalty) == config for each in tried]
    r1, r2 = config.penalty.r1, config.penalty.r2
    ended = [run for run in runs if "failed" not in run]
    values = {
        figure.key: {
            run["seed"]: run[figure.key] for run in ended if run.get(figure.key) is not None
        }
        for figure in study.benchmarks[benchmark].figures
    }
    penalty = r1 if r1 == r2 and r1 > 0 else None
    failed = len(runs) - len(ended)
    counted = (len(runs), failed)
    each = _of_clients(ended, list(values))
    return Line(variant, nimg, penalty, choice, all(same), values, *counted, None, each)


def _of_clients(runs: Sequence[Row], keys: Sequence[str]) -> tuple[dict[str, list[float]], ...]:
    """Figures of each client over the runs, whose own figures are means over clients."""
    told = [run[CLIENTS] for run in runs if CLIENTS in run]
    return tuple(
        {key: [of[key] for of in seeds if of.get(key) is not None] for key in keys}
        for seeds in zip(*told, strict=True)
    )


def _compared(lines: list[Line], decides_by: str, baseline: str) -> list[Line]:
    """The lines with their differences to the baseline's, tested together."""
    base = next((line.values[decides_by] for line in lines if line.variant == baseline), {})
    others = [line for line in lines if line.variant != baseline]
    tested = paired_together({line.variant: (line.values[decides_by], base) for line in others})
    return [line._replace(against=tested.get(line.variant)) for line in lines]


def _lead(
    study: Study, lines: Sequence[Line], figures: Sequence[Figure]
) -> dict[str, dict[str, Paired]]:
    """The contender's differences to each other line, by figure; empty where it has no line."""
    keys = (*study.contends_by, study.decides_by)
    return {
        figure.key: paired_together(
            {
                line.variant: (own.values[figure.key], line.values[figure.key])
                for line in lines
                if line.variant != study.contender
            }
        )
        for own in lines
        if own.variant == study.contender
        for figure in figures
        if figure.key in keys
    }


def _pairs(
    study: Study, lines: Sequence[Line], figures: Sequence[Figure]
) -> dict[str, dict[tuple[str, str], Paired]]:
    """The differences of pairs that have lines, by figure."""
    of = {line.variant: line.values for line in lines}
    here = {
        f"{ours} less {theirs}": (ours, theirs)
        for ours, theirs in study.pairs
        if ours in of and theirs in of
    }
    found = {}
    for figure in figures:
        if here and figure.key in study.pairs_by:
            sides = {
                name: (of[ours][figure.key], of[theirs][figure.key])
                for name, (ours, theirs) in here.items()
            }
            tested = paired_together(sides)
            found[figure.key] = {here[name]: pair for name, pair in tested.items()}
    return found


def _of_baseline(row: Row, figures: Sequence[Figure]) -> dict[str, Spread]:
    spreads = row.get("spread", {}) if row["variant"] == PERFECT else {}
    return {
        figure.key: Spread(row[figure.key], spreads.get(figure.key))
        for figure in figures
        if row.get(figure.key) is not None
    }
