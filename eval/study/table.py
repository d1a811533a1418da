"""Tables of a study as Markdown."""

from collections.abc import Sequence

from eval.study.declare import Figure, Study
from eval.study.results import BASELINES
from eval.study.statistics import Paired, Spread
from eval.study.summary import Line, Table

UNDEFINED = "undefined"


def markdown(study: Study, tables: Sequence[Table]) -> str:
    """Write the tables as Markdown, each under its title and what its runs share."""
    return "\n\n".join(_table(study, table) for table in tables)


def _table(study: Study, table: Table) -> str:
    tuned = any(line.choice is not None for line in table.lines)
    compares = len(study.variants) > 1
    title = table.benchmark if not table.title else f"{table.benchmark}: {table.title}"
    heads = ["variant", *(["R1 = R2"] if tuned else []), "seeds"]
    heads += [figure.heading for figure in table.figures]
    heads += [f"{table.judge.heading} less {study.baseline}'s"] if compares else []
    lines = [f"**{title}** {_caption(study, table)}", "", _row(heads), "|---" * len(heads) + "|"]
    for line in table.lines:
        cells = [line.variant, *([_penalty(line)] if tuned else []), _seeds(line)]
        cells += [_spread(figure, line.spread(figure.key)) for figure in table.figures]
        cells += [_against(table.judge, line.against)] if compares else []
        lines.append(_row(cells))
    for name in BASELINES if table.baselines else ():
        of = table.baselines[name]
        cells = [f"*{name}*", *([""] if tuned else []), ""]
        cells += [_spread(f, of[f.key]) if f.key in of else "" for f in table.figures]
        lines.append(_row([*cells, *([""] if compares else [])]))
    if tuned:
        lines += ["", _tuning(study, table)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _caption(study: Study, table: Table) -> str:
    parts = [f"{study.benchmarks[table.benchmark].total_nimg:,} images a run"]
    if source := table.facts.get("source"):
        parts.append(f"data `{source}`")
    if accuracy := table.facts.get("labeller_accuracy"):
        parts.append(f"modes read by a classifier that is right on {accuracy:.1%} held out")
    return f"({'; '.join(parts)})"


def _penalty(line: Line) -> str:
    if line.penalty is None:
        return "none"
    edge = line.choice is not None and line.choice.is_at_the_edge
    return f"{line.penalty:.3g}" + ("*" if edge else "")


def _seeds(line: Line) -> str:
    return f"{line.runs} ({line.failed} failed)" if line.failed else f"{line.runs}"


def _spread(figure: Figure, spread: Spread | None) -> str:
    if spread is None:
        return UNDEFINED
    mean = figure.text.format(spread.mean)
    return mean if spread.sd is None else f"{mean} ± {figure.text.format(spread.sd)}"


def _against(judge: Figure, pair: Paired | None) -> str:
    if pair is None:
        return ""
    sign = "+" if pair.mean > 0 else ""
    difference = f"{sign}{judge.text.format(pair.mean)} ± {judge.text.format(pair.error)}"
    p = "p < 0.001" if pair.p < 0.001 else f"p = {pair.p:.3f}"
    return f"{difference}, {p}"


def _tuning(study: Study, table: Table) -> str:
    """Words for each tuned variant's mean figure at each weight tried."""
    factors = ", ".join(f"{factor:g}" for factor in study.tuning.factors)
    seeds = ", ".join(map(str, study.tuning.seeds))
    told = []
    for line in table.lines:
        if line.choice is not None:
            means = [
                f"**{_number(table.judge, mean)}**"
                if factor == line.choice.factor
                else _number(table.judge, mean)
                for factor, mean in line.choice.means.items()
            ]
            told.append(f"{line.variant} {', '.join(means)}")
    return (
        f"Chosen penalties, of {factors} times the experiment's own, by the mean "
        f"{table.judge.heading} of seeds {seeds}: {'; '.join(told)}. `*`: at an edge of them."
    )


def _number(judge: Figure, mean: float) -> str:
    return "failed" if mean == float("inf") else judge.text.format(mean)


def how_to_read(study: Study, seeds: int) -> str:
    """Words for what the numbers of all the tables are."""
    spread = f"Mean ± standard deviation over seeds 0 to {seeds - 1}."
    if len(study.variants) == 1:
        return spread
    return (
        f"{spread} The last column is the mean difference, seed by seed, ± its standard error, "
        "with p of a paired t-test (two-sided) adjusted for the table's comparisons by Holm's "
        "method."
    )
