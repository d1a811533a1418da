"""Evaluation of a run from the command line: records, table, and errors."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from cgan import cli, loop, sampling
from cgan.config import ConfigError, Data, Discriminator, Experiment, Generator
from cgan.data import SOURCES
from eval import __main__ as program
from eval.metrics import METRICS
from eval.protocol import PROTOCOLS, SamplesError, evaluate, load_evaluation
from eval.record import append_records

ROOT = Path(__file__).parents[2]


def exit_code(*argv):
    """What the program exits with, given these arguments."""
    try:
        cli.run(lambda: program.main(argv))
    except SystemExit as stop:
        return stop.code
    return 0


@pytest.fixture(scope="module")
def ring8():
    return load_evaluation("ring8")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run whose generator drops a mode of the ring."""

    def load_run(path, checkpoint):
        assert checkpoint is None
        if path != tmp_path:
            raise ConfigError(f"{path}: no such run")
        return SimpleNamespace(nimg=12_800, source_name="ring8")

    def draw_samples(run, n, seed):
        source = SOURCES["ring8"]("train")
        kept = source.points[source.labels != 6]
        return kept[np.random.default_rng(seed).integers(len(kept), size=n)]

    monkeypatch.setattr(sampling, "load_run", load_run)
    monkeypatch.setattr(sampling, "draw_samples", draw_samples)
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_every_data_set_has_a_protocol():
    assert set(PROTOCOLS) == set(SOURCES)


def test_prints_a_table_and_appends_records(run, capsys):
    assert exit_code(str(run), "--n", "1000") == 0
    printed = capsys.readouterr().out
    for expected in ("12,800 images seen", "n = 1,000", "7 of 8", "real data", "uniform"):
        assert expected in printed
    assert f"Missing: {SOURCES['ring8']('train').class_names[6]}." in " ".join(printed.split())
    assert printed.startswith(str(run))
    assert max(len(line) for line in printed.splitlines()[1:]) <= 100
    assert exit_code(str(run), "--n", "500", "--seed", "3") == 0
    rows = [json.loads(line) for line in (run / "eval.jsonl").read_text().splitlines()]
    expected = [
        (n, seed, samples, metric.name)
        for n, seed in ((1_000, 0), (500, 3))
        for samples in ("generated", "real", "noise")
        for metric in METRICS["points"]
    ]
    found = [(row["n"], row["seed"], row["samples"], row["metric"]) for row in rows]
    assert found == expected
    assert {row["checkpoint_nimg"] for row in rows} == {12_800}
    captured = rows[0]
    assert captured["value"] == 7
    assert captured["details"]["missing_count"] == 1


def test_the_default_number_of_samples_is_the_protocols(run):
    assert exit_code(str(run)) == 0
    first = json.loads((run / "eval.jsonl").read_text().splitlines()[0])
    assert first["n"] == PROTOCOLS["ring8"].n == 2_500


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--n", "0"], "n = 0: must be at least 2 samples"),
        (["--n", "-5"], "n = -5"),
        (["--seed", "-1"], "seed = -1"),
    ],
)
def test_bad_numbers_are_one_line_and_write_nothing(run, capsys, arguments, named):
    assert exit_code(str(run), *arguments) == 2
    printed = capsys.readouterr()
    assert named in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert list(run.iterdir()) == []


def test_a_record_that_cannot_be_written_is_one_line(run, capsys):
    (run / "eval.jsonl").mkdir()
    assert exit_code(str(run)) == 2
    assert "eval.jsonl: is a folder" in capsys.readouterr().err


def test_samples_that_are_not_finite_write_nothing(run, capsys, monkeypatch):
    def broken(run, n, seed):
        samples = np.zeros((n, 2), np.float32)
        samples[41] = np.nan
        return samples

    monkeypatch.setattr(sampling, "draw_samples", broken)
    assert exit_code(str(run)) == 2
    assert "1 of 2500 samples are not finite; the first is row 41" in capsys.readouterr().err
    assert list(run.iterdir()) == []


def test_what_is_not_a_run_is_one_line_and_exit_code_2(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        command = [sys.executable, "-m", "eval", str(path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        assert str(path) in done.stderr
        assert done.stdout == ""
        assert list(tmp_path.iterdir()) == []


def test_a_trained_run_is_evaluated_at_the_checkpoint_asked_for(tmp_path, capsys):
    """Nothing replaced: train, save, read back, sample, measure, record."""
    config = Experiment(
        workdir=tmp_path / "run",
        data=Data("grid25"),
        generator=Generator(width=8, depth=1),
        discriminator=Discriminator(width=8, depth=1),
        batch_size=8,
        total_nimg=16,
        checkpoint_nimg=8,
    )
    loop.train(config, jax.devices()[:1])
    capsys.readouterr()
    assert exit_code(str(config.workdir), "--n", "200", "--seed", "3") == 0
    assert exit_code(str(config.workdir), "--n", "200", "--seed", "3", "--checkpoint", "8") == 0
    assert "16 images seen, n = 200, seed 3" in capsys.readouterr().out
    lines = (config.workdir / "eval.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert {record["checkpoint_nimg"] for record in records} == {8, 16}
    loaded = sampling.load_run(config.workdir, 8)
    samples = sampling.draw_samples(loaded, 200, 3)
    expected = evaluate(load_evaluation("grid25"), samples, nimg=8, seed=3)
    assert [json.loads(record.to_json()) for record in expected] == records[len(records) // 2 :]


def test_missing_and_unknown_arguments_exit_with_2(capsys):
    for argv in ([], ["runs/x", "--number", "3"], ["runs/x", "--n", "many"]):
        assert exit_code(*argv) == 2
        capsys.readouterr()


def test_records_say_what_was_measured(ring8):
    samples = SOURCES["ring8"]("train").points[:600]
    records = evaluate(ring8, samples, nimg=64, seed=5)
    assert evaluate(ring8, samples, nimg=64, seed=5) == records
    for record in records:
        assert record.source == "ring8"
        assert record.seed == 5
        assert record.extractor == "points"
        assert record.extractor_fingerprint == ring8.extractor.fingerprint
        assert record.reference_n == 131_072
        assert json.loads(record.to_json())["metric"] == record.metric
        assert (record.floor is None) == (record.metric != "reverse_kl_nats")
    kl = next(record for record in records if record.metric == "reverse_kl_nats")
    assert kl.floor == pytest.approx(8 / 1_200, rel=0.25)
    assert 0 < kl.floor_sd < kl.floor


def test_fingerprints_follow_the_content():
    ring, grid = load_evaluation("ring8"), load_evaluation("grid25")
    assert ring.extractor.fingerprint != grid.extractor.fingerprint
    assert ring.reference_fingerprint != grid.reference_fingerprint
    assert ring.reference_fingerprint == load_evaluation("ring8").reference_fingerprint


def test_real_samples_do_not_repeat_and_follow_the_seed(ring8):
    first, other = ring8.real_samples(3_000, 0), ring8.real_samples(3_000, 1)
    assert len(np.unique(first, axis=0)) == 3_000
    assert not np.array_equal(first, other)
    assert np.array_equal(first, ring8.real_samples(3_000, 0))
    train = {row.tobytes() for row in ring8.train.points}
    assert not any(row.tobytes() in train for row in first)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((9, 3), np.float32), r"float32 \[3\] each; the data's are float32 \[2\]"),
        (np.zeros((9, 2), np.float64), r"float64 \[2\] each"),
        (np.zeros((1, 2), np.float32), "number of samples = 1: must be at least 2"),
    ],
)
def test_samples_of_another_form_are_refused(ring8, samples, message):
    with pytest.raises(SamplesError, match=message):
        evaluate(ring8, samples, nimg=0, seed=0)


def test_records_are_appended_whole(ring8, tmp_path):
    path = tmp_path / "eval.jsonl"
    path.write_text('{"kept": true}\n')
    records = evaluate(ring8, SOURCES["ring8"]("train").points[:50], nimg=0, seed=0)
    append_records(path, records)
    lines = path.read_text().splitlines()
    assert json.loads(lines[0]) == {"kept": True}
    assert lines[1:] == [record.to_json().strip() for record in records]
