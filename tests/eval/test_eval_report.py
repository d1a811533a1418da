"""The report of a run: one page that needs nothing else, and shows what was measured."""

import base64
import io
import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from cgan.config import Data, Discriminator, Experiment, Generator
from cgan.data.digits import load_digits
from cgan.sinks import trackers
from cgan.training import loop
from eval.dataset.protocol import UNLABELED, Evaluation
from eval.dataset.reference import chunks_of, load_reference
from eval.extractors.base import Features
from eval.extractors.pixels import Pixels
from eval.extractors.reader import Reader
from eval.files.records import read_records
from eval.gather import Wanted, gather
from eval.metrics.frechet import FRECHET
from eval.metrics.memorization import authentic, copy_ratios
from eval.records.record import Record
from eval.report import figures
from eval.report import page as pages
from eval.report.contents import (
    CURVES,
    Contents,
    alike,
    beside_train,
    read_metrics,
    read_snapshots,
    unmeasured,
)
from eval.report.html import section
from eval.report.page import _snapshot, modes
from eval.splits import Splits
from eval.verdict.judge import EXIT_CODES
from eval.verdict.rows import HEADINGS
from tests.eval.commands import exit_code
from tests.recorder import Recorder

N = "300"


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


class Cells(HTMLParser):
    """The table's cells as text, by row."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.inside = [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        self.inside = tag in ("td", "th", "br", "span", "code") and bool(self.rows)
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th", "table"):
            self.inside = False

    def handle_data(self, data):
        if self.inside and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_it_shows_each_figure_with_error_floor_and_protocol(page, run):
    records = [r for r in read_records(Record, run / "eval.jsonl") if r.checkpoint_nimg == 24]
    records = [record for record in records if record.seed == 3 and record.floor_n == 300]
    assert {record.n for record in records if record.samples == "generated"} == {300}
    found = {(record.metric, record.samples): record for record in records}
    head, *rows = Cells(page[page.index("<h2>Figures") :]).rows
    sets = ("generated", "real", "noise")
    assert [h[:7] for h in head[1:4]] == ["generat", "real da", "uniform"]
    for row in rows:
        (name,) = {name for name, _ in found if f"{name}," in row[0]}
        for samples, text in zip(sets, row[1:], strict=False):
            record = found[name, samples]
            if record.value is None:
                assert text == "undefined"
                continue
            shown = float(text.split()[0].rstrip("%").replace(",", ""))
            scale = 100 if "%" in text else 1
            assert shown == pytest.approx(scale * record.value, abs=0.06 if scale > 1 else 0.006)
            assert ("±" in text) == (record.standard_error is not None)
    distance = next(row for row in rows if "frechet_distance" in row[0])
    assert "± by jackknife_8_groups" in distance[0]
    kl = found["reverse_kl_nats", "generated"].perfect_sampler
    assert f"{kl:.4f}" in next(row for row in rows if "reverse_kl" in row[0])[-1]
    assert found["frechet_distance", "generated"].reference in page


def test_the_verdict_stands_at_the_top_with_its_evidence_and_picture(page, run, capsys):
    assert page.index("<h2>Verdict") < page.index("<h2>Figures")
    part, _, _ = page[page.index("<h2>Verdict") :].partition("</section>")
    assert exit_code("collapse", run, "--n", N, "--seed", "3") == EXIT_CODES["unrecognisable"]
    printed = capsys.readouterr().out.splitlines()[0]
    assert printed[:60] in part
    assert 'class="verdict unrecognisable"' in part
    head, *rows = Cells(part).rows
    assert head[1:] == list(HEADINGS)
    assert [row[0] for row in rows][:2] == ["modes covered", "modes dropped"]
    assert rows[0][3] == "8 of 8"
    (source,) = Parsed(part).images
    assert content(source)[1].startswith(b"\x89PNG")


def test_it_measures_other_checkpoints_once(page, run, monkeypatch):
    path = run / "eval.jsonl"
    measured = {record.checkpoint_nimg for record in read_records(Record, path)}
    assert measured == {8, 16, 24}
    before = read_records(Record, path)
    assert exit_code("report", run, "--n", N, "--seed", "3", "--out", run / "again.html") == 0
    assert read_records(Record, path) == before
    assert (run / "again.html").read_text() == page
    monkeypatch.setattr(pages, "page", lambda contents: "drawn before")
    arguments = ("--n", "200", "--out", run / "one.html")
    assert exit_code("report", run, *arguments, "--metrics", "frechet_distance") == 0
    assert exit_code("report", run, *arguments) == 0
    at_200 = [r for r in read_records(Record, path) if r.n == 200 and r.samples == "generated"]
    offered = set(CURVES) - {"class_accuracy"}
    followed = {(r.checkpoint_nimg, r.metric) for r in at_200 if r.metric in offered}
    assert followed == {(nimg, metric) for nimg in (8, 16, 24) for metric in offered}


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
        (["--step", "9"], "step = 9: must be one of 1, 2, 3, where there are checkpoints"),
        (
            ["--n", "5", "--metrics", "precision_k3_inclusive"],
            "number of samples = 5: must be at least 6 for precision_k3_inclusive",
        ),
        (["--out", "/proc/page.html"], "out = '/proc/page.html': must be below a folder that can"),
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
    return Evaluation(splits, reader, reference, rows, UNLABELED)


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
        np.testing.assert_array_equal(copy.neighbors[0], copy.sample)
    for each in first:
        pixels = train.reshape(len(train), -1) / 255.0
        apart = np.linalg.norm(pixels - each.sample.ravel() / 255.0, axis=1)
        np.testing.assert_allclose(each.distances, np.sort(apart)[:3], rtol=1e-5)
        np.testing.assert_array_equal(each.neighbors[0], train[apart.argmin()])
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
        counts[[2, 5]] = 0
        counts[7] = 120
        figure = figures.mode_shares(counts, weights, names)
        assert any(text.startswith("missing") for text in labels(figure))
        (marked,) = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
        columns = {100: 20, 1000: 50}.get(count, count)
        np.testing.assert_array_equal(np.array(marked.get_xdata()) % columns, [2, 5])
        assert drawn(figure) == drawn(figures.mode_shares(counts, weights, names))


def test_bars_have_binomial_errors_and_maps_the_ratio_to_the_true_share():
    counts, weights = np.array([10, 30, 60]), np.array([0.2, 0.3, 0.5])
    bars = figures.mode_shares(counts, weights, list("abc")).axes[0]
    np.testing.assert_allclose([bar.get_height() for bar in bars.patches], [0.1, 0.3, 0.6])
    whiskers = bars.containers[0].lines[2][0].get_segments()
    lengths = [segment[1, 1] - segment[0, 1] for segment in whiskers]
    np.testing.assert_allclose(lengths, 2 * np.sqrt([0.09 / 100, 0.21 / 100, 0.24 / 100]))
    counts = np.full(100, 10)
    counts[3] = 40
    shown = figures.mode_shares(counts, np.full(100, 0.01), [""] * 100).axes[0].images[0]
    ratios = shown.get_array().ravel()
    assert ratios[3] == pytest.approx(np.log2(40 / 10.3))
    assert ratios[4] == pytest.approx(np.log2(10 / 10.3))


def record(nimg, value, samples="generated", n=100, floor_n=100, seed=0, **others):
    return Record(
        metric=others.get("metric", "frechet_distance"),
        value=value,
        standard_error=value / 10,
        error_protocol="half_samples_8",
        samples=samples,
        n=n,
        seed=seed,
        checkpoint_nimg=nimg,
        source="digits",
        extractor="pixels",
        extractor_fingerprint="a",
        labeller=None,
        labeller_accuracy=None,
        reference="b",
        reference_n=1,
        floor=0.5,
        floor_n=floor_n,
        perfect_sampler=None,
        perfect_sampler_sd=None,
        details={},
    )


def test_figures_are_followed_over_checkpoints_with_errors_and_a_floor_of_their_number():
    history = [record(8, 2.0), record(16, 1.0)]
    axes = figures.metric_curves(history, {"frechet_distance": FRECHET}).axes[0]
    (bars,) = axes.containers
    np.testing.assert_array_equal(bars.lines[0].get_ydata(), [2, 1])
    segments = bars.lines[2][0].get_segments()
    np.testing.assert_allclose([part[1, 1] - part[0, 1] for part in segments], [0.4, 0.2])
    assert any("real data, n = 100" in text for text in labels(axes.figure))
    elsewhere = [record(8, 2.0, floor_n=7), record(16, 1.0, floor_n=7)]
    axes = figures.metric_curves(elsewhere, {"frechet_distance": FRECHET}).axes[0]
    assert not any("real data" in text for text in labels(axes.figure))
    assert figures.metric_curves(history[:1], {"frechet_distance": FRECHET}) is None


def test_only_records_that_were_measured_alike_are_followed():
    now = [record(24, 1.0), record(24, 3.0, "generated_matched", n=10)]
    older = [record(8, 2.0), record(8, 9.0, seed=1), record(16, 9.0, n=50)]
    older += [record(16, 4.0, "generated_matched", n=10)]
    found = alike(older + now, now)
    assert [(r.checkpoint_nimg, r.value) for r in found] == [(8, 2), (16, 4), (24, 1), (24, 3)]
    assert unmeasured(older + now, now, [8, 16, 24]) == {16: ["frechet_distance"]}
    vendi = [record(24, 1.0, metric="vendi_score_cosine_q1")]
    assert unmeasured(vendi, vendi, [8, 24]) == {}


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
    assert read_metrics(path) == []
    path.write_text(json.dumps({"nimg": 8, "a": 1.0}) + '\n[1]\n{"a": 2}\n{"nimg": 16, "a')
    assert read_metrics(path) == [{"nimg": 8, "a": 1.0}]
    for name in ("0000000016.png", "0000000008.png", "mine.png"):
        (tmp_path / name).write_bytes(b"")
    assert [nimg for nimg, _ in read_snapshots(tmp_path)] == [8, 16]


def test_data_without_classes_has_no_modes(digits):
    generated = gathered(digits, digits.splits.train.images[:9])
    parts = Contents(Path("run"), 0, 0, "{}", digits, {}, [], [], [], [], [], generated, [], [])
    assert modes(parts) == ""
    assert section("Modes", "", "") == ""


@dataclass(frozen=True)
class ByHeart:
    """Knows the label of each train image."""

    name = "by_heart"
    fingerprint = "by_heart"
    accuracy = None

    def __call__(self, stored):
        digits = load_digits("train")
        known = {i.tobytes(): label for i, label in zip(digits.images, digits.labels, strict=True)}
        return Features(
            stored.reshape(len(stored), -1).astype(np.float32),
            np.array([known[image.tobytes()] for image in stored]),
        )


def test_classes_are_pictured_by_name_and_missing_ones_by_real_images():
    splits = Splits(load_digits("train"), load_digits("test"))
    rows = np.random.default_rng(0).permutation(len(splits.train))
    reader = Reader(Pixels(), ByHeart(), 10)
    reference = load_reference("digits", reader, lambda: chunks_of(splits.train, rows))
    evaluation = Evaluation(splits, reader, reference, rows, UNLABELED)
    present = splits.train.images[splits.train.labels != 7]
    needs = frozenset({"features", "images", "labels", "counts"})
    (generated,) = gather([present], reader, [Wanted(None, needs)])
    contents = Contents(
        Path("run"), 0, 0, "{}", evaluation, {}, [], [], [], [], [], generated, [], []
    )
    html = modes(contents)
    images = [content(source)[1] for source in Parsed(html).images if "png" in source[:16]]
    (missing, grid) = [np.asarray(Image.open(io.BytesIO(data))) for data in images]
    sevens = splits.train.images[splits.train.labels == 7][..., 0]
    assert any(np.array_equal(missing, seven) for seven in sevens)
    assert "<figcaption>7</figcaption>" in html
    labels_of = {
        image.tobytes(): int(label)
        for image, label in zip(splits.train.images[..., 0], splits.train.labels, strict=True)
    }
    for column in range(10):
        for row in range(5):
            top, left = 4 + 52 * row, 4 + 52 * column
            tile = np.ascontiguousarray(grid[top : top + 48 : 6, left : left + 48 : 6])
            if column == 7 and row:
                assert (tile == 96).all()
            else:
                assert labels_of[tile.tobytes()] == column


def test_a_damaged_snapshot_is_named_and_the_page_goes_on(tmp_path):
    bad = tmp_path / "0000000008.png"
    bad.write_bytes(b"no picture")
    assert "0000000008.png can&#x27;t be read" in _snapshot(8, bad)


def test_another_folder_takes_the_report_and_both_folders_records_are_read(run, tmp_path):
    """What the run's records lack is measured into the other folder, once."""
    before = {path: path.read_bytes() for path in run.iterdir() if path.is_file()}
    out = tmp_path / "made"
    asked = (run, "--n", "60", "--metrics", "modes_captured_at_1", "--out", out)
    assert exit_code("report", *asked) == 0
    assert {path.name for path in out.iterdir()} == {"eval.jsonl", "report.html"}
    first = read_records(Record, out / "eval.jsonl")
    assert {record.checkpoint_nimg for record in first} == {8, 16, 24}
    assert exit_code("report", *asked) == 0
    assert read_records(Record, out / "eval.jsonl") == first
    assert {path: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


def test_a_tracker_is_sent_the_figures_of_all_checkpoints_and_the_drawings(
    run, tmp_path, monkeypatch
):
    sink, told = Recorder(), []

    def open_tracker(*about):
        told.append(about)
        return sink

    monkeypatch.setattr(trackers, "open_tracker", open_tracker)
    asked = ("--n", "60", "--metrics", "modes_captured_at_1", "--track", "wandb")
    asked = (*asked, "--out", tmp_path)
    assert exit_code("report", run, *asked) == 0
    ((name, about),) = told
    assert (name, about.folder, about.config["data"]["source"]) == ("wandb", run, "ring8")
    found = {
        record.checkpoint_nimg: record.value
        for record in read_records(Record, tmp_path / "eval.jsonl")
        if record.samples == "generated"
    }
    rows = [seen for seen in sink.seen if len(seen) == 2]
    assert rows == [(nimg, {"eval/modes_captured_at_1": found[nimg]}) for nimg in (8, 16, 24)]
    drawn = {name: png for nimg, name, png in (s for s in sink.seen if len(s) == 3) if nimg == 24}
    assert {"eval/losses", "eval/modes", "eval/checkpoints"} <= set(drawn)
    for png in drawn.values():
        assert min(Image.open(io.BytesIO(png)).size) > 100
    assert sink.seen[-1] == "closed"
    sink.seen.clear()
    assert exit_code(run, *asked) == 0
    assert sink.seen == [(24, {"eval/modes_captured_at_1": found[24]}), "closed"]
