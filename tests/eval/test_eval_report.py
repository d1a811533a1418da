"""The report of a run: one page that needs nothing else, and shows what was measured."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from cgan import cli, loop
from cgan.config import Data, Discriminator, Experiment, Generator
from cgan.data.digits import load_digits
from eval import __main__ as program
from eval.extractors import Splits
from eval.extractors.pixels import Pixels
from eval.gather import Reader, Wanted, gather
from eval.metrics.memorisation import authentic, copy_ratios
from eval.protocol import UNLABELLED, Evaluation
from eval.record import read_records
from eval.reference import chunks_of, load_reference
from eval.report import figures
from eval.report.contents import Contents, beside_train, read_rows, read_snapshots
from eval.report.page import modes, section

N = "300"


def exit_code(*argv):
    try:
        cli.run(lambda: program.main([str(part) for part in argv]))
    except SystemExit as stop:
        return stop.code
    return 0


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A short run with three checkpoints, in a folder whose name HTML would misread."""
    config = Experiment(
        workdir=tmp_path_factory.mktemp("runs") / "<b>&ring",
        data=Data("ring8"),
        generator=Generator(width=8, depth=1),
        discriminator=Discriminator(width=8, depth=1),
        batch_size=8,
        total_nimg=24,
        log_nimg=8,
        snapshot_nimg=8,
        checkpoint_nimg=8,
    )
    loop.train(config, jax.devices()[:1])
    return config.workdir


@pytest.fixture(scope="module")
def page(run):
    assert exit_code("report", run, "--n", N, "--seed", "3") == 0
    return (run / "report.html").read_text()


class Parsed(HTMLParser):
    """Tags that were opened, what they refer to, and whether all were closed."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.images, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        attributes = dict(attrs)
        assert not {"href", "srcset", "onload"} & set(attributes)
        if tag == "img":
            assert attributes["alt"]
            self.images.append(attributes["src"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def content(source):
    head, _, data = source.partition(",")
    return head, base64.b64decode(data, validate=True)


def test_the_page_is_complete_and_asks_nothing_of_any_network(page):
    parsed = Parsed(page)
    assert parsed.open == []
    assert not {"script", "link", "iframe", "b"} & set(parsed.tags)
    assert "default-src 'none'" in page
    assert not re.search(r"url\(|@import|src=\"(?!data:)", page)
    kinds = [content(source)[0] for source in parsed.images]
    assert kinds.count("data:image/svg+xml;base64") == 4
    assert set(kinds) == {"data:image/svg+xml;base64", "data:image/png;base64"}
    for source in parsed.images:
        head, data = content(source)
        if "png" in head:
            with Image.open(io.BytesIO(data)) as image:
                assert min(image.size) > 100
        else:
            assert b"<svg" in data
    assert "&lt;b&gt;&amp;ring" in page


def test_it_shows_each_figure_with_error_floor_and_protocol(page, run):
    records = [r for r in read_records(run / "eval.jsonl") if r.checkpoint_nimg == 24]
    assert {record.n for record in records if record.samples == "generated"} == {300}
    found = {(record.metric, record.samples): record for record in records}
    for (name, samples), record in found.items():
        assert f"<code>{name}</code>" in page
        if name == "frechet_distance":
            assert f">{record.value:.2f} ± {record.standard_error:.2f}<" in page, samples
    assert "± by jackknife_8_groups" in page
    assert f"{found['reverse_kl_nats', 'generated'].perfect_sampler:.4f}" in page
    assert found["frechet_distance", "generated"].reference in page


def test_it_measures_other_checkpoints_once(page, run):
    path = run / "eval.jsonl"
    measured = {record.checkpoint_nimg for record in read_records(path)}
    assert measured == {8, 16, 24}
    before = read_records(path)
    assert exit_code("report", run, "--n", N, "--seed", "3", "--out", run / "again.html") == 0
    added = read_records(path)[len(before) :]
    assert {record.checkpoint_nimg for record in added} == {24}
    assert (run / "again.html").read_text() == page


def test_an_older_checkpoint_can_be_reported(run, capsys):
    out = run / "first.html"
    assert exit_code("report", run, "--n", N, "--step", "1", "--out", out) == 0
    assert f"at 8 images: {out}" in capsys.readouterr().out
    assert "8 images seen, seed 0" in out.read_text()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--out", "page.txt"], "out = 'page.txt': must be a .html file"),
        (["--n", "1"], "n = 1: must be at least 2 samples"),
        (["--metrics", "fid"], "metrics = 'fid'"),
        (["--step", "9"], "checkpoint 72: not in"),
    ],
)
def test_bad_arguments_write_nothing(run, capsys, arguments, named):
    before = sorted(run.rglob("*"))
    assert exit_code("report", run, *arguments) == 2
    printed = capsys.readouterr()
    assert named in printed.err
    assert printed.err.count("\n") == 1
    assert sorted(run.rglob("*")) == before


@pytest.fixture(scope="module")
def digits():
    splits = Splits(load_digits("train"), load_digits("test"))
    rows = np.random.default_rng(0).permutation(len(splits.train))
    reader = Reader(Pixels())
    reference = load_reference("digits", reader, lambda: chunks_of(splits.train, rows))
    return Evaluation(splits, reader, reference, rows, UNLABELLED)


def gathered(evaluation, images):
    needs = frozenset({"features", "images"})
    return gather([images], evaluation.reader, [Wanted(None, needs)])[0]


def test_copies_are_found_and_stand_beside_their_originals(digits):
    train, held_out = digits.splits.train.images, digits.splits.held_out.images
    samples = np.concatenate([held_out[:50], train[[7, 400]]])
    first, likeliest = beside_train(digits, gathered(digits, samples))
    assert [each.number for each in first] == list(range(8))
    assert {each.number for each in likeliest[:2]} == {50, 51}
    for copy in likeliest[:2]:
        assert copy.ratio == 0
        assert copy.distances[0] == 0
        np.testing.assert_array_equal(copy.neighbours[0], copy.sample)
    for each in first:
        pixels = train.reshape(len(train), -1) / 255.0
        apart = np.linalg.norm(pixels - each.sample.ravel() / 255.0, axis=1)
        np.testing.assert_allclose(each.distances, np.sort(apart)[:3], rtol=1e-5)
        np.testing.assert_array_equal(each.neighbours[0], train[apart.argmin()])
    ratios = [each.ratio for each in likeliest]
    assert ratios == sorted(ratios)


def test_a_ratio_is_over_the_distance_that_is_usual_there():
    train = np.array([[0.0], [1.0], [5.0], [5.0]])
    samples = np.array([[0.25], [0.0], [5.0], [5.5], [-2.0]])
    np.testing.assert_allclose(copy_ratios(samples, train), [0.25, 0, 0, np.inf, 2])
    assert authentic(samples, train).tolist() == [False, False, False, True, True]


def drawn(figure):
    return figures.svg(figure).decode()


def test_missing_modes_are_marked():
    for count in (8, 100, 1000):
        counts, weights = np.full(count, 30), np.full(count, 1 / count)
        names = [str(index) for index in range(count)]
        assert "missing" not in labels(figures.mode_shares(counts, weights, names))
        counts[[2, 5]] = 0
        figure = figures.mode_shares(counts, weights, names)
        assert any(text.startswith("missing") for text in labels(figure))
        marked = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
        assert [len(line.get_xdata()) for line in marked] == [2]
        assert drawn(figure) == drawn(figures.mode_shares(counts, weights, names))


def labels(figure):
    legends = [*figure.legends, *(ax.get_legend() for ax in figure.axes)]
    return [t.get_text() for legend in legends if legend for t in legend.get_texts()]


def test_circles_tell_modes_by_what_they_hold():
    means = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    figure = figures.modes_of_points(np.zeros((5, 2)), np.array([20, 19, 0]), means, 0.1)
    assert labels(figure) == ["20 samples or more: 1", "fewer than 20: 1", "missing: 1"]


def test_curves_of_training_rows():
    rows = [
        {"nimg": 8, "discriminator/loss": 1.0, "generator/loss": 2.0, "penalty": 3.0, "rate": 1.0},
        {"nimg": 16, "discriminator/loss": 0.5, "generator/loss": 1.0, "penalty": 2.0},
    ]
    figure = figures.training_curves(rows)
    assert [ax.get_title() for ax in figure.axes[:3]] == ["losses", "penalty", "rate"]
    np.testing.assert_array_equal(figure.axes[0].lines[1].get_ydata(), [2, 1])
    assert figures.training_curves([]) is None


def test_rows_and_snapshots_of_a_run_are_read_as_far_as_they_go(tmp_path):
    path = tmp_path / "metrics.jsonl"
    assert read_rows(path) == []
    path.write_text(json.dumps({"nimg": 8, "a": 1.0}) + '\n[1]\n{"a": 2}\n{"nimg": 16, "a')
    assert read_rows(path) == [{"nimg": 8, "a": 1.0}]
    for name in ("0000000016.png", "0000000008.png", "mine.png"):
        (tmp_path / name).write_bytes(b"")
    assert [nimg for nimg, _ in read_snapshots(tmp_path)] == [8, 16]


def test_data_without_classes_has_no_modes(digits):
    generated = gathered(digits, digits.splits.train.images[:9])
    parts = Contents(Path("run"), 0, 0, "{}", digits, {}, [], [], [], [], generated, [], [])
    assert modes(parts) == ""
    assert section("Modes", "", "") == ""
