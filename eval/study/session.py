"""A session of a study, from its rows so far to its end, and what is published of it."""

import contextlib
import dataclasses
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from cgan.config import require
from eval.study import curves, plot
from eval.study.declare import Study
from eval.study.executor import Executor
from eval.study.page import replace_between
from eval.study.plan import Choices, choices, missing
from eval.study.results import Row, is_run, opened, read
from eval.study.summary import tables
from eval.study.table import how_to_read, markdown


def narrowed(study: Study, benchmarks: Sequence[str] = (), seeds: int | None = None) -> Study:
    """The study with some of its benchmarks, or all unless given, and another number of seeds.

    Benchmarks whose trials choose for one that is kept are kept too.
    """
    named = set(benchmarks or study.benchmarks)
    named |= {study.benchmarks[name].tuned_on or name for name in named}
    kept = {
        name: of if seeds is None or of.seeds == 0 else dataclasses.replace(of, seeds=seeds)
        for name, of in study.benchmarks.items()
        if name in named
    }
    return dataclasses.replace(study, benchmarks=kept)


def run(study: Study, out: Path, execute: Executor) -> None:
    """Run what the file of results lacks, round by round: tuning decides on later runs.

    Where nobody reads what it prints any more, what is in flight is still kept, and no more begun.

    Args:
        study: a study, or a part of one.
        out: the file of results.
        execute: what does the jobs.

    Raises:
        ConfigError: a file that another process writes, or of other runs.
        DiskError: a row that can't be kept.
        JobError: jobs that failed.
        OSError: standard output that can't be written.
    """
    began = time.monotonic()
    with opened(out) as results:
        require_same_budgets(study, results.rows, out)
        while jobs := missing(study, results.rows):
            chosen = choices(study, results.rows)
            todo = sum(len(job.seeds) * len(job.nimgs) for job in jobs)
            print(f"{out}: {sum(map(is_run, results.rows))} rows known, {todo} to do", flush=True)
            done, enough, unheard = 0, threading.Event(), None
            with contextlib.closing(execute(jobs, enough)) as rows:
                for row in rows:
                    results.append(row)
                    done += is_run(row)
                    minutes = (time.monotonic() - began) / 60
                    try:
                        print(f"{minutes:6.1f} min {done:4}/{todo} {told(study, row)}", flush=True)
                    except OSError as error:
                        unheard = error
                        enough.set()
            if unheard is not None:
                raise unheard
            _tell_choices(study, choices(study, results.rows), chosen)


def require_same_budgets(study: Study, rows: Sequence[Row], out: Path) -> None:
    """Refuse a file whose runs were made before the study's budget or a donor's was changed.

    Raises:
        ConfigError: naming the file and both budgets.
    """
    for row in filter(is_run, rows):
        if row["benchmark"] in study.benchmarks:
            budget, found = study.benchmarks[row["benchmark"]].total_nimg, row.get("total_nimg")
            expected = (
                f"another file: it has runs of {found} images on {row['benchmark']}, where the "
                f"study has {budget}"
            )
            require(found == budget, "out", out, expected)
            if row["variant"] in study.variants_of(row["benchmark"]):
                share = study.donor_nimg(row["benchmark"], row["variant"])
                found = row.get("donor_nimg", 0)
                expected = (
                    f"another file: {found} images of runs of {row['variant']} on "
                    f"{row['benchmark']} are their donor's, where the study has {share}"
                )
                require(found == share, "out", out, expected)


def told(study: Study, row: Row) -> str:
    """A row of results in words, on one line."""
    trial = "" if row["trial"] is None else f", trial {row['trial']}"
    seed = "" if row["seed"] is None else f", seed {row['seed']}, {row['nimg']:,} images"
    said = row.get("failed") or f"{study.decides_by} {row.get(study.decides_by)}"
    return f"{row['benchmark']}, {row['variant']}{trial}{seed}: {said}"


def _tell_choices(study: Study, now: Choices, before: Choices) -> None:
    for (benchmark, variant), choice in now.items():
        if (benchmark, variant) not in before:
            means = ", ".join(f"{trial}: {mean:.4f}" for trial, mean in choice.means.items())
            print(f"{benchmark}, {variant}: trial {choice.trial} of {means}", flush=True)


def publish(
    name: str,
    study: Study,
    out: Path,
    command: str,
    page: Path | None,
    picture: Path | None,
) -> None:
    """Print the tables of a study, or write them into a page; draw the plot.

    Args:
        name: of the study.
        study: itself, or a part of it.
        out: the file of results.
        command: what made all this.
        page: with the study's markers; None prints.
        picture: the file to draw; None draws nothing.

    Raises:
        ConfigError: a page without the markers.
    """
    found = tables(study, read(out))
    if not found:
        print(f"{out}: not enough runs for a table yet")
        return
    parts = [f"Made by `{command}`. {how_to_read(study)}", markdown(study, found)]
    last = [table for table in found if table.is_last]
    if picture is not None and last:
        told = f"{study.decides_by} of each variant, by benchmark"
        if study.curves is None:
            plot.save(picture, last, study.baseline)
        else:
            curves.save(picture, last, study.curves)
            told = "Figures against numbers: mean and standard deviation over seeds"
        if page is not None:
            link = os.path.relpath(picture, page.parent)
            parts.insert(1, f"![{told}]({link})")
    text = "\n\n".join(parts)
    if page is None:
        print(text)
        return
    replace_between(page, f"study {name}", text)
    print(f"{page}, {picture}")
