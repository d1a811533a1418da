"""Runs of a tiny study, a kill between two of them, and what the command line refuses."""

import dataclasses
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cgan.assemble import assemble
from cgan.config import ConfigError
from cgan.sampling.runs import Run, draw_samples
from cgan.sampling.sampler import Sampler
from cgan.system import cli
from configs import CONFIGS
from eval.dataset.protocol import load_evaluation
from eval.measuring.measure import figures
from eval.study import __main__ as program
from eval.study import pool, runs, session
from eval.study.declare import Figure, Variant, change
from eval.study.figures import Panel
from eval.study.plan import missing
from eval.study.results import BASELINES, opened, read
from eval.study.studies import STUDIES
from tests.study.toy import TOY, bare, row, whole

TINY = change(
    generator={"width": 8, "depth": 1, "fourier_features": 0},
    discriminator={"width": 8, "depth": 1, "fourier_features": 0},
)
ROOT = Path(__file__).parents[2]


def small(config):
    """A tenth of a second of training."""
    return dataclasses.replace(TINY(config), batch_size=8, steps_per_dispatch=8)


STUDY = dataclasses.replace(
    TOY,
    variants={
        "plain": Variant(change(small, objective={"loss": "nonsaturating"})),
        "other": Variant(change(small, objective={"loss": "pairwise"})),
    },
    seeds=2,
)


def test_a_job_yields_a_row_for_each_seed_whether_it_fails_or_not(monkeypatch):
    """The figures are those of samples that the trained states draw, measured elsewhere."""
    kept = []

    def looked_at(state):
        kept.append(state)
        return None if len(kept) == 1 else "generator is not finite"

    monkeypatch.setattr("cgan.multi_seed._not_finite", looked_at)
    job = missing(STUDY, bare(), 2)[0]
    assert job == ("ring8", "plain", None, (0, 1))
    sound, failed = runs.rows_of(STUDY, job)
    task = {"benchmark": "ring8", "variant": "plain", "factor": None, "nimg": 64}
    assert failed == task | {"seed": 1, "failed": "generator is not finite"}
    assert sound.items() >= (task | {"seed": 0, "device": "cpu"}).items()

    config = STUDY.experiment("ring8", "plain", None)
    run = Run(Sampler(assemble(config)), kept[0].generator_ema, 64)
    evaluation = load_evaluation(config.data)
    names = ("modes_captured_at_1", "reverse_kl_nats")
    metrics = {name: evaluation.metrics[name] for name in names}
    samples = draw_samples(run, 2_500, seed=0)
    assert figures(evaluation, samples, metrics) == pytest.approx({n: sound[n] for n in names})


def test_the_baselines_are_real_data_a_perfect_sampler_and_noise():
    real, perfect, noise = runs.rows_of(STUDY, missing(STUDY, [], 1)[0])
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


def test_a_study_that_is_killed_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    out, worked = tmp_path / "results.jsonl", []

    def work(name, jobs, processes, seeds_at_once):
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

    monkeypatch.setattr(pool, "run", killed)
    with pytest.raises(KeyboardInterrupt):
        session.run("toy", STUDY, out, 2, 1, None)
    first = read(out)
    assert [one["variant"] for one in first] == [*BASELINES, "plain"]
    with out.open("a") as file:
        file.write('{"benchmark": "ring8", "vari')  # a second kill, in the middle of a line
    monkeypatch.setattr(pool, "run", work)
    session.run("toy", STUDY, out, 2, 1, None)
    rows = read(out)
    assert rows[:4] == first
    assert worked == [("plain", 0), ("plain", 1), ("other", 0), ("other", 1)]
    assert missing(STUDY, rows, 2) == []
    session.run("toy", STUDY, out, 2, 1, None)
    assert read(out) == rows
    session.publish("toy", STUDY, out, 2, "the command", None, tmp_path / "picture.png")
    told = capsys.readouterr().out
    assert "results.jsonl: 1 runs known, 3 to do" in told
    assert "Made by `the command`." in told
    assert "| other | 2 | " in told
    assert (tmp_path / "picture.png").exists()


def test_the_penalty_is_chosen_between_two_rounds(tmp_path, monkeypatch, capsys):
    asked = []

    def work(name, jobs, processes, seeds_at_once):
        asked.append([job for job in jobs if job.variant == "tuned"])
        for job in jobs:
            if job.variant is None:
                yield from bare()
            for seed in job.seeds:
                yield row(job.variant, seed, job.factor or 3.0, factor=job.factor)

    monkeypatch.setattr(pool, "run", work)
    session.run("toy", TOY, tmp_path / "results.jsonl", 3, 1, None)
    assert [[job.factor for job in jobs] for jobs in asked] == [[0.5, 2.0], [0.5]]
    assert "penalty x 0.5 of x 0.5: 0.5000, x 2: 2.0000" in capsys.readouterr().out


def test_runs_of_another_budget_are_refused(tmp_path):
    out = tmp_path / "results.jsonl"
    out.write_text(json.dumps(row("plain", 0, 0.4) | {"nimg": 32}) + "\n")
    with pytest.raises(ConfigError, match="runs of 32 images on ring8, where the study has 64"):
        session.run("toy", STUDY, out, 1, 1, None)


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
    assert f"{known} runs known" in done.stdout
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
