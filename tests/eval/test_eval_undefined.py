"""Degenerate samples: a figure is what its name says, or undefined with the reason in its row."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cgan.data import EMBEDDED
from eval.extractors.given import Given
from eval.extractors.reader import Reader
from eval.measuring.measure import Origin, measure
from eval.measuring.value import perfect_sampler, value_of
from eval.metrics.base import FeatureError, Gathered, Inputs, Metric, UndefinedError, Value
from eval.metrics.catalog import ANY, MS_SSIM, POINTS, RESIDUES, SPECTRA
from eval.metrics.moments import moments
from eval.records.table import print_report
from tests.eval.commands import exit_code

DIGITS = EMBEDDED["digits"]("train")
OTHERS = (*POINTS, *SPECTRA, *RESIDUES, *list(MS_SSIM.values())[1:])
METRICS = [metric for metric in ANY if metric not in OTHERS]
BASE = np.random.default_rng(0).normal(size=(40, 12)).astype("f4")
KINDS = {
    "normal": BASE,
    "zeros": np.zeros_like(BASE),
    "constant": np.full_like(BASE, 0.3),
    "one apart": np.eye(1, 12, dtype="f4") * (np.arange(40) == 0)[:, None].astype("f4"),
    "pairs": BASE[np.arange(40) // 2],
    "two": BASE[:2],
    "five": BASE[:5],
    "of rank 1": BASE[:, :1] * np.ones((1, 12), "f4"),
    "float16": BASE.astype("f2"),
}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def gathered(rows):
    n = len(rows)
    labels = np.zeros(n, np.int64)
    return Gathered(
        n,
        counts=np.bincount(labels, minlength=11),
        moments=tuple(moments(rows[start::8]) for start in range(min(8, n))),
        features=rows,
        labels=labels,
        logits=rows[:, :10],
        asked=labels,
        images=np.zeros((n, 16, 16, 1), np.uint8),
    )


@pytest.mark.parametrize("real", KINDS)
@pytest.mark.parametrize("fake", KINDS)
def test_every_metric_has_a_value_or_says_why_not(real, fake):
    if "normal" not in (real, fake) and real != fake:
        pytest.skip("each kind beside a usual set, and beside itself")
    inputs = Inputs(gathered(KINDS[fake]), gathered(KINDS[real]), DIGITS, gathered(KINDS[real]))
    for metric in METRICS:
        found = value_of(metric, inputs, 0)
        floor = perfect_sampler(metric, inputs, len(KINDS[fake]), 0)
        json.dumps([found, floor], allow_nan=False)
        if found.value is None:
            assert found.details.get("why") or "at_least" in found.details, metric.name
            assert found.error is None


@pytest.mark.parametrize("scale", [1e30, 1e-30, 1e-42])
def test_extreme_features_are_no_error(scale):
    rows = BASE * np.float32(scale)
    for real, fake in ((rows, BASE), (BASE, rows), (rows, rows[::-1])):
        inputs = Inputs(gathered(fake), gathered(real), DIGITS, gathered(real))
        for metric in METRICS:
            if metric.name != "ndb_share_5_percent":
                json.dumps(value_of(metric, inputs, 0), allow_nan=False)


def a_metric(measure, **settings):
    return Metric("it", "it", frozenset(), lambda inputs, seed: measure(), **settings)


INPUTS = Inputs(gathered(BASE), gathered(BASE))


def test_what_is_not_finite_is_undefined_and_broken_features_stay_errors():
    def raising(error):
        raise error

    for value in (float("inf"), float("nan")):
        found = value_of(a_metric(lambda v=value: Value(v, details={"x": [v, 1.0]})), INPUTS, 0)
        assert found.value is None
        assert found.details == {"x": [None, 1.0], "why": "it is too large, or no number"}
    found = value_of(a_metric(lambda: raising(UndefinedError("so"))), INPUTS, 0)
    assert found == Value(None, details={"why": "so"})
    with pytest.raises(FeatureError, match="row 7"):
        value_of(a_metric(lambda: raising(FeatureError("row 7"))), INPUTS, 0)


@pytest.mark.parametrize(("n", "m"), [(39, 40), (40, 39)])
def test_fewer_rows_than_a_name_says_leave_it_undefined(n, m):
    metric = a_metric(lambda: Value(1.0), at_least=40)
    found = value_of(metric, Inputs(gathered(BASE[:n]), gathered(BASE[:m])), 0)
    which = "samples" if n < m else "real ones"
    assert found.details["why"] == f"takes 40 {which}, and there are 39"
    assert value_of(metric, INPUTS, 0).value == 1.0


def test_a_class_that_the_data_lack_leaves_divergences_undefined():
    lacking = replace(EMBEDDED["ring8"]("train"), class_weights=np.append(0.0, np.full(7, 1 / 7)))
    kl = next(metric for metric in METRICS if metric.name == "reverse_kl_nats")
    found = value_of(kl, Inputs(Gathered(9, counts=np.ones(9, int)), gathered(BASE), lacking), 0)
    assert found.value is None
    assert "infinite" in found.details["why"]


def compared(tmp_path, real, fake, *arguments):
    for name, rows in (("real", real), ("fake", fake)):
        np.savez(tmp_path / f"{name}.npz", features=rows)
    files = (tmp_path / "real.npz", tmp_path / "fake.npz")
    return exit_code("compare", *files, "--out", tmp_path / "x.jsonl", *arguments)


def test_black_samples_leave_one_row_undefined_and_the_others_are_there(tmp_path, capsys):
    assert compared(tmp_path, BASE, np.zeros_like(BASE), "--metrics", "all") == 0
    printed = capsys.readouterr().out
    words = " ".join(printed.split())
    vendi = next(line for line in printed.splitlines() if "Vendi score" in line)
    assert vendi.count("undefined") == 2
    assert "Undefined: Vendi score (generated, generated at n = 20): all rows are zero" in words
    assert "kernel distance, 100 x 1,000 (generated" in words
    assert "takes 1,000 samples, and there are 40" in words
    records = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    found = {(row["metric"], row["samples"]): row for row in records}
    of_black = found["vendi_score_cosine_q1", "generated"]
    assert (of_black["value"], of_black["standard_error"]) == (None, None)
    assert of_black["details"]["why"].startswith("all rows are zero")
    assert of_black["floor"] == found["vendi_score_cosine_q1", "real"]["value"] > 1
    assert found["frechet_distance", "generated"]["value"] > 0
    assert found["recall_k3_inclusive", "generated"]["value"] == 0


@pytest.mark.parametrize(("n", "m"), [(1_200, 300), (300, 2_400)])
def test_a_metric_that_is_asked_for_is_refused_where_it_can_not_be(tmp_path, capsys, n, m):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(m, 2)), rng.normal(size=(n, 2))
    assert compared(tmp_path, real, fake, "--metrics", "kernel_distance_100x1000") == 2
    assert "must be at least 1000 for kernel_distance_100x1000" in capsys.readouterr().err
    assert not (tmp_path / "x.jsonl").exists()


def test_rows_of_zeros_among_others_are_told_under_the_table(capsys):
    rows = BASE.copy()
    rows[:3] = 0
    vendi = {m.name: m for m in METRICS if m.name == "vendi_score_cosine_q1"}
    sets = {
        "generated": Inputs(gathered(rows), gathered(BASE)),
        "real": Inputs(gathered(BASE), gathered(BASE)),
    }
    records = measure(sets, vendi, Origin("x", None, 0, Reader(Given()), "hash"))
    print_report("x", vendi, records)
    told = "Vendi score (generated): 3 of 40 rows are zero, and like no row."
    assert told in " ".join(capsys.readouterr().out.split())
