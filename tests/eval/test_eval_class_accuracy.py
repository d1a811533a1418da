"""Class accuracy: the share of samples that are read as the class they were asked for."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from cgan.config import Conditioning, ConfigError, Data, Discriminator, Experiment, Generator
from cgan.sampling import runs
from cgan.training import loop
from configs import CONFIGS
from eval import __main__ as program
from eval.dataset.protocol import load_evaluation
from eval.measuring.measure import evaluate
from eval.measuring.runs import subject_of
from eval.measuring.subject import Subject
from eval.metrics.base import Gathered, Inputs
from eval.metrics.class_accuracy import CLASS_ACCURACY

METRICS = {CLASS_ACCURACY.name: CLASS_ACCURACY}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def ring8(cache):
    return load_evaluation(Data("ring8"))


def test_the_value_its_error_and_the_classes_are_counted_by_hand(ring8):
    asked = np.array([0, 0, 0, 0, 2, 2, 5, 5])
    read = np.array([0, 0, 0, 1, 2, -1, 5, 5])
    samples = Gathered(n=8, labels=read, asked=asked)
    source = ring8.splits.train
    value = CLASS_ACCURACY.measure(Inputs(samples, ring8.reference.gathered, source), 0)
    assert value.value == 6 / 8
    np.testing.assert_allclose(value.error.value, np.sqrt(0.75 * 0.25 / 7))
    names = source.class_names
    expected = {names[2]: 0.5, names[0]: 0.75, names[5]: 1.0}
    assert list(value.details["by_class"].items()) == list(expected.items())
    assert value.details["n_by_class"] == {names[2]: 2, names[0]: 4, names[5]: 2}


def test_real_samples_noise_and_the_first_samples_stand_beside_the_generated_ones(ring8):
    """Real points are read as their mode but for the tail beyond 3 sigma; these miss a mode."""
    train = ring8.splits.train
    points, labels = train.points[:70_000], train.labels[:70_000]
    asked = np.where(labels == 6, 7, labels)
    records = evaluate(ring8, Subject([points], len(points), 0, asked), 0, METRICS)
    found = {record.samples: record for record in records}
    inside = 1 - np.exp(-4.5)
    assert found["real"].value == pytest.approx(inside, abs=0.003)
    for name in ("generated", "generated_matched"):
        assert found[name].value == pytest.approx(inside * 7 / 8, abs=0.006)
        assert found[name].floor == found["real"].value
        by_class = found[name].details["by_class"]
        assert train.class_names[6] not in by_class
        assert next(iter(by_class)) == train.class_names[7]
        assert by_class[train.class_names[7]] == pytest.approx(inside / 2, abs=0.02)
    assert found["generated_matched"].n == len(ring8.splits.held_out) < found["generated"].n
    assert found["noise"].value < 0.01


def test_the_labels_of_real_samples_are_those_of_their_rows(ring8):
    (chunk,) = ring8.real_chunks(50, 3)
    held_out = ring8.splits.held_out
    rows = [int(np.flatnonzero((held_out.points == point).all(axis=1))[0]) for point in chunk]
    np.testing.assert_array_equal(ring8.real_labels(50, 3), held_out.labels[rows])


def run_of(root, labels):
    config = Experiment(
        workdir=root,
        data=Data("ring8"),
        conditioning=Conditioning(labels=labels),
        generator=Generator(width=8, depth=1),
        discriminator=Discriminator(width=8, depth=1),
        batch_size=8,
        total_nimg=8,
    )
    loop.train(config, jax.devices()[:1])
    return root


def test_the_command_measures_it_for_runs_with_labels_only(tmp_path, capsys):
    conditional, plain = run_of(tmp_path / "labels", True), run_of(tmp_path / "plain", False)
    program.main([str(conditional), "--n", "400", "--seed", "3"])
    assert "read as the class asked for" in capsys.readouterr().out
    rows = [json.loads(line) for line in (conditional / "eval.jsonl").read_text().splitlines()]
    (row,) = (r for r in rows if r["metric"] == "class_accuracy" and r["samples"] == "generated")
    run = runs.load_run(conditional)
    samples, asked = runs.draw_samples(run, 400, 3), runs.asked_labels(run, 400, 3)
    read = load_evaluation(Data("ring8")).reader(samples).labels
    assert row["value"] == pytest.approx(np.mean(read == asked), abs=1 / 400)
    program.main([str(plain), "--n", "400"])
    assert "class_accuracy" not in (plain / "eval.jsonl").read_text()
    assert "read as the class" not in capsys.readouterr().out
    with pytest.raises(ConfigError, match="metrics = 'class_accuracy': must be 'all' alone, or"):
        program.main([str(plain), "--n", "400", "--metrics", "class_accuracy"])


@pytest.mark.slow
@pytest.mark.parametrize("compare", ["all", "same_class"])
def test_a_generator_of_digits_makes_the_digit_that_it_is_asked_for(tmp_path, compare):
    config = dataclasses.replace(
        CONFIGS["digits"],
        workdir=tmp_path / "run",
        conditioning=Conditioning(labels=True, compare=compare),
        total_nimg=64_000,
    )
    loop.train(config)
    run = runs.load_run(config.workdir)
    records = evaluate(load_evaluation(Data("digits")), subject_of(run, 2_000, 0), 0, METRICS)
    found = {record.samples: record.value for record in records}
    assert found["generated"] > 0.9
    assert found["real"] > 0.95
    assert found["noise"] < 0.3
