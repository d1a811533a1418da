"""The benchmarks' bookkeeping: variants that can be built, tables of what was measured."""

import json

import numpy as np
import pytest

from benchmarks import ablation, ablation_table, neighbours
from benchmarks.frechet import features
from benchmarks.harness import quartiles
from benchmarks.penalties import quality
from benchmarks.variants import DEFAULT, GROUPS, SOURCES, base
from cgan.assemble import assemble

ARGUMENTS = ablation.Arguments(seeds=2)


def test_every_variant_can_be_assembled_and_differs_from_the_default():
    for task in ablation.tasks(ARGUMENTS):
        config = GROUPS[task.group][task.variant](base(task.source))
        assert (config == base(task.source)) == (task.variant == DEFAULT)
        if task.seed == 0:
            assert assemble(config).config is config


def test_no_run_is_listed_twice_and_each_seed_is_run():
    found = ablation.tasks(ARGUMENTS)
    assert len(set(found)) == len(found)
    assert {task.seed for task in found} == {0, 1}
    assert {task.source for task in found} == set(SOURCES)


def test_finished_runs_are_read_back(tmp_path):
    path = tmp_path / "results.jsonl"
    assert ablation.finished(path) == set()
    task = ablation.tasks(ARGUMENTS)[3]
    path.write_text(json.dumps(task._asdict() | {"reverse_kl_nats": 0.1}) + "\n")
    assert ablation.finished(path) == {task}


def rows(variant, group="losses", **figures):
    task = {"source": "grid25", "group": group, "variant": variant}
    return [
        task | {"seed": seed} | {name: values[seed] for name, values in figures.items()}
        for seed in range(2)
    ]


METRICS = dict.fromkeys(ablation_table.COLUMNS["grid25"], (1.0, 1.0))


def test_a_table_gives_mean_and_standard_deviation_and_repeats_the_default():
    kl = METRICS | {"reverse_kl_nats": (0.1, 0.3)}
    text = ablation_table.tables(
        [*rows(DEFAULT, **METRICS), *rows("K = 4", "fakes per real", **kl)]
    )
    lines = text.splitlines()
    assert lines[0] == "**grid25: fakes per real**"
    assert [line.split(" | ")[0] for line in lines[-2:]] == [f"| {DEFAULT}", "| K = 4"]
    assert "0.200 ± 0.141" in lines[-1]


def test_a_run_that_diverged_is_counted_and_left_out_of_the_means():
    broken = rows("hinge", **METRICS)
    broken[1] = {name: broken[1][name] for name in ablation.Task._fields} | {"failed": "step 3"}
    line = ablation_table.tables([*rows(DEFAULT, **METRICS), *broken]).splitlines()[-1]
    assert line.startswith("| hinge | 2 (1 diverged) | 1.0 | ")


def test_the_page_keeps_what_stands_around_the_tables(tmp_path, monkeypatch):
    page, results = tmp_path / "page.md", tmp_path / "results.jsonl"
    page.write_text(f"above\n{ablation_table.BEGIN}\nold\n{ablation_table.END}\nbelow\n")
    lines = [*rows(DEFAULT, **METRICS), *rows("hinge", **METRICS)]
    results.write_text("".join(json.dumps(line) + "\n" for line in lines))
    arguments = ["--results", str(results), "--page", str(page)]
    monkeypatch.setattr("sys.argv", ["ablation_table", *arguments])
    ablation_table.main()
    text = page.read_text()
    assert text.startswith(f"above\n{ablation_table.BEGIN}\n\n**grid25: losses**")
    assert text.endswith(f"{ablation_table.END}\nbelow\n")
    assert "old" not in text


def test_quartiles_and_the_quality_of_estimates():
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == "3.000 (2.000 to 4.000)"
    exact = np.array([1.0, 4.0])
    found = np.stack([exact * 0.5, exact * 1.5] * 50)
    measured = quality(found, exact)
    assert measured.bias == pytest.approx(0, abs=1e-12)
    assert measured.spread == pytest.approx(0.5)
    assert quality(found + exact, exact).bias == pytest.approx(1)


def test_routes_to_the_four_figures_agree():
    real, fake = features(300, 20, seed=0)
    expected = neighbours.by_prdc(real.astype("f8"), fake.astype("f8"))
    assert neighbours.by_counts(real, fake) == pytest.approx(expected, abs=1e-12)
    with_errors = neighbours.with_error_bars(real, fake)
    assert with_errors[2:] == pytest.approx(expected[2:], abs=1e-12)


def test_features_have_the_spectrum_that_is_promised():
    one, other = features(20_000, 4, seed=1)
    scales = np.arange(1, 5) ** -0.5
    np.testing.assert_allclose(one.std(axis=0), scales, rtol=0.05)
    np.testing.assert_allclose(other.std(axis=0), 1.1 * scales, rtol=0.05)
    np.testing.assert_allclose(other.mean(axis=0), 0.05, atol=0.03)
