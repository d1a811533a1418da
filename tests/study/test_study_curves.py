"""Curves of a study: where points stand, what is drawn of them; and pairs that are compared."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from eval.dataset.protocol import load_evaluation
from eval.metrics.frechet import frechet_distance
from eval.study import curves, representation, session
from eval.study.declare import Benchmark, Curves, Figure, Point, Variant, change
from eval.study.figures import Panel, baselines
from eval.study.page import markers
from eval.study.results import opened
from eval.study.summary import tables
from eval.study.table import markdown
from tests.study.toy import KL, MODES, TOY, bare, row

KEYS = (KL.key, MODES.key)


def points(benchmark, variant):
    return (Point("number of reals", variant, {"ring8": 100.0, "grid25": 1_000.0}[benchmark]),)


STUDY = dataclasses.replace(
    TOY,
    variants={"plain": TOY.variants["plain"], "other": Variant(change())},
    benchmarks={
        name: Benchmark(total_nimg=64, figures=(MODES, KL)) for name in ("ring8", "grid25")
    },
    pairs=(("other", "plain"),),
    pairs_by=KEYS,
    curves=Curves(KEYS, points),
)


def rows():
    """Of ring8 KLs 0.4 and 0.3, 0.2, 0.1; of grid25 half of them. Modes 8, or 7, 8, 9."""
    found = []
    for benchmark, factor in (("ring8", 1.0), ("grid25", 0.5)):
        of = [one | {"benchmark": benchmark} for one in bare()]
        for seed in range(3):
            of.append(row("plain", seed, 0.4 * factor))
            of.append(row("other", seed, (0.3 - 0.1 * seed) * factor, modes=9.0 + seed))
        found += [one | {"benchmark": benchmark} for one in of]
    return found


def test_no_two_of_sixteen_curves_look_alike():
    looks = [str(sorted(curves.Look(number).style.items())) for number in range(16)]
    assert len(set(looks)) == 16


def test_points_are_means_and_deviations_over_seeds():
    found = curves.collected(tables(STUDY, rows()), STUDY.curves)
    assert list(found) == ["number of reals"]
    other = found["number of reals"][KL.key]["other"]
    assert list(other) == [100.0, 1_000.0]
    assert other[100.0] == pytest.approx((0.2, 0.1))
    assert other[1_000.0] == pytest.approx((0.1, 0.05))
    real = curves.of_real(tables(STUDY, rows()), STUDY.curves)
    assert real["number of reals"][KL.key] == {100.0: 0.0013, 1_000.0: 0.0013}


def test_each_figure_has_a_panel_with_a_curve_for_each_variant_and_the_reals():
    drawn = curves.draw(tables(STUDY, rows()), STUDY.curves)
    first, second = drawn.axes
    assert [axes.get_title(loc="left") for axes in drawn.axes] == ["reverse KL", "modes"]
    assert [text.get_text() for text in first.get_xticklabels()] == ["100", "1,000"]
    means = [bars.lines[0].get_ydata().tolist() for bars in first.containers]
    assert np.allclose(means, [[0.4, 0.2], [0.2, 0.1]])
    named = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert set(named) == {"plain", "other", "real data"}
    assert len(second.containers) == 2


def test_a_page_has_the_picture_of_curves_and_the_pairs(tmp_path):
    page, out, picture = (tmp_path / name for name in ("page.md", "rows.jsonl", "curves.png"))
    page.write_text("\n".join(markers("study toy")))
    with opened(out) as results:
        for one in rows():
            results.append(one)
    session.publish("toy", STUDY, out, "a command", page, picture)
    text = page.read_text()
    assert "](curves.png)" in text
    assert "| other less plain | +2.0 ± 0.6, p = 0.074 | -0.20 ± 0.06, p = 0.074 |" in text
    with Image.open(picture) as image:
        assert len(np.unique(np.asarray(image).reshape(-1))) > 5
    first = picture.read_bytes()
    session.publish("toy", STUDY, out, "a command", page, picture)
    assert picture.read_bytes() == first


def test_pairs_are_told_by_figure_with_what_is_better_and_worse():
    """Differences -0.1, -0.2, -0.3 are 3.5 errors from 0; modes 1, 2, 3 too, and more is better."""
    text = markdown(STUDY, tables(STUDY, rows()))
    assert text.count("- reverse KL: better other than plain. Worse none.") == 2
    assert text.count("- modes: better other than plain. Worse none.") == 2
    turned = dataclasses.replace(STUDY, pairs=(("plain", "other"),))
    text = markdown(turned, tables(turned, rows()))
    assert "- reverse KL: better none. Worse plain than other." in text
    errors = stats.sem([-0.1, -0.2, -0.3])
    assert f"+0.20 ± {errors:.2f}" in text


def test_without_both_of_a_pair_there_is_no_table_of_pairs():
    only = [one for one in rows() if one["variant"] != "other"]
    study = dataclasses.replace(STUDY, variants={"plain": STUDY.variants["plain"]}, pairs=())
    assert "first less second" not in markdown(study, tables(study, only))


def test_samples_are_compared_with_held_out_ones_where_that_is_asked_for():
    """Of train samples against held-out ones; copies are looked for among what was learnt."""
    from cgan.config import Data

    evaluation = load_evaluation(Data("digits", limit=30))
    figures = (
        Figure("frechet_distance", "Frechet distance", n=300),
        Figure("authenticity", "authenticity", n=300),
    )
    real = baselines("digits", Panel(evaluation, figures, held_out=True))[0]
    splits, rows_ = evaluation.splits, evaluation.reference_rows[:300]
    features = [
        evaluation.reader.extractor(np.asarray(source[of].x)).features
        for source, of in (
            (splits.train, rows_),
            (splits.held_out, np.arange(len(splits.held_out))),
        )
    ]
    expected = frechet_distance(*(np.asarray(of, np.float64) for of in features))
    assert real["frechet_distance@300"] == pytest.approx(expected, rel=1e-3)
    learnt = evaluation.part.source[np.arange(30)].x
    panel = Panel(evaluation, (Figure("authenticity", "authenticity", n=30),), held_out=True)
    assert panel.measure([np.asarray(learnt)]) == {"authenticity@30": 0.0}


def test_figures_of_networks_tell_classes_that_are_apart_from_those_that_are_not():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 25)
    apart = np.eye(4)[labels] * 10 + rng.normal(size=(100, 4)) * 0.1
    mixed = rng.normal(size=(100, 4))
    assert representation.linear_probe((apart, labels), (apart, labels)) == 1.0
    assert representation.linear_probe((mixed, labels), (mixed[::-1], labels)) < 0.5
    assert representation.separation((apart, labels), (apart, labels)) > 0.95
    assert abs(representation.separation((mixed, labels), (mixed, labels))) < 0.1
