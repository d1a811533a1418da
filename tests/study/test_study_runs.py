"""Runs of a tiny study, a kill between two of them, and what the command line refuses."""

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from cgan.assemble import assemble
from cgan.config import ConfigError
from cgan.sampling.runs import Run, draw_samples
from cgan.sampling.sampler import Sampler
from cgan.system import cli, terminal
from configs import CONFIGS
from eval.dataset.protocol import load_evaluation
from eval.measuring.measure import figures
from eval.metrics.catalog import ANY
from eval.study import __main__ as program
from eval.study import attacks, pool, runs, session
from eval.study.declare import SCORE_CHANGE, SCORE_CHANGE_SHARE, Figure, change
from eval.study.figures import Panel
from eval.study.places import Place
from eval.study.plan import missing
from eval.study.results import BASELINES, opened, read
from eval.study.studies import STUDIES
from eval.study.studies.contenders import DIGITS, POINTS, STACKED_COVERAGE, STACKED_TWICE
from tests.study.toy import STUDY, TOY, at_budgets, bare, find_study, row, whole

ROOT = Path(__file__).parents[2]


def test_a_job_yields_a_row_for_each_seed_whether_it_fails_or_not(monkeypatch):
    """The figures are those of samples that the trained states draw, measured elsewhere."""
    kept = []

    def looked_at(state, step):
        kept.append(state)
        return None if len(kept) == 1 else "generator is not finite"

    monkeypatch.setattr("cgan.multi_seed._not_finite", looked_at)
    job = missing(STUDY, bare())[0]
    assert job == ("ring8", "plain", None, (64,), (0, 1))
    sound, failed = runs.rows_of(STUDY, job)
    task = {"benchmark": "ring8", "variant": "plain", "trial": None, "nimg": 64, "total_nimg": 64}
    assert failed == task | {"seed": 1, "failed": "generator is not finite"}
    assert sound.items() >= (task | {"seed": 0, "device": "cpu"}).items()

    config = STUDY.experiment("ring8", "plain", None)
    run = Run(Sampler(assemble(config)), kept[0].generator_ema, 64)
    evaluation = load_evaluation(config.data)
    names = ("modes_captured_at_1", "reverse_kl_nats")
    metrics = {name: evaluation.metrics[name] for name in names}
    samples = draw_samples(run, 2_500, seed=0)
    assert figures(evaluation, samples, metrics) == pytest.approx({n: sound[n] for n in names})


def test_a_run_is_measured_on_its_way_and_what_fails_there_has_failed_for_good(monkeypatch):
    """Dispatches of 16 images of 8: states after 4 and 8 steps; the second seed fails after 4."""
    kept = []

    def looked_at(state, step):
        kept.append(state)
        return f"lost after {step} steps" if len(kept) == 2 else None

    monkeypatch.setattr("cgan.multi_seed._not_finite", looked_at)
    study = at_budgets(STUDY)
    way = dataclasses.replace(
        study.variants["plain"], change=change(study.variants["plain"].change, steps)
    )
    study = dataclasses.replace(study, variants=study.variants | {"plain": way})
    job = next(job for job in missing(study, bare()) if job.variant == "plain")
    rows = list(runs.rows_of(study, job, 2))
    assert [(one["seed"], one["nimg"]) for one in rows] == [(0, 32), (1, 32), (0, 64), (1, 64)]
    assert [one.get("failed") for one in rows] == [None, "lost after 4 steps"] * 2
    assert [int(kept[at].step) for at in (0, 2)] == [4, 8]
    assert {one["total_nimg"] for one in rows} == {64}

    config = study.experiment("ring8", "plain", None)
    evaluation = load_evaluation(config.data)
    metrics = {"reverse_kl_nats": evaluation.metrics["reverse_kl_nats"]}
    for state, one in zip((kept[0], kept[2]), (rows[0], rows[2]), strict=True):
        run = Run(Sampler(assemble(config)), state.generator_ema, one["nimg"])
        samples = draw_samples(run, 2_500, seed=0)
        found = figures(evaluation, samples, metrics)
        assert one["reverse_kl_nats"] == pytest.approx(found["reverse_kl_nats"])


def steps(config):
    """Dispatches of two steps, in place of all."""
    return dataclasses.replace(config, steps_per_dispatch=2)


@pytest.mark.parametrize("figures_of", [POINTS, STACKED_TWICE, STACKED_COVERAGE, DIGITS])
def test_figures_that_studies_share_are_metrics_of_the_catalogue_each_once(figures_of):
    assert {figure.metric for figure in figures_of} <= {metric.name for metric in ANY}
    assert len({figure.key for figure in figures_of}) == len(figures_of)


def test_what_is_covered_and_copied_can_be_figures_of_digits():
    """Of held-out digits all of it is in order; of black images nothing is covered."""
    evaluation = load_evaluation(CONFIGS["digits"].data)
    few = tuple(dataclasses.replace(figure, n=300) for figure in DIGITS)
    panel = Panel(evaluation, few)
    real = panel.measure(evaluation.real_chunks(300, 0))
    assert set(real) == {figure.key for figure in few}
    black = panel.measure([np.zeros((300, *evaluation.splits.train.sample_shape), np.uint8)])
    for name in ("coverage_k5_strict", "recall_k3_inclusive", "precision_k3_inclusive"):
        assert real[f"{name}@300"] > 0.5 > 0.1 > black[f"{name}@300"]
    assert real["ndb_share_5_percent_split@300"] < 0.2 < black["ndb_share_5_percent_split@300"]


def test_a_figure_of_the_discriminator_is_that_of_attacks_on_it():
    """A score of slope 2 falls by twice the radius, beside two reals or as it is."""
    config = STUDY.experiment("ring8", "plain", None)
    fall = Figure(SCORE_CHANGE, "fall", radius=0.25)
    assert fall.key == "score_worst_change@0.25"
    share = Figure(SCORE_CHANGE_SHARE, "share", radius=0.25)
    figures = (Figure("reverse_kl_nats", "KL"), fall, share)
    panel = Panel(load_evaluation(config.data), figures)
    assert list(panel.metrics) == ["reverse_kl_nats"]
    parts = assemble(config)
    state = parts.init_state()._replace(discriminator={}, discriminator_stats={})
    steep = parts.networks.with_discriminator(lambda key: {}, lambda params, x: -2 * x[:, 1])
    splits = panel.evaluation.splits
    found = attacks.measure(figures, parts._replace(networks=steep), state, splits, 64)
    two_reals = 2 * 2**0.5  # networks see heights of standard deviation 1
    assert found == {
        "score_worst_change@0.25": pytest.approx(0.5, rel=1e-3),
        "score_worst_change_share@0.25": pytest.approx(0.5 / two_reals, rel=0.1),
    }
    assert attacks.measure(figures[:1], parts, state, splits, 64) == {}


def test_the_baselines_are_real_data_a_perfect_sampler_and_noise():
    real, perfect, noise = runs.rows_of(STUDY, missing(STUDY, [])[0])
    assert [one["variant"] for one in (real, perfect, noise)] == list(BASELINES)
    assert real["modes_captured_at_1"] == perfect["modes_captured_at_1"] == 8
    assert real["reverse_kl_nats"] < 0.01 < 4 < noise["reverse_kl_nats"]
    assert perfect["reverse_kl_nats"] == pytest.approx(8 / 5_000, rel=0.3)
    assert real["source"] == "ring8"


def test_a_figure_of_more_samples_than_are_held_out_has_no_real_value():
    more = Figure("reverse_kl_nats", "KL at 70k", n=70_000)
    panel = Panel(load_evaluation(CONFIGS["ring8"].data), (*TOY.figures("ring8"), more))
    held_out = panel.evaluation.splits.held_out
    found = panel.measure([held_out.points])
    assert set(found) == {"modes_captured_at_1", "reverse_kl_nats"}
    first = panel.measure([held_out.points[:2_500]])
    assert found == first


def test_a_study_that_is_killed_goes_on_where_it_was(tmp_path, capsys):
    out, worked = tmp_path / "results.jsonl", []

    def work(jobs, enough):
        for job in jobs:
            if job.variant is None:
                yield from bare()
            for seed in job.seeds:
                worked.append((job.variant, seed))
                yield row(job.variant, seed, 0.1 * (1 + len(worked)))

    def killed(*arguments):
        for one in work(*arguments):
            yield one
            if one["seed"] == 0:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.run(STUDY, out, killed)
    first = read(out)
    assert [one["variant"] for one in first] == [*BASELINES, "plain"]
    with out.open("a") as file:
        file.write('{"benchmark": "ring8", "vari')  # a second kill, in the middle of a line
    session.run(STUDY, out, work)
    rows = read(out)
    assert rows[:4] == first
    assert worked == [("plain", 0), ("plain", 1), ("other", 0), ("other", 1)]
    assert missing(STUDY, rows) == []
    session.run(STUDY, out, work)
    assert read(out) == rows
    session.publish("toy", STUDY, out, "the command", None, tmp_path / "picture.png")
    told = capsys.readouterr().out
    assert "results.jsonl: 1 rows known, 3 to do" in told
    assert "Made by `the command`." in told
    assert "| other | 2 | " in told
    assert (tmp_path / "picture.png").exists()


def test_the_trial_is_chosen_between_two_rounds(tmp_path, capsys):
    asked = []

    def work(jobs, enough):
        asked.append([job for job in jobs if job.variant == "tuned"])
        for job in jobs:
            if job.variant is None:
                yield from bare()
            for seed in job.seeds:
                yield row(job.variant, seed, float(job.trial or 3), trial=job.trial)

    session.run(TOY, tmp_path / "results.jsonl", work)
    assert [[job.trial for job in jobs] for jobs in asked] == [["0.5", "2"], ["0.5"]]
    assert "trial 0.5 of 0.5: 0.5000, 2: 2.0000" in capsys.readouterr().out


def test_no_row_in_flight_is_lost_where_nobody_reads_on(tmp_path, monkeypatch):
    """As with `| head -1`: what is in flight is kept, and no more begun."""
    out = tmp_path / "results.jsonl"
    reader, writer = os.pipe()

    def work(jobs, enough):
        os.close(reader)
        yield from bare()
        yield row("plain", 0, 0.3)
        assert enough.is_set()

    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(SystemExit) as stop:
            cli.run(lambda: session.run(STUDY, out, work))
    assert stop.value.code == terminal.CLOSED_PIPE
    assert [one["variant"] for one in read(out)] == [*BASELINES, "plain"]


def test_a_job_begins_no_more_once_that_is_asked_for():
    begun = []

    def enough():
        begun.append(len(begun))
        return len(begun) > 2

    rows = runs.rows_of(STUDY, missing(STUDY, bare())[0], 1, enough)
    assert [one["seed"] for one in rows] == [0]


@pytest.mark.slow
def test_processes_end_what_they_work_at_and_begin_no_more(tmp_path):
    """Two processes, each with its job of two runs: one run of each is kept."""
    jobs = [job for job in missing(STUDY, bare()) if job.variant is not None]
    enough, places = threading.Event(), [Place(number, 2, {}) for number in range(2)]
    rows = pool.processes(find_study, places, 1)(jobs, enough)
    found = [next(rows)]
    enough.set()
    found += rows
    assert {one["variant"] for one in found} == {"plain", "other"}
    assert len(found) < 4


def test_runs_of_another_budget_are_refused(tmp_path):
    out = tmp_path / "results.jsonl"
    out.write_text(json.dumps(row("plain", 0, 0.4) | {"total_nimg": 32}) + "\n")
    with pytest.raises(ConfigError, match="runs of 32 images on ring8, where the study has 64"):
        session.run(STUDY, out, pool.processes(find_study, [], None))


def test_a_study_can_be_narrowed_to_some_benchmarks():
    study = STUDIES["collapse_2d"]
    assert list(session.narrowed(study, ("grid25",)).benchmarks) == ["grid25"]
    assert session.narrowed(study, ()) == study


def exit_code(*argv):
    try:
        cli.run(lambda: program.main([str(part) for part in argv]))
    except SystemExit as stop:
        return stop.code
    return 0


def test_studies_are_listed_with_their_number_of_runs(capsys):
    assert exit_code("--list") == 0
    told = capsys.readouterr().out
    for name, study in STUDIES.items():
        assert f"{name}: {study.summary}\n" in told
    # 10 seeds of 7 variants, and 5 of these at 7 weights on 3 seeds
    assert "stacked_digits_starved; 175 runs" in told


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "study = None: must be one of quick, "),
        (["slow"], "study = 'slow': must be one of quick, "),
        (["quick", "--benchmarks", "grid25"], "benchmarks = 'grid25': must be one of ring8"),
        (["quick", "--seeds", "0"], "seeds = 0: must be more than 0"),
        (["quick", "--seeds", "101"], "seeds = 101: must be at most 100"),
        (["quick", "--jobs", "0"], "jobs = 0: must be more than 0"),
        (["quick", "--slurm.partition", "big"], "slurm.partition = 'big': must be left out with"),
        (["quick", "--slurm.minutes", "0"], "slurm.minutes = 0: must be more than 0"),
        (["quick", "--slurm.extra", "qos"], "slurm.extra = 'qos': must be an option of sbatch"),
        (["quick", "--out", "x.json"], "out = 'x.json': must be a .jsonl file"),
        (["quick", "--plot", "x.jpg"], "plot = 'x.jpg': must be a .png or .pdf or .svg file"),
        (["quick", "--page", "none.md"], "page = 'none.md': can't be read"),
    ],
)
def test_wrong_arguments_are_refused_by_name(argv, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert exit_code(*argv) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_tables_are_made_of_what_there_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(STUDIES, "quick", TOY)
    out, page = tmp_path / "results.jsonl", tmp_path / "page.md"
    assert exit_code("quick", "--no-run", "--out", out) == 0
    assert "not enough runs for a table yet" in capsys.readouterr().out
    with opened(out) as results:
        for one in whole():
            results.append(one)
    page.write_text("<!-- study quick: begin -->\n<!-- study quick: end -->\n")
    assert exit_code("quick", "--no-run", "--out", out, "--page", page) == 0
    text = page.read_text()
    assert f"Made by `python -m eval.study quick --no-run --out {out} --page {page}`." in text
    assert "(images/study-quick.png)" in text
    assert "| plain |" in text
    assert (tmp_path / "images" / "study-quick.png").exists()


@pytest.mark.slow
def test_a_killed_process_leaves_no_workers_and_the_same_command_ends_the_study(tmp_path):
    out = tmp_path / "results.jsonl"
    command = [sys.executable, "-m", "eval.study", "quick", "--out", str(out), "--jobs", "2"]
    first = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    while not out.exists() or out.read_text().count("\n") < 4:
        assert first.poll() is None
        time.sleep(0.2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    for _ in range(100):
        if not in_group(first.pid):
            break
        time.sleep(0.2)
    assert not in_group(first.pid)
    before = read(out)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    known = sum(one["variant"] not in BASELINES for one in before)
    assert f"{known} rows known" in done.stdout
    assert read(out)[: len(before)] == before
    assert re.search(r"\| hinge \+ spectral norm \| none \| 2 \|", done.stdout)


def in_group(group):
    """Processes of this group that are alive."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(status.parent.name)
    return found
