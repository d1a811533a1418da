"""The tables against numbers worked out by hand, and the page and the picture that show them."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from cgan.config import ConfigError
from configs import CONFIGS
from eval.study import plot
from eval.study.page import markers, read_page, replace_between
from eval.study.plan import choices
from eval.study.summary import tables
from eval.study.table import how_to_read, markdown
from tests.study.toy import TOY, row, tuning, whole


def lines_of(rows, study=TOY, seeds=3):
    return markdown(study, tables(study, rows, seeds)).splitlines()


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
        "Chosen penalties, of 0.5, 2 times the experiment's own, by the mean reverse KL of seeds "
        "100, 101: tuned **0.20**, 0.45. `*`: at an edge of them.",
    ]


def test_the_p_values_of_one_table_are_adjusted_together():
    """Against both of two variants alike, each p = 0.074 becomes 2 p = 0.148."""
    third = dataclasses.replace(TOY.variants["plain"])
    study = dataclasses.replace(TOY, variants=TOY.variants | {"third": third})
    rows = [*whole(), *(row("third", seed, 0.5 + 0.1 * seed) for seed in range(3))]
    found = lines_of(rows, study)
    assert sum("p = 0.148" in line for line in found) == 2


def test_a_failed_run_is_counted_and_left_out_of_means_and_pairs():
    rows = [one for one in whole() if (one["variant"], one["seed"]) != ("tuned", 2)]
    line = lines_of([*rows, row("tuned", 2, factor=0.5)])[5]
    assert "| 3 (1 failed) | 8.0 ± 0.0 | 0.25 ± 0.07 | -0.15 ± 0.05, p = 0.205 |" in line


def test_runs_that_are_not_reported_are_in_no_table():
    extra = [row("tuned", 0, 9.0, factor=2.0), row("plain", 7, 9.0), row("other", 0, 9.0)]
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
    assert how_to_read(alone, 3) == "Mean ± standard deviation over seeds 0 to 2."


def test_one_variant_of_two_makes_no_table():
    assert tables(TOY, [one for one in whole() if one["variant"] != "tuned"], 3) == []
    assert tables(TOY, tuning(), 3) == []


def test_each_group_has_its_table_under_the_baseline():
    study = dataclasses.replace(TOY, groups={"one": ("plain", "tuned"), "other": ("tuned",)})
    found = tables(study, whole(), 3)
    assert [(table.title, [line.variant for line in table.lines]) for table in found] == [
        ("one", ["plain", "tuned"]),
        ("other", ["plain", "tuned"]),
    ]


def test_a_choice_between_others_is_not_at_an_edge():
    three = dataclasses.replace(TOY.tuning, factors=(0.5, 1.0, 2.0))
    study = dataclasses.replace(TOY, tuning=three)
    middle = [row("tuned", seed, 0.05, factor=1.0) for seed in (100, 101)]
    choice = choices(study, [*tuning(), *middle])["ring8", "tuned"]
    assert (choice.factor, choice.is_at_the_edge) == (1.0, False)


def test_the_page_keeps_what_stands_around_the_results(tmp_path):
    page = tmp_path / "page.md"
    begin, end = markers("toy")
    page.write_text(f"above\n{begin}\nold\n{end}\nbelow\n<!-- study other: begin -->\n")
    replace_between(page, "toy", how_to_read(TOY, 3))
    text = page.read_text()
    assert text.startswith(f"above\n{begin}\n\nMean ± standard deviation over seeds 0 to 2.")
    assert text.endswith(f"{end}\nbelow\n<!-- study other: begin -->\n")
    assert "old" not in text
    with pytest.raises(ConfigError, match="must hold the lines <!-- study other: begin"):
        read_page(page, "other")
    with pytest.raises(ConfigError, match="can't be read"):
        read_page(tmp_path / "none.md", "toy")


@pytest.mark.parametrize("suffix", plot.FORMATS)
def test_a_picture_is_the_same_each_time_it_is_drawn(tmp_path, suffix):
    found = tables(TOY, [*whole()[:-1], row("tuned", 2, factor=0.5)], 3)
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
    (axes,) = plot.draw(tables(TOY, whole(), 3), TOY.baseline).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["plain", "tuned"]
    drawn = [list(line.get_xdata()) for line in axes.lines]
    assert pytest.approx([0.3, 0.2, 0.1]) in drawn
    assert any(np.allclose(xs, 0.0013) for xs in drawn)  # the perfect sampler
    assert any(np.allclose(xs, 4.4) for xs in drawn)  # noise
    assert axes.get_xscale() == "log"
