"""The report's section of classes: which are shown, their figures and their pictures."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cgan.data.digits import load_digits, load_stacked_digits
from cgan.data.mixtures import load_ring8
from eval.dataset.protocol import LABELED, Evaluation
from eval.dataset.reference import chunks_of, load_reference
from eval.extractors.base import Features
from eval.extractors.reader import Reader
from eval.measuring.measure import gather_sets, measure, needs_of, origin_of
from eval.measuring.subject import Subject
from eval.metrics.catalog import BY_CLASS
from eval.records.words import lowest_classes
from eval.report.classes import classes
from eval.report.contents import PICTURED, Contents
from eval.report.html import at_most
from eval.splits import Splits

METRICS = {metric.name: metric for metric in BY_CLASS}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


class ByHeart:
    """Knows the labels of the images it was shown, and reads all others as class 0."""

    name = fingerprint = "by_heart"
    accuracy = None

    def __init__(self, *sources):
        self.known = {
            image.tobytes(): int(label)
            for source in sources
            for image, label in zip(source.x, source.label, strict=True)
        }

    def __call__(self, stored):
        labels = np.array([self.known.get(image.tobytes(), 0) for image in stored])
        return Features(stored.reshape(len(stored), -1).astype(np.float32), labels)


def contents_of(splits, samples, asked):
    """What a report shows of samples that were asked for these classes."""
    shown = [split[np.arange(min(len(split), 2_000))] for split in splits]
    rows = np.random.default_rng(0).permutation(min(len(splits.train), 2_000))
    by_heart = ByHeart(*shown)
    reader = Reader(by_heart, by_heart, len(splits.train.class_names))
    chunks = lambda: chunks_of(splits.train, rows)  # noqa: E731
    reference = load_reference(splits.train.name, reader, chunks)
    evaluation = Evaluation(splits, reader, reference, rows, LABELED)
    subject = Subject([samples], len(samples), 0, asked)
    sets = gather_sets(evaluation, subject, 0, needs_of(METRICS) | PICTURED)
    records = measure(sets, METRICS, origin_of(evaluation, 0, 0))
    root, generated = Path("run"), sets["generated"].samples
    return Contents(
        root, 0, 0, "{}", evaluation, METRICS, records, [], [], [], [], generated, [], []
    )


@pytest.fixture(scope="module")
def digits():
    """Train images as samples: no ones, and no threes were asked for, but eights instead."""
    splits = Splits(load_digits("train"), load_digits("test"))
    kept = np.flatnonzero(splits.train.labels != 1)[:1_000]
    labels = splits.train.labels[kept].astype(np.int32)
    return contents_of(splits, splits.train.images[kept], np.where(labels == 3, 8, labels))


class Parsed(HTMLParser):
    """The table's cells by row, and the pictures by their words."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.pictures, self.inside = [], {}, False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True
        if tag == "img":
            data = base64.b64decode(dict(attrs)["src"].partition(",")[2])
            self.pictures[dict(attrs)["alt"]] = np.asarray(Image.open(io.BytesIO(data)))
        assert tag not in ("script", "link", "a")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def test_each_class_has_a_row_of_figures_beside_real_ones(digits):
    head, *rows = Parsed(classes(digits)).rows
    found = {(record.metric, record.samples): record.details for record in digits.records}
    sets = ("generated", "generated_matched", "real")
    assert len(head) == 1 + 4 * len(sets)
    assert [row[0] for row in rows] == [name for name in "0123456789" if name not in "13"]
    for name, *cells in rows:
        for place, samples in enumerate(sets):
            count, *values = cells[4 * place : 4 * place + 4]
            details = [found[metric, samples] for metric in METRICS]
            assert count == str(details[0]["n_by_class"][name])
            for text, told in zip(values, details, strict=True):
                if name in told["by_class"]:
                    scale = 100 if "%" in text else 1
                    shown = float(text.rstrip("%")) / scale
                    assert shown == pytest.approx(told["by_class"][name], abs=0.6e-3)
                else:
                    assert text == ""
    (eight,) = (row for row in rows if row[0] == "8")
    asked = digits.generated.asked == 8
    right = (digits.generated.labels == 8)[asked].mean()
    assert eight[1] == str(asked.sum())
    assert eight[2] == f"{right:.1%}"


def tiles(row):
    """The images of a strip of enlarged digits."""
    return [row[4:52:6, 4 + 52 * place : 52 + 52 * place : 6] for place in range(8)]


def test_samples_of_a_class_stand_beside_real_ones(digits):
    train, shown = digits.evaluation.splits.train, Parsed(classes(digits)).pictures
    of_train = {image.tobytes(): label for image, label in zip(*train_images(train), strict=True)}
    assert len(shown) == 2 * 8
    for name in "02456789":
        samples, real = shown[f"samples of {name}"], shown[f"real {name}"]
        asked = np.flatnonzero(digits.generated.asked == int(name))[:8]
        for tile, row in zip(tiles(samples), asked, strict=True):
            np.testing.assert_array_equal(tile, digits.generated.images[row][..., 0])
        for tile in tiles(real):
            assert of_train[np.ascontiguousarray(tile).tobytes()] == int(name)


def train_images(train):
    return train.images[..., 0], train.labels


def test_missing_samples_leave_gray_places():
    splits = Splits(load_digits("train"), load_digits("test"))
    samples = splits.train.images[:40]
    asked = np.where(np.arange(40) < 3, 5, 2).astype(np.int32)
    shown = Parsed(classes(contents_of(splits, samples, asked))).pictures
    fives = tiles(shown["samples of 5"])
    assert [bool((tile == 96).all()) for tile in fives] == [False] * 3 + [True] * 5


def test_of_many_classes_the_worst_are_shown_and_the_page_says_so():
    splits = Splits(load_stacked_digits("train"), load_stacked_digits("test"))
    batch = splits.train[np.arange(600)]
    asked = np.array(batch.label, np.int32)
    asked[:5] = (asked[:5] + 1) % 1_000
    html = classes(contents_of(splits, np.asarray(batch.x), asked))
    parsed = Parsed(html)
    shown = [row[0] for row in parsed.rows[1:]]
    assert len(shown) == 16
    assert {splits.train.class_names[label] for label in asked[:5]} <= set(shown)
    accuracies = [float(row[2].rstrip("%")) for row in parsed.rows[1:]]
    assert accuracies == sorted(accuracies)
    assert "16 of 1,000 classes, those whose samples are read" in html
    assert len(parsed.pictures) == 32


def test_the_page_is_the_same_each_time_and_escapes_names(digits):
    assert classes(digits) == classes(digits)
    names = ("<i>&", *"123456789")
    splits = Splits(replace(load_digits("train"), class_names=names), load_digits("test"))
    images, asked = splits.train.images[:60], np.zeros(60, np.int32)
    html = classes(contents_of(splits, images, asked))
    assert "<i>" not in html
    assert "&lt;i&gt;&amp;" in html


def test_runs_without_labels_have_no_such_section(digits):
    others = [record for record in digits.records if record.metric != "class_accuracy"]
    assert classes(digits._replace(records=others)) == ""


def test_points_have_figures_and_no_pictures():
    train = load_ring8("train")
    splits = Splits(train, load_ring8("test"))
    batch = train[np.arange(500)]
    contents = contents_of(splits, np.asarray(batch.x), np.asarray(batch.label))
    parsed = Parsed(classes(contents))
    assert len(parsed.rows) == 9
    assert parsed.pictures == {}


def test_the_terminal_names_the_lowest_classes(digits):
    told = lowest_classes(METRICS, digits.records)
    by_class = next(r for r in digits.records if r.metric == "class_accuracy").details["by_class"]
    name, value = next(iter(by_class.items()))
    assert name == "8"
    assert told.startswith(f"Lowest by class: read as the class asked for 8 {value:.1%}, ")
    assert re.search(r"recall within classes \(k = 3\) \d 0\.\d{3}, \d \S+, \d \S+\.$", told)
    assert lowest_classes({}, []) == ""


def test_large_pictures_are_made_smaller_and_small_ones_stay():
    def png(width):
        content = io.BytesIO()
        Image.fromarray(np.zeros((20, width), np.uint8)).save(content, "png")
        return content.getvalue()

    assert at_most(png(100), 100) == png(100)
    with Image.open(io.BytesIO(at_most(png(400), 100))) as image:
        assert image.size == (100, 5)
