"""What sorts samples into classes is trained only where a chosen metric asks for classes."""

from types import SimpleNamespace

import pytest

from cgan.config import Data, Experiment
from cgan.data.digits import load_digits
from cgan.sampling import runs
from eval import extractors
from eval.files.records import read_records
from eval.measuring import runs as measuring_runs
from eval.metrics.catalog import ANY, need_classes
from eval.records.record import Record
from tests.eval.commands import exit_code


class Trained(Exception):
    """Stands for ten minutes."""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run whose samples are held-out digits, on a machine where no classifier was trained yet."""

    def load_run(path, checkpoint, step, source=None):
        config = Experiment(workdir=tmp_path, data=Data("digits"))
        return runs.Run(
            SimpleNamespace(parts=SimpleNamespace(config=config, given=None)), {}, 12_800
        )

    def train(*_):
        raise Trained

    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(runs, "load_run", load_run)
    images = load_digits("test").images
    monkeypatch.setattr(runs, "stream_samples", lambda run, n, seed: iter([images[:n]]))
    monkeypatch.setattr(measuring_runs, "key_of", lambda *_: None)
    monkeypatch.setattr(extractors.classifier, "load", train)
    return tmp_path


def test_metrics_of_features_need_no_labeller(run):
    names = ("frechet_distance", "recall_k3_inclusive")
    asked = ("--extractor", "pixels", "--n", "100", "--metrics", *names)
    assert exit_code(str(run), *asked) == 0
    records = read_records(Record, run / "eval.jsonl")
    assert {record.metric for record in records} == set(names)
    assert {record.labeller for record in records} == {None}


@pytest.mark.parametrize("names", [(), ("all",), ("frechet_distance", "reverse_kl_nats")])
def test_metrics_of_classes_and_all_of_them_do(run, names):
    chosen = ("--metrics", *names) if names else ()
    with pytest.raises(Trained):
        exit_code(str(run), "--extractor", "pixels", "--n", "100", *chosen)


def test_classes_are_asked_for_by_the_metrics_that_read_them():
    alone = {metric.name for metric in ANY if need_classes((metric.name,))}
    reading = {metric.name for metric in ANY if {"counts", "labels"} & metric.needs}
    assert alone == reading
    assert "precision_within_classes_k3_inclusive" not in alone
    assert not need_classes(tuple({metric.name for metric in ANY} - alone))
    assert need_classes(("frechet_distance", *sorted(alone)[:1]))
