"""A session of a study, from its rows so far to its end, and what is published of it."""

import dataclasses
import os
import time
from collections.abc import Sequence
from pathlib import Path

from cgan.config import require
from eval.study import plot, pool
from eval.study.declare import Study
from eval.study.page import replace_between
from eval.study.plan import Choices, choices, missing
from eval.study.results import Row, is_run, opened, read
from eval.study.summary import tables
from eval.study.table import how_to_read, markdown


def narrowed(study: Study, benchmarks: Sequence[str]) -> Study:
    """The study with some of its benchmarks; none given means all."""
    kept = {name: of for name, of in study.benchmarks.items() if name in benchmarks}
    return dataclasses.replace(study, benchmarks=kept or study.benchmarks)


def run(
    name: str,
    study: Study,
    out: Path,
    seeds: int,
    processes: int,
    seeds_at_once: int | None,
) -> None:
    """Run all that the file of results lacks, round by round: tuning decides on later runs.

    Args:
        name: of the study in the catalogue.
        study: itself, or a part of it.
        out: the file of results.
        seeds: seeds 0 to this.
        processes: how many work at once.
        seeds_at_once: how many seeds share a dispatch; None for what was measured to be fast.

    Raises:
        ConfigError: a file that another process writes, or of other runs.
    """
    began = time.monotonic()
    with opened(out) as results:
        require_same_budgets(study, results.rows, out)
        while jobs := missing(study, results.rows, seeds):
            chosen = choices(study, results.rows)
            todo = sum(len(job.seeds) for job in jobs)
            print(f"{out}: {sum(map(is_run, results.rows))} runs known, {todo} to do", flush=True)
            done = 0
            for row in pool.run(name, jobs, processes, seeds_at_once):
                results.append(row)
                done += is_run(row)
                minutes = (time.monotonic() - began) / 60
                print(f"{minutes:6.1f} min {done:4}/{todo} {told(study, row)}", flush=True)
            _tell_choices(study, choices(study, results.rows), chosen)


def require_same_budgets(study: Study, rows: Sequence[Row], out: Path) -> None:
    """Refuse a file whose runs were made before the study's budget was changed.

    Raises:
        ConfigError: naming the file and both budgets.
    """
    for row in filter(is_run, rows):
        if row["benchmark"] in study.benchmarks:
            budget, found = study.benchmarks[row["benchmark"]].total_nimg, row.get("nimg")
            expected = (
                f"another file: it has runs of {found} images on {row['benchmark']}, where the "
                f"study has {budget}"
            )
            require(found == budget, "out", out, expected)


def told(study: Study, row: Row) -> str:
    """A row of results in words, on one line."""
    factor = "" if row["factor"] is None else f", penalty x {row['factor']:g}"
    seed = "" if row["seed"] is None else f", seed {row['seed']}"
    said = row.get("failed") or f"{study.judge} {row.get(study.judge)}"
    return f"{row['benchmark']}, {row['variant']}{factor}{seed}: {said}"


def _tell_choices(study: Study, now: Choices, before: Choices) -> None:
    for (benchmark, variant), choice in now.items():
        if (benchmark, variant) not in before:
            means = ", ".join(f"x {factor:g}: {mean:.4f}" for factor, mean in choice.means.items())
            print(f"{benchmark}, {variant}: penalty x {choice.factor:g} of {means}", flush=True)


def publish(
    name: str,
    study: Study,
    out: Path,
    seeds: int,
    command: str,
    page: Path | None,
    picture: Path | None,
) -> None:
    """Print the tables of a study, or write them into a page; draw the plot.

    Args:
        name: of the study.
        study: itself, or a part of it.
        out: the file of results.
        seeds: seeds 0 to this.
        command: what made all this.
        page: with the study's markers; None prints.
        picture: the file to draw; None draws nothing.

    Raises:
        ConfigError: a page without the markers.
    """
    found = tables(study, read(out), seeds)
    if not found:
        print(f"{out}: not enough runs for a table yet")
        return
    parts = [f"Made by `{command}`. {how_to_read(study, seeds)}", markdown(study, found)]
    if picture is not None:
        plot.save(picture, found, study.baseline)
        if page is not None:
            link = os.path.relpath(picture, page.parent)
            parts.insert(1, f"![{study.judge} of each variant, by benchmark]({link})")
    text = "\n\n".join(parts)
    if page is None:
        print(text)
        return
    replace_between(page, name, text)
    print(f"{page}, {picture}")
