"""Evaluation of a run from the command line: records, table, and errors."""

import json
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from cgan.config import Data, Discriminator, Experiment, Generator
from cgan.data import EMBEDDED as SOURCES
from cgan.sampling import runs
from cgan.training import loop
from eval.dataset.protocol import Protocol, load_evaluation, protocol_of
from eval.files.records import append_records, read_records, to_json
from eval.measuring.measure import SamplesError, evaluate
from eval.measuring.subject import Subject
from eval.records.record import Record
from tests.eval.commands import exit_code, make_run

ROOT = Path(__file__).parents[2]


METRICS = (
    "modes_captured_at_1",
    "modes_captured_at_20",
    "reverse_kl_nats",
    "total_variation",
    "high_quality_share_3sigma",
    "mode_width_ratio_3sigma",
    "frechet_distance",
    "precision_k3_inclusive",
    "recall_k3_inclusive",
    "density_k5_strict",
    "coverage_k5_strict",
    "authenticity",
)


def evaluated(evaluation, samples, nimg=0, seed=0):
    return evaluate(evaluation, Subject([samples], len(samples), nimg), seed)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def ring8(cache):
    return load_evaluation(Data("ring8"))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run whose generator drops a mode of the ring."""
    source = SOURCES["ring8"]("train")
    kept = source.points[source.labels != 6]

    def draw(n, seed):
        return kept[np.random.default_rng(seed).integers(len(kept), size=n)]

    make_run(monkeypatch, tmp_path, Data("ring8"), draw)
    return tmp_path


def test_every_data_set_has_the_protocol_of_the_literature():
    points = Protocol("points", "points", 2_500, 131_072)
    expected = {
        "digits": Protocol("classifier", "classifier", 10_000, min_accuracy=0.97),
        "stacked_digits": Protocol("classifier", "classifier", 26_000, 131_072, 0.97),
        **dict.fromkeys(("ring8", "grid25", "grid100"), points),
    }
    assert {name: protocol_of(SOURCES[name]("train")) for name in SOURCES} == expected


def test_prints_a_table_and_appends_records(run, capsys):
    assert exit_code(str(run), "--n", "1000") == 0
    printed = capsys.readouterr().out
    for expected in ("12,800 images seen", "n = 1,000", "7 of 8", "real data", "uniform", "±"):
        assert expected in printed
    assert f"Missing: {SOURCES['ring8']('train').class_names[6]}." in " ".join(printed.split())
    assert printed.startswith(str(run))
    assert max(len(line) for line in printed.splitlines()[1:]) <= 110
    assert exit_code(str(run), "--n", "500", "--seed", "3") == 0
    rows = [json.loads(line) for line in (run / "eval.jsonl").read_text().splitlines()]
    expected = [
        (n, seed, samples, metric)
        for n, seed in ((1_000, 0), (500, 3))
        for samples in ("generated", "real", "noise")
        for metric in METRICS
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
    assert first["n"] == 2_500


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--n", "0"], "n = 0: must be at least 2 samples"),
        (["--n", "-5"], "n = -5"),
        (["--seed", "-1"], "seed = -1"),
        (["--step", "0"], "step = 0: must be more than 0"),
        (["--step", "3", "--checkpoint", "5"], "step = 3: must be left out where checkpoint"),
        (
            ["--metrics", "fid"],
            "metrics = 'fid': must be 'all' alone, or one or more of modes",
        ),
        (["--extractor", "pixels"], "extractor = 'pixels': reads images, and ring8 holds points"),
        (["--extractor", "classifier"], "extractor = 'classifier': reads images"),
        (["--weights", "w.pth"], "weights = 'w.pth': must be left out with --extractor points"),
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
        samples[[41, 44]] = np.nan
        yield samples[:30]
        yield samples[30:]

    monkeypatch.setattr(runs, "stream_samples", broken)
    assert exit_code(str(run)) == 2
    assert "sample 41 is not finite (nor are 1 of the next)" in capsys.readouterr().err
    assert list(run.iterdir()) == []


def test_what_is_not_a_run_is_one_line_and_exit_code_2(tmp_path, capsys):
    """One in a process of its own."""
    command = [sys.executable, "-m", "eval", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert exit_code(str(tmp_path / "nowhere")) == 2
    here = capsys.readouterr()
    assert done.returncode == 2, done.stderr
    for path, out, err in (
        (tmp_path, done.stdout, done.stderr),
        (tmp_path / "nowhere", here.out, here.err),
    ):
        assert "Traceback" not in err
        assert str(path) in err
        assert out == ""
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
    assert "16 images seen, seed 3" in capsys.readouterr().out
    lines = (config.workdir / "eval.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert {record["checkpoint_nimg"] for record in records} == {8, 16}
    loaded = runs.load_run(config.workdir, 8)
    samples = runs.draw_samples(loaded, 200, 3)
    expected = evaluated(load_evaluation(Data("grid25")), samples, nimg=8, seed=3)
    read = read_records(Record, config.workdir / "eval.jsonl")[len(records) // 2 :]
    for ours, theirs in zip(read, expected, strict=True):
        undefined = ours.value is None and theirs.value is None
        assert undefined or ours.value == pytest.approx(theirs.value, rel=1e-4, abs=1e-6)
        assert (ours.metric, ours.samples, ours.n) == (theirs.metric, theirs.samples, theirs.n)
    assert exit_code(str(config.workdir), "--n", "200", "--seed", "3", "--step", "1") == 0
    assert read_records(Record, config.workdir / "eval.jsonl")[-len(read) :] == read


def test_missing_and_unknown_arguments_exit_with_2(capsys):
    for argv in ([], ["runs/x", "--number", "3"], ["runs/x", "--n", "many"]):
        assert exit_code(*argv) == 2
        capsys.readouterr()


def test_records_say_what_was_measured(ring8):
    samples = SOURCES["ring8"]("train").points[:600]
    records = evaluated(ring8, samples, nimg=64, seed=5)
    assert evaluated(ring8, samples, nimg=64, seed=5) == records
    values = {(record.metric, record.samples): record for record in records}
    for record in records:
        assert record.source == "ring8"
        assert record.seed == 5
        assert record.extractor == record.labeller == "points"
        assert record.extractor_fingerprint == ring8.reader.extractor.fingerprint
        assert record.reference_n in (10_000, 131_072)
        assert json.loads(to_json(record))["metric"] == record.metric
        assert record.floor == values[record.metric, "real"].value
        assert record.floor_n == 600
        assert (record.standard_error is None) == (record.error_protocol is None)
    kl = values["reverse_kl_nats", "generated"]
    assert kl.perfect_sampler == pytest.approx(8 / 1_200, rel=0.25)
    assert 0 < kl.perfect_sampler_sd < kl.perfect_sampler


def test_values_do_not_depend_on_how_samples_stream(ring8):
    samples = SOURCES["ring8"]("train").points[:700]
    whole = evaluated(ring8, samples)
    parts = evaluate(ring8, Subject([samples[:1], samples[1:500], samples[500:]], 700, 0), 0)
    for ours, theirs in zip(parts, whole, strict=True):
        if theirs.value is None:
            assert ours == theirs
            continue
        assert ours.value == pytest.approx(theirs.value, rel=1e-9)
        assert ours.standard_error == pytest.approx(theirs.standard_error, rel=1e-6)


def test_fingerprints_follow_the_content():
    ring, grid = load_evaluation(Data("ring8")), load_evaluation(Data("grid25"))
    assert ring.reader.extractor.fingerprint != grid.reader.extractor.fingerprint
    hashes = [e.reference.samples_fingerprint for e in (ring, grid, load_evaluation(Data("ring8")))]
    assert hashes[0] == hashes[2] != hashes[1]


def test_real_samples_do_not_repeat_and_follow_the_seed(ring8):
    first, other, again = (
        np.concatenate(list(ring8.real_chunks(3_000, seed))) for seed in (0, 1, 0)
    )
    assert len(np.unique(first, axis=0)) == 3_000
    assert not np.array_equal(first, other)
    assert np.array_equal(first, again)
    train = {row.tobytes() for row in ring8.splits.train.points}
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
        evaluated(ring8, samples)


def test_records_are_appended_whole(ring8, tmp_path):
    path = tmp_path / "eval.jsonl"
    path.write_text('{"kept": true}\n')
    records = evaluated(ring8, SOURCES["ring8"]("train").points[:50])
    append_records(path, records)
    lines = path.read_text().splitlines()
    assert json.loads(lines[0]) == {"kept": True}
    assert lines[1:] == [to_json(record).strip() for record in records]
    assert read_records(Record, path) == records
    with path.open("a") as file:
        file.write('{"metric": "torn')
    assert read_records(Record, path) == records


def test_the_commands_are_listed_without_waiting_for_jax():
    script = "import sys; sys.argv = ['eval', '--help']; import runpy\n"
    script += "try: runpy.run_module('eval', run_name='__main__')\n"
    script += "except SystemExit: pass\nassert 'jax' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for command in ("collapse", "compare", "reference", "report"):
        assert f"eval {command}" in done.stdout


def test_a_reference_is_read_ahead(capsys):
    assert exit_code("reference", "grid25") == 0
    assert "grid25: 131,072 train samples" in capsys.readouterr().out
    assert exit_code("reference", "cifar") == 2
