"""The tables against numbers worked out by hand, and the page and the picture that show them."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from cgan.config import ConfigError
from configs import CONFIGS
from eval.study import plot
from eval.study.declare import as_it_is, change, penalties
from eval.study.page import markers, read_page, replace_between
from eval.study.plan import choices
from eval.study.statistics import Paired
from eval.study.summary import tables
from eval.study.table import how_to_read, leads, markdown
from tests.study.toy import KL, MODES, TOY, at_budgets, bare, row, tuning, whole


def lines_of(rows, study=TOY):
    return markdown(study, tables(study, rows)).splitlines()


def test_a_table_of_fixed_results_by_hand():
    """The tuned KLs 0.3, 0.2, 0.1: mean 0.2, deviation 0.1; less 0.4: -0.2, error 0.1 / sqrt(3).

    t = 2 sqrt(3) with 2 degrees of freedom: p = 1 - sqrt(12 / 14) = 0.074.
    """
    half = 0.5 * CONFIGS["ring8"].penalty.r1
    assert lines_of(whole()) == [
        "**ring8** (64 images a run; data `ring8`)",
        "",
        "| variant | R1 = R2 | seeds | modes | reverse KL | reverse KL less plain's |",
        "|---|---|---|---|---|---|",
        f"| plain | {CONFIGS['ring8'].penalty.r1:.3g} | 3 | 8.0 ± 0.0 | 0.40 ± 0.00 |  |",
        f"| tuned | {half:.3g}* | 3 | 8.0 ± 0.0 | 0.20 ± 0.10 | -0.20 ± 0.06, p = 0.074 |",
        "| *real data* |  |  | 8.0 | 0.00 |  |",
        "| *perfect sampler* |  |  | 8.0 ± 0.0 | 0.00 ± 0.01 |  |",
        "| *uniform noise* |  |  | 7.0 | 4.40 |  |",
        "",
        "Trials by the mean reverse KL of seeds 100, 101, the chosen one in bold: tuned "
        "**0.5: 0.20**, 2: 0.45. A number alone: times the experiment's own R1 and R2. `*`: the "
        "first or the last of trials in order.",
    ]


def test_the_p_values_of_one_table_are_adjusted_together():
    """Against both of two variants alike, each p = 0.074 becomes 2 p = 0.148."""
    third = dataclasses.replace(TOY.variants["plain"])
    study = dataclasses.replace(TOY, variants=TOY.variants | {"third": third})
    rows = [*whole(), *(row("third", seed, 0.5 + 0.1 * seed) for seed in range(3))]
    found = lines_of(rows, study)
    assert sum("p = 0.148" in line for line in found) == 2


def test_trials_of_a_benchmark_without_seeds_are_told_where_they_are_taken():
    other = dataclasses.replace(
        TOY.benchmarks["ring8"], experiment="ring8", tuned_on="ring8", seeds=3
    )
    unseen = dataclasses.replace(TOY.benchmarks["ring8"], seeds=0)
    study = dataclasses.replace(TOY, benchmarks={"ring8": unseen, "rings": other})
    moved = [one | {"benchmark": "rings"} for one in whole() if (one["seed"] or 0) < 100]
    found = lines_of([*tuning(), *moved], study)
    assert not any(line.startswith("**ring8**") for line in found)
    assert found[-1].startswith(
        "Trials by the mean reverse KL of seeds 100, 101 on ring8, of which nothing is reported, "
        "the chosen one in bold: tuned **0.5: 0.20**, 2: 0.45."
    )


def test_a_failed_run_is_counted_and_left_out_of_means_and_pairs():
    rows = [one for one in whole() if (one["variant"], one["seed"]) != ("tuned", 2)]
    line = lines_of([*rows, row("tuned", 2, trial="0.5")])[5]
    assert "| 3 (1 failed) | 8.0 ± 0.0 | 0.25 ± 0.07 | -0.15 ± 0.05, p = 0.205 |" in line


def test_runs_that_are_not_reported_are_in_no_table():
    extra = [row("tuned", 0, 9.0, trial="2"), row("plain", 7, 9.0), row("other", 0, 9.0)]
    assert lines_of([*whole(), *extra]) == lines_of(whole())


def test_an_undefined_figure_is_left_out_and_one_of_no_seed_is_undefined():
    rows = whole()
    for one in rows:
        if one["variant"] == "plain":
            one["modes_captured_at_1"] = None if one["seed"] else 6.0
        if one["variant"] == "tuned":
            one["modes_captured_at_1"] = None
    found = lines_of(rows)
    assert "| 3 | 6.0 | 0.40" in found[4]
    assert "| 3 | undefined | 0.20" in found[5]


def test_a_study_of_one_variant_compares_nothing():
    alone = dataclasses.replace(TOY, variants={"plain": TOY.variants["plain"]})
    assert lines_of(whole(), alone)[2:5] == [
        "| variant | seeds | modes | reverse KL |",
        "|---|---|---|---|",
        "| plain | 3 | 8.0 ± 0.0 | 0.40 ± 0.00 |",
    ]
    assert how_to_read(alone) == "Mean ± standard deviation over seeds 0 to 2."


def test_one_variant_of_two_makes_no_table():
    assert tables(TOY, [one for one in whole() if one["variant"] != "tuned"]) == []
    assert tables(TOY, tuning()) == []


def test_each_group_has_its_table_under_the_baseline():
    study = dataclasses.replace(TOY, groups={"one": ("plain", "tuned"), "other": ("tuned",)})
    found = tables(study, whole())
    assert [(table.title, [line.variant for line in table.lines]) for table in found] == [
        ("one", ["plain", "tuned"]),
        ("other", ["plain", "tuned"]),
    ]


def tuned_by(trials, ordered=True):
    """The toy study with other trials of its tuned variant."""
    tuned = dataclasses.replace(TOY.variants["tuned"], trials=trials, ordered=ordered)
    return dataclasses.replace(TOY, variants=TOY.variants | {"tuned": tuned})


def test_a_choice_between_others_is_not_at_an_edge():
    middle = [row("tuned", seed, 0.05, trial="1") for seed in (100, 101)]
    choice = choices(tuned_by(penalties(0.5, 1.0, 2.0)), [*tuning(), *middle])["ring8", "tuned"]
    assert (choice.trial, choice.is_at_the_edge) == ("1", False)


def test_trials_without_order_have_no_edge():
    (choice,) = choices(tuned_by(penalties(0.5, 2.0), ordered=False), tuning()).values()
    assert (choice.trial, choice.is_at_the_edge) == ("0.5", False)


def test_a_trial_that_is_no_penalty_is_named():
    cold = change(objective={"temperature": 0.5})
    rows = [
        one | {"trial": {"0.5": "cold", "2": "as it is"}.get(one["trial"])}
        if one["variant"] == "tuned"
        else one
        for one in whole()
    ]
    found = lines_of(rows, tuned_by({"cold": cold, "as it is": as_it_is}, ordered=False))
    own = f"{CONFIGS['ring8'].penalty.r1:.3g}"
    assert found[2].startswith("| variant | R1 = R2; trial | seeds |")
    assert found[4].startswith(f"| plain | {own} | 3 |")
    assert found[5].startswith(f"| tuned | {own}; cold | 3 |")
    assert "tuned **cold: 0.20**, as it is: 0.45." in found[-1]


def on_the_way():
    """The toy study's rows at 32 and 64 images; the tuned variant's at 16 and 32 in equal time."""
    early = [row("plain", seed, 0.8, nimg=32) for seed in range(3)]
    early += [row("tuned", seed, 0.6, trial="0.5", nimg=32) for seed in range(3)]
    early += [row("tuned", seed, 0.9, trial="0.5", nimg=16) for seed in range(3)]
    return [*whole(), *early]


def test_there_is_a_table_for_each_budget_and_at_equal_time():
    study = at_budgets(TOY, step_time={"tuned": 1.5})
    found = tables(study, on_the_way())
    told = [
        (each.budget, [(line.nimg, line.spread(KL.key).mean) for line in each.lines])
        for each in found
    ]
    assert told == [
        (32, [(32, pytest.approx(0.8)), (32, pytest.approx(0.6))]),
        (32, [(32, pytest.approx(0.8)), (16, pytest.approx(0.9))]),
        (64, [(64, pytest.approx(0.4)), (64, pytest.approx(0.2))]),
        (64, [(64, pytest.approx(0.4)), (32, pytest.approx(0.6))]),
    ]
    assert [each.is_last for each in found] == [False, False, True, False]
    text = markdown(study, found)
    assert "**ring8** (32 images of 64 a run; data `ring8`)" in text
    assert "**ring8** (64 images a run; data `ring8`)" in text
    in_time = "**ring8** (equal time: what plain takes for 32 images of 64; data `ring8`)"
    lines = text.partition(in_time)[2].splitlines()
    assert (
        lines[2]
        == "| variant | R1 = R2 | images | seeds | modes | reverse KL | reverse KL less plain's |"
    )
    assert [line.split(" | ")[2] for line in lines[4:6]] == ["32", "16"]
    assert all(line.count("|") == lines[2].count("|") for line in lines[3:9])
    assert text.count("Trials by the mean reverse KL of seeds 100, 101, the chosen") == 1
    told = how_to_read(study)
    assert "Rows at fewer images than a run's all are of the same training" in told
    assert "At equal time a variant has seen the images that its measured step takes" in told


def test_a_contender_is_compared_with_each_other_by_scipy_and_holm_by_hand():
    """Of two others the smaller p is doubled, and the larger one no smaller than that."""
    kls = {"plain": [0.5, 0.4, 0.7], "third": [0.32, 0.19, 0.12], "tuned": [0.3, 0.2, 0.1]}
    modes = {"plain": [5.0, 7.0, 6.0], "third": [8.0, 8.0, 8.0], "tuned": [8.0, 8.0, 8.0]}
    third = dataclasses.replace(TOY.variants["plain"])
    variants = TOY.variants | {"third": third}
    study = dataclasses.replace(TOY, variants=variants, contender="tuned")
    rows = [*bare(), *tuning()]
    for name in kls:
        for seed in range(3):
            trial = "0.5" if name == "tuned" else None
            rows.append(row(name, seed, kls[name][seed], modes[name][seed], trial))
    (table,) = tables(study, rows)
    p = {name: stats.ttest_rel(kls["tuned"], kls[name]).pvalue for name in ("plain", "third")}
    assert p["plain"] < p["third"]
    expected = {"plain": 2 * p["plain"], "third": max(2 * p["plain"], p["third"])}
    for name, pair in table.lead[KL.key].items():
        differences = np.subtract(kls["tuned"], kls[name])
        assert pair.mean == pytest.approx(differences.mean())
        assert pair.error == pytest.approx(differences.std(ddof=1) / 3**0.5)
        assert pair.p == pytest.approx(expected[name])
    assert table.lead[MODES.key]["third"][1:] == (0.0, 0.0, 1.0)
    found = lines_of(rows, study)
    start = found.index("| tuned less | modes | reverse KL |")
    more = stats.ttest_rel(modes["tuned"], modes["plain"]).pvalue
    assert found[start + 2].startswith(
        f"| plain | +2.0 ± 0.6, p = {2 * more:.3f} | -0.33 ± 0.13, p"
    )
    assert found[start + 3].startswith("| third | 0.0 ± 0.0, p = 1.000 | -0.01 ± 0.01, p")
    assert found[start + 5 : start + 9] == [
        "Led by tuned by more than two standard errors:",
        "",
        "- in modes 1 of 2: plain",
        "- in reverse KL 1 of 2: plain",
    ]
    assert "tuned less each other" in how_to_read(study)


def test_a_lead_is_more_than_two_standard_errors_to_the_better_side():
    def by(mean):
        return Paired(3, mean, 0.5, 0.1)

    assert [leads(MODES, by(mean)) for mean in (1.1, 1.0, -1.1)] == [True, False, False]
    assert [leads(KL, by(mean)) for mean in (1.1, -1.0, -1.1)] == [False, False, True]


def test_how_to_read_tells_of_fewer_seeds():
    more = dataclasses.replace(TOY.benchmarks["ring8"], seeds=10)
    study = dataclasses.replace(TOY, benchmarks=TOY.benchmarks | {"grid25": more})
    assert "over seeds 0 to 9, or to 2 where there are fewer." in how_to_read(study)


def test_the_page_keeps_what_stands_around_the_results(tmp_path):
    page = tmp_path / "page.md"
    begin, end = markers("study toy")
    page.write_text(f"above\n{begin}\nold\n{end}\nbelow\n<!-- study other: begin -->\n")
    replace_between(page, "study toy", how_to_read(TOY))
    text = page.read_text()
    assert text.startswith(f"above\n{begin}\n\nMean ± standard deviation over seeds 0 to 2.")
    assert text.endswith(f"{end}\nbelow\n<!-- study other: begin -->\n")
    assert "old" not in text
    with pytest.raises(ConfigError, match="must hold the lines <!-- study other: begin"):
        read_page(page, "study other")
    with pytest.raises(ConfigError, match="can't be read"):
        read_page(tmp_path / "none.md", "study toy")


@pytest.mark.parametrize("suffix", plot.FORMATS)
def test_a_picture_is_the_same_each_time_it_is_drawn(tmp_path, suffix):
    found = tables(TOY, [*whole()[:-1], row("tuned", 2, trial="0.5")])
    paths = [tmp_path / f"{number}{suffix}" for number in range(2)]
    for path in paths:
        plot.save(path, found, TOY.baseline)
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert len(first) > 2_000
    if suffix == ".png":
        with Image.open(paths[0]) as picture:
            assert np.asarray(picture).std() > 10


def test_a_picture_shows_each_seed_its_mean_and_the_baselines():
    (axes,) = plot.draw(tables(TOY, whole()), TOY.baseline).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["plain", "tuned"]
    drawn = [list(line.get_xdata()) for line in axes.lines]
    assert pytest.approx([0.3, 0.2, 0.1]) in drawn
    assert any(np.allclose(xs, 0.0013) for xs in drawn)  # the perfect sampler
    assert any(np.allclose(xs, 4.4) for xs in drawn)  # noise
    assert axes.get_xscale() == "log"
