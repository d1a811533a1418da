"""Tables of a study as Markdown."""

from collections.abc import Iterable, Sequence

from eval.study.declare import Figure, Study
from eval.study.results import BASELINES
from eval.study.statistics import Paired, Spread, spread
from eval.study.summary import Line, Table

UNDEFINED = "undefined"


def markdown(study: Study, tables: Sequence[Table]) -> str:
    """Write the tables as Markdown, each under its title and what its runs share."""
    return "\n\n".join(_table(study, table) for table in tables)


def _table(study: Study, table: Table) -> str:
    tuned = any(line.choice is not None for line in table.lines)
    named = any(_trial(line) for line in table.lines)
    compares = len(study.variants) > 1
    title = table.benchmark if not table.title else f"{table.benchmark}: {table.title}"
    heads = ["variant", *(["R1 = R2" + "; trial" * named] if tuned else [])]
    heads += [*(["images"] if table.in_time else []), "seeds"]
    heads += [figure.heading for figure in table.figures]
    heads += [f"{table.decides_by.heading} less {study.baseline}'s"] if compares else []
    lines = [f"**{title}** {_caption(study, table)}", "", _row(heads), "|---" * len(heads) + "|"]
    for line in table.lines:
        cells = [line.variant, *([_chosen(line)] if tuned else [])]
        cells += [*([f"{line.nimg:,}"] if table.in_time else []), _seeds(line)]
        cells += [_spread(figure, line.spread(figure.key)) for figure in table.figures]
        cells += [_against(table.decides_by, line.against)] if compares else []
        lines.append(_row(cells))
        for client, values in enumerate(line.of_clients):
            cells = [f"*{line.variant}, client {client}*", *([""] if tuned else [])]
            cells += [*([""] if table.in_time else []), ""]
            cells += [_spread(f, spread(values[f.key])) for f in table.figures]
            lines.append(_row([*cells, *([""] if compares else [])]))
    for name in BASELINES if table.baselines else ():
        of = table.baselines[name]
        cells = [f"*{name}*", *([""] if tuned else []), *([""] if table.in_time else []), ""]
        cells += [_spread(f, of[f.key]) if f.key in of else "" for f in table.figures]
        lines.append(_row([*cells, *([""] if compares else [])]))
    if table.lead:
        lines += ["", *_lead(study, table)]
    if table.pairs:
        lines += ["", *_pairs(study, table)]
    if tuned and table.is_last:
        lines += ["", _tuning(study, table)]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _caption(study: Study, table: Table) -> str:
    total = study.benchmarks[table.benchmark].total_nimg
    seen = f"{table.budget:,} images" + (f" of {total:,}" if table.budget < total else "")
    in_time = f"equal time: what {study.baseline} takes for {seen}"
    parts = [in_time if table.in_time else f"{seen} a run"]
    if source := table.facts.get("source"):
        parts.append(f"data `{source}`")
    if accuracy := table.facts.get("labeller_accuracy"):
        parts.append(f"modes read by a classifier that is right on {accuracy:.1%} held out")
    return f"({'; '.join(parts)})"


def _chosen(line: Line) -> str:
    """Weight of R1 and R2, and the trial where that does not tell which it is."""
    penalty = "none" if line.penalty is None else f"{line.penalty:.3g}"
    edge = line.choice is not None and line.choice.is_at_the_edge
    return "; ".join([penalty, *_trial(line)]) + ("*" if edge else "")


def _trial(line: Line) -> list[str]:
    return [] if line.choice is None or line.tunes_penalty else [line.choice.trial]


def _seeds(line: Line) -> str:
    return f"{line.runs} ({line.failed} failed)" if line.failed else f"{line.runs}"


def _spread(figure: Figure, of: Spread | None) -> str:
    if of is None:
        return UNDEFINED
    mean = figure.text.format(of.mean)
    return mean if of.sd is None else f"{mean} ± {figure.text.format(of.sd)}"


def _against(figure: Figure, pair: Paired | None) -> str:
    if pair is None:
        return ""
    sign = "+" if pair.mean > 0 else ""
    difference = f"{sign}{figure.text.format(pair.mean)} ± {figure.text.format(pair.error)}"
    p = "p < 0.001" if pair.p < 0.001 else f"p = {pair.p:.3f}"
    return f"{difference}, {p}"


def _lead(study: Study, table: Table) -> list[str]:
    """A table of the contender less each other variant, and words for whom it leads."""
    figures = [figure for figure in table.figures if figure.key in table.lead]
    heads = [f"{study.contender} less", *(figure.heading for figure in figures)]
    others = [line.variant for line in table.lines if line.variant != study.contender]
    cells = {
        other: [_against(f, table.lead[f.key].get(other)) for f in figures] for other in others
    }
    told = []
    for figure in figures:
        led = [other for other, pair in table.lead[figure.key].items() if leads(figure, pair)]
        whom = "all" if led == others else "; ".join(led) or "none"
        told.append(f"- in {figure.heading} {len(led)} of {len(others)}: {whom}")
    return [
        _row(heads),
        "|---" * len(heads) + "|",
        *(_row([other, *cells[other]]) for other in others),
        "",
        f"Led by {study.contender} by more than two standard errors:",
        "",
        *told,
    ]


def _pairs(study: Study, table: Table) -> list[str]:
    """A table of the study's pairs, and words for which of them differ."""
    figures = [figure for figure in table.figures if figure.key in table.pairs]
    lines = [
        _row(["first less second", *(figure.heading for figure in figures)]),
        "|---" * (1 + len(figures)) + "|",
    ]
    found = [pair for pair in study.pairs if any(pair in by for by in table.pairs.values())]
    for pair in found:
        cells = [_against(figure, table.pairs[figure.key].get(pair)) for figure in figures]
        lines.append(_row([" less ".join(pair), *cells]))
    lines += ["", "By more than two standard errors:", ""]
    for figure in figures:
        better = [
            f"{ours} than {theirs}"
            for (ours, theirs), paired in table.pairs[figure.key].items()
            if leads(figure, paired)
        ]
        worse = [
            f"{ours} than {theirs}"
            for (ours, theirs), paired in table.pairs[figure.key].items()
            if leads(figure, paired._replace(mean=-paired.mean))
        ]
        told = f"better {'; '.join(better) or 'none'}. Worse {'; '.join(worse) or 'none'}."
        lines.append(f"- {figure.heading}: {told}")
    return lines


def leads(figure: Figure, pair: Paired) -> bool:
    """Whether a difference, ours less theirs, is better by more than two standard errors."""
    better = pair.mean if figure.more_is_better else -pair.mean
    return better > 2 * pair.error


def _tuning(study: Study, table: Table) -> str:
    """Words for each tuned variant's mean figure at each trial."""
    declared = study.benchmarks[table.benchmark]
    elsewhere = ""
    if declared.tuned_on is not None:
        if study.seeds_of(declared.tuned_on):
            return f"Trials were chosen on {declared.tuned_on}: see there. `*` as there."
        elsewhere = f" on {declared.tuned_on}, of which nothing is reported"
        declared = study.benchmarks[declared.tuned_on]
    seeds = ", ".join(map(str, study.tuning.seeds))
    told = []
    for line in table.lines:
        if line.choice is not None:
            means = [
                f"{'**' * (trial == line.choice.trial)}{trial}: "
                f"{_number(table.decides_by, mean)}{'**' * (trial == line.choice.trial)}"
                for trial, mean in line.choice.means.items()
            ]
            told.append(f"{line.variant} {', '.join(means)}")
    early = f" at {declared.tuned_at:,} images" if declared.tuned_at else ""
    return (
        f"Trials by the mean {table.decides_by.heading} of seeds {seeds}{elsewhere}{early}, the "
        f"chosen one in bold: {'; '.join(told)}. A number alone: times the experiment's own R1 and "
        "R2. `*`: the first or the last of trials in order."
    )


def _number(figure: Figure, mean: float) -> str:
    return "failed" if mean == float("inf") else figure.text.format(mean)


def how_to_read(study: Study) -> str:
    """Words for what the numbers of all the tables are."""
    counts = {seeds for name in study.benchmarks if (seeds := study.seeds_of(name))}
    fewer = "" if len(counts) == 1 else f", or to {min(counts) - 1} where there are fewer"
    parts = [f"Mean ± standard deviation over seeds 0 to {max(counts) - 1}{fewer}."]
    if len(study.variants) > 1:
        parts.append(
            "The last column is the mean difference, seed by seed, ± its standard error, "
            "with p of a paired t-test (two-sided) adjusted for the table's comparisons by Holm's "
            "method."
        )
    if study.contender is not None:
        parts.append(
            f"Below it {study.contender} less each other, likewise, adjusted for each figure's."
        )
    if study.pairs:
        parts.append(
            "Below it the first of each pair less the second, likewise, adjusted for the pairs of "
            "each figure; of few seeds two standard errors say little."
        )
    if any(of.budgets for of in study.benchmarks.values()):
        parts.append(
            "Rows at fewer images than a run's all are of the same training on its way there: what "
            "moves over its length, as a learning rate that falls, has not come to its end."
        )
    if any(of.held_out for of in study.benchmarks.values()):
        parts.append(
            "Samples are compared with held-out ones, and copies are looked for among those that "
            "were learnt; real data are drawn from the whole train split."
        )
    if any(of.donor for of in study.variants.values()):
        parts.append("A run that takes weights of another counts that one's images as its own.")
    if any(of.step_time for of in study.benchmarks.values()):
        parts.append(
            f"At equal time a variant has seen the images that its measured step takes in the time "
            f"of {study.baseline}, or as many as that one where it is no slower."
        )
    return " ".join(parts)
