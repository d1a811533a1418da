"""Verdicts on generators whose truth is known, made of real digits and of mixtures."""

import io
import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from cgan.data import EMBEDDED
from cgan.data.digits import load_digits
from eval.dataset.noise import noise_chunks
from eval.dataset.protocol import UNLABELED, Evaluation, protocol_of
from eval.dataset.reference import chunks_of, load_reference
from eval.extractors import points
from eval.extractors.base import Features
from eval.extractors.pixels import Pixels
from eval.extractors.reader import Reader
from eval.measuring.measure import gather_beside_real, origin_of
from eval.measuring.subject import Subject
from eval.metrics.neighbors import nearest
from eval.splits import Splits
from eval.verdict.entry import append_entry, entry
from eval.verdict.evidence import metrics_of_verdict, needs_of_verdict
from eval.verdict.judge import EXIT_CODES
from eval.verdict.judged import judge_sets, samples_for_verdict
from eval.verdict.picture import draw, pictured_modes
from eval.verdict.table import print_verdict
from eval.verdict.words import cautions, sentence

N = 1_024
"""Of most sets: one number compiles once."""


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@dataclass(frozen=True, eq=False)
class NearestDigit:
    """Labels an image as the train image nearest to it."""

    name = "nearest"
    fingerprint = "nearest"
    accuracy = 0.97

    def __call__(self, stored):
        train, flat = load_digits("train"), stored.reshape(len(stored), -1).astype(np.float32)
        known = train.images.reshape(len(train), -1).astype(np.float32)
        found, where = np.unique(flat, axis=0, return_inverse=True)
        near = nearest(found, known, 1).indices[:, 0]
        return Features(flat, train.labels[near][where.ravel()])


def evaluation_of(splits, reader, protocol):
    rows = np.random.default_rng(0).permutation(len(splits.train))[:5_000]
    reference = load_reference(splits.train.name, reader, lambda: chunks_of(splits.train, rows))
    return Evaluation(splits, reader, reference, rows, protocol)


@pytest.fixture(scope="module")
def digits(cache):
    splits = Splits(load_digits("train"), load_digits("test"))
    return evaluation_of(splits, Reader(Pixels(), NearestDigit(), 10), protocol_of(splits.train))


@pytest.fixture(scope="module")
def ring(cache):
    splits = Splits(EMBEDDED["ring8"]("train"), EMBEDDED["ring8"]("test"))
    extractor = points.load(splits.train)
    return evaluation_of(splits, Reader(extractor, extractor, 8), protocol_of(splits.train))


def judged(evaluation, samples):
    metrics = metrics_of_verdict(evaluation.metrics)
    needs = needs_of_verdict(metrics, pictured=True)
    sets = gather_beside_real(evaluation, Subject([samples], len(samples), 8), 0, needs)
    return judge_sets(evaluation, sets, metrics, origin_of(evaluation, 8, 0))


def drawn(source, weights, n, seed=0):
    """n samples of a source, with other shares of its classes."""
    chances = np.asarray(weights, np.float64)[source.labels]
    rng = np.random.default_rng(seed)
    return source[rng.choice(len(source), n, p=chances / chances.sum())].x


def shares(count, **others):
    """Equal shares but for these, such as m3=0.1."""
    weights = np.ones(count)
    for name, share in others.items():
        weights[int(name[1:])] = share
    return weights


def said(evaluation, samples, kind, reason):
    found = judged(evaluation, samples).verdict
    assert (found.kind, found.reason) == (kind, reason), sentence(found)
    return found


def test_held_out_digits_cover(digits):
    found = said(digits, digits.splits.held_out.images, "covers", "shares")
    assert cautions(found) == []
    assert sentence(found) == (
        "Covers the data: 10 classes, each with a quarter of its true share or more."
    )
    assert found.exit_code == 0


@pytest.mark.parametrize("left", [0, 0.1])
def test_a_digit_that_is_missing_or_rare_is_dropped_by_name(digits, left):
    samples = drawn(digits.splits.train, shares(10, m3=left), N)
    found = said(digits, samples, "drops", "shares")
    assert sentence(found).startswith("Drops 1 of 10 classes with 10.2% of the data")
    assert found.evidence.modes.names[found.named.argmax()] == "3"
    assert found.exit_code == 3


def test_half_of_the_digits_missing_is_a_collapse(digits):
    samples = drawn(digits.splits.train, [0] * 5 + [1] * 5, N)
    found = said(digits, samples, "collapsed", "shares")
    assert found.named.tolist() == [True] * 5 + [False] * 5
    assert found.exit_code == 1


def test_copies_of_a_few_digits_of_each_class_are_a_collapse(digits):
    train = digits.splits.train
    rows = [np.flatnonzero(train.labels == label)[:3] for label in range(10)]
    few = train.images[np.concatenate(rows)]
    samples = few[np.random.default_rng(1).integers(len(few), size=N)]
    found = said(digits, samples, "collapsed", "repeats")
    assert found.tested.covered.all()
    low, high = found.evidence.generated["birthday_support"].details["interval_95"]
    assert low < 30 < high


def test_a_train_set_known_by_heart_is_no_collapse(digits):
    found = judged(digits, drawn(digits.splits.train, shares(10), N)).verdict
    assert found.kind == "covers"


def test_a_single_image_made_too_often_is_a_caution(digits):
    samples = drawn(digits.splits.train, shares(10), N)
    samples[::10] = samples[0]
    found = said(digits, samples, "covers", "shares")
    assert ["repeat each other" in words for words in cautions(found)] == [True]


def test_noise_is_not_said_to_cover_nor_to_collapse(digits, ring):
    for evaluation in (digits, ring):
        samples = np.concatenate(list(noise_chunks(evaluation.splits.train, N, 0)))
        found = said(evaluation, samples, "unrecognisable", "fidelity")
        assert not found.named.any()
        assert found.exit_code == 5


def test_few_samples_are_undecided_and_the_number_that_would_do_is_told(digits):
    found = said(digits, digits.splits.held_out.images[:50], "undecided", "shares")
    assert found.samples_to_decide == samples_for_verdict(digits) or found.samples_to_decide > 200
    assert f"{found.samples_to_decide} would tell more" in sentence(found)
    assert found.exit_code == 4


def test_mixtures(ring):
    train, held_out = ring.splits
    rng = np.random.default_rng(2)
    said(ring, held_out.points[:N], "covers", "shares")
    said(ring, drawn(train, shares(8, m6=0), N), "drops", "shares")
    said(ring, drawn(train, [0] * 4 + [1] * 4, N), "collapsed", "shares")
    for width, kind, reason in ((0.35, "covers", "shares"), (0.1, "collapsed", "width")):
        labels = rng.integers(8, size=N)
        spread = width * train.sigma * rng.normal(size=(N, 2))
        found = said(ring, (train.means[labels] + spread).astype(np.float32), kind, reason)
        assert any("times as wide" in words for words in [sentence(found), *cautions(found)])
    found = said(ring, train.means[labels].astype(np.float32), "collapsed", "repeats")
    assert found.tested.covered.all()


@pytest.fixture(scope="module")
def unlabeled(digits):
    return evaluation_of(digits.splits, Reader(Pixels()), UNLABELED)


def test_without_classes_modes_are_bins(unlabeled):
    train = unlabeled.splits.train
    held_out = judged(unlabeled, unlabeled.splits.held_out.images).verdict
    assert held_out.kind in ("covers", "undecided")
    result = judged(unlabeled, drawn(train, [0] * 5 + [1] * 5, 700))
    found = result.verdict
    assert (found.kind, found.evidence.modes.kind) == ("drops", "bins")
    pairs = zip(train.images, train.labels, strict=True)
    digit = {image.tobytes(): label for image, label in pairs}
    dropped = np.isin(result.shown.real_labels, found.evidence.modes.labels[found.named])
    missing = [digit[image.tobytes()] < 5 for image in result.shown.real(np.flatnonzero(dropped))]
    assert np.mean(missing) > 0.95
    assert "others, which together hold" in sentence(found)
    assert set(found.evidence.generated) == {
        "ndb_share_5_percent_split",
        "precision_k3_inclusive",
        "birthday_support",
    }


def test_rare_modes_stay_undecided_and_are_never_fine(ring):
    """Shares of a mode of one in 10,000: nothing that 2,500 samples could show."""
    train = ring.splits.train
    weights = np.append(np.full(7, (1 - 1e-4) / 7), 1e-4)

    rare = replace(ring, splits=Splits(replace(train, class_weights=weights), ring.splits.held_out))
    samples = drawn(train, shares(8, m7=0), N)
    found = said(rare, samples, "undecided", "shares")
    assert np.flatnonzero(found.tested.undecided).tolist() == [7]
    assert found.samples_to_decide > 100_000
    assert found.tested.upper[7] > 1e-4 / 4


def test_a_verdict_is_printed_and_kept_as_json(digits, tmp_path):
    result = judged(digits, drawn(digits.splits.train, shares(10, m3=0), N))
    console = Console(width=110, record=True, file=io.StringIO())
    print_verdict("runs/x", result.verdict, result.metrics, console)
    printed = console.export_text()
    assert printed.startswith("Drops 1 of 10 classes with 10.2% of the data: 3.")
    for expected in ("9 of 10", "total variation", "birthday", "10.2%", "true share", "8 images"):
        assert expected in printed
    append_entry(tmp_path / "collapse.jsonl", result.verdict)
    append_entry(tmp_path / "collapse.jsonl", result.verdict)
    first, second = (tmp_path / "collapse.jsonl").read_text().splitlines()
    assert first == second
    row = json.loads(first)
    assert row == entry(result.verdict)
    assert (row["verdict"], row["exit_code"]) == ("drops", EXIT_CODES["drops"])
    assert list(row["modes"]["dropped"]["by_name"]) == ["3"]
    assert row["modes"]["dropped"]["by_name"]["3"]["samples"] < 20
    assert row["evidence"]["total_variation"]["value"] == pytest.approx(0.1, abs=0.02)


def test_missing_digits_are_pictured_beside_the_samples_nearest_to_them(digits, tmp_path):
    result = judged(digits, drawn(digits.splits.train, shares(10, m3=0, m8=0), N))
    assert {result.verdict.evidence.modes.names[i] for i in pictured_modes(result.verdict)} == {
        "3",
        "8",
    }
    (tmp_path / "x.png").write_bytes(draw(result.verdict, result.shown))
    with Image.open(tmp_path / "x.png") as image:
        assert image.width > 1_000
    threes = np.flatnonzero(result.shown.real_labels == 3)[:8]
    known = {image.tobytes() for image in digits.splits.train.images}
    assert all(image.tobytes() in known for image in result.shown.real(threes))


def test_missing_points_are_ringed(ring):
    result = judged(ring, drawn(ring.splits.train, shares(8, m6=0), N))
    assert draw(result.verdict, result.shown).startswith(b"\x89PNG")
    assert pictured_modes(result.verdict).tolist() == [6]
    covers = judged(ring, ring.splits.held_out.points[:N])
    assert len(pictured_modes(covers.verdict)) == 4


class BlindToSevens(NearestDigit):
    """Takes nine of ten sevens for a one, by their pixels."""

    name = fingerprint = "blind"
    accuracy = 0.88

    def __call__(self, stored):
        read = super().__call__(stored)
        seen = stored.reshape(len(stored), -1).sum(axis=1) % 10 == 0
        return read._replace(labels=np.where((read.labels == 7) & ~seen, 1, read.labels))


def test_a_labeller_that_is_blind_to_a_class_drops_none_and_says_so(digits, tmp_path):
    reader = Reader(Pixels(), BlindToSevens(), 10)
    blind = evaluation_of(digits.splits, reader, digits.protocol)
    result = judged(blind, drawn(digits.splits.train, shares(10), N))
    found = result.verdict
    assert (found.kind, found.named.any()) == ("undecided", False)
    assert np.flatnonzero(~found.tested.judged).tolist() == [1, 7]
    assert found.tested.covered.sum() == 8
    assert "too weak to judge 2 classes with 20.1% of the data: 1, 7." in sentence(found)
    assert [words for words in cautions(found) if "88.0%" in words]
    row = entry(found)["modes"]
    assert list(row["not_judged"]["by_name"]) == ["1", "7"]
    assert row["not_judged"]["by_name"]["7"]["true_share_as_counted"] < 0.04
    assert row["undecided"]["count"] == row["dropped"]["count"] == 0
    console = Console(width=110, record=True, file=io.StringIO())
    print_verdict("runs/x", found, result.metrics, console)
    assert "classes not judged" in console.export_text()
    # Another class is found missing all the same.
    missing = judged(blind, drawn(digits.splits.train, shares(10, m3=0), N)).verdict
    assert (missing.kind, np.flatnonzero(missing.named).tolist()) == ("drops", [3])
    assert any(words.startswith("Not judged: ") for words in cautions(missing))
