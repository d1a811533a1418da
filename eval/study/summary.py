"""Tables of a study from its rows: the lines of each, with spreads and comparisons."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from eval.study.declare import Figure, Study
from eval.study.plan import Choice, choices, reported
from eval.study.results import BASELINES, PERFECT, REAL, Row, is_run, task_of
from eval.study.statistics import Paired, Spread, holm, paired, spread


class Line(NamedTuple):
    """One line of a table: a variant on one benchmark."""

    variant: str
    penalty: float | None
    """Weight of R1 and R2 alike; None where there is none, or where they differ."""
    choice: Choice | None
    """Choice of the penalty's weight; None where it was not tuned."""
    values: dict[str, dict[int, float]]
    """Values of each figure by key and seed, as far as they are defined."""
    runs: int
    failed: int
    against: Paired | None
    """Difference of the deciding figure to the baseline's, p adjusted; None for the baseline."""

    def spread(self, key: str) -> Spread | None:
        """Mean and standard deviation of a figure over the seeds."""
        return spread(list(self.values.get(key, {}).values()))


class Table(NamedTuple):
    """A table of variants on one benchmark, the baseline first, and the rows beside them."""

    benchmark: str
    title: str
    """Title of the group; empty where there is one for all."""
    figures: tuple[Figure, ...]
    judge: Figure
    lines: list[Line]
    baselines: dict[str, dict[str, Spread]]
    """Figures of real data, a perfect sampler and noise, by name and key."""
    facts: Row
    """Row of real data: which data they were, what read their classes and how well."""


def tables(study: Study, rows: Sequence[Row], seeds: int) -> list[Table]:
    """Tables for each group and benchmark with two lines, or with all that there are."""
    chosen = choices(study, rows)
    wanted = set(reported(study, chosen, seeds))
    runs: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if is_run(row) and task_of(row) in wanted:
            runs[row["benchmark"], row["variant"]].append(row)
    found = []
    for title, names in study.tables.items():
        for benchmark, declared in study.benchmarks.items():
            present = [name for name in names if runs[benchmark, name]]
            if len(present) < min(2, len(names)):
                continue
            lines = [
                _line(study, benchmark, name, runs[benchmark, name], chosen) for name in present
            ]
            bare = {row["variant"]: row for row in rows if row["benchmark"] == benchmark}
            found.append(
                Table(
                    benchmark,
                    title,
                    declared.figures,
                    next(f for f in declared.figures if f.key == study.judge),
                    _compared(lines, study.judge, study.baseline),
                    {name: _of_baseline(bare[name], declared.figures) for name in BASELINES}
                    if all(name in bare for name in BASELINES)
                    else {},
                    bare.get(REAL, {}),
                )
            )
    return found


def _line(
    study: Study,
    benchmark: str,
    variant: str,
    runs: Sequence[Row],
    chosen: dict[tuple[str, str], Choice],
) -> Line:
    choice = chosen.get((benchmark, variant))
    config = study.experiment(benchmark, variant, None if choice is None else choice.factor)
    r1, r2 = config.penalty.r1, config.penalty.r2
    ended = [run for run in runs if "failed" not in run]
    values = {
        figure.key: {
            run["seed"]: run[figure.key] for run in ended if run.get(figure.key) is not None
        }
        for figure in study.benchmarks[benchmark].figures
    }
    penalty = r1 if r1 == r2 and r1 > 0 else None
    return Line(variant, penalty, choice, values, len(runs), len(runs) - len(ended), None)


def _compared(lines: list[Line], judge: str, baseline: str) -> list[Line]:
    """The lines with their differences to the baseline's, tested together."""
    base = next((line.values[judge] for line in lines if line.variant == baseline), {})
    against = {
        line.variant: paired(line.values[judge], base) for line in lines if line.variant != baseline
    }
    tested = {name: pair for name, pair in against.items() if pair is not None}
    adjusted = dict(zip(tested, holm([pair.p for pair in tested.values()]), strict=True))
    return [
        line._replace(against=tested[line.variant]._replace(p=adjusted[line.variant]))
        if line.variant in tested
        else line
        for line in lines
    ]


def _of_baseline(row: Row, figures: Sequence[Figure]) -> dict[str, Spread]:
    spreads = row.get("spread", {}) if row["variant"] == PERFECT else {}
    return {
        figure.key: Spread(row[figure.key], spreads.get(figure.key))
        for figure in figures
        if row.get(figure.key) is not None
    }
