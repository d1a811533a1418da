"""The cache of reference statistics: found again, never stale, rebuilt when damaged."""

import dataclasses

import numpy as np
import pytest

from cgan.data import EMBEDDED as SOURCES
from eval.dataset.reference import chunks_of, load_reference
from eval.extractors import points
from eval.extractors.reader import Reader

ROWS = np.arange(20_000)


class Counting:
    """An extractor that counts what it reads."""

    def __init__(self, inner, fingerprint=None):
        self.inner = inner
        self.name = inner.name
        self.fingerprint = fingerprint or inner.fingerprint
        self.accuracy = None
        self.rows = 0

    def __call__(self, stored):
        self.rows += len(stored)
        return self.inner(stored)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def ring8():
    return SOURCES["ring8"]("train")


def read(source, fingerprint=None):
    """The reference, and how many rows the extractor had to read for it."""
    extractor = Counting(points.load(source), fingerprint)
    reader = Reader(extractor, extractor, len(source.class_names))
    found = load_reference(source.name, reader, lambda: chunks_of(source, ROWS))
    return found, extractor.rows


def assert_equal(one, other):
    assert one.samples_fingerprint == other.samples_fingerprint
    a, b = one.gathered, other.gathered
    assert a.n == b.n == 20_000
    for name in ("counts", "features", "labels"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    for left, right in zip(a.moments, b.moments, strict=True):
        assert left.n == right.n
        np.testing.assert_array_equal(left.scatter, right.scatter)


def test_the_second_time_nothing_is_read(cache, ring8):
    first, rows = read(ring8)
    assert rows == 20_000
    assert first.gathered.counts.sum() == 20_000
    again, rows = read(ring8)
    assert rows == 0
    assert_equal(first, again)


def test_other_content_or_another_extractor_is_read_anew(cache, ring8):
    first, _ = read(ring8)
    moved = ring8.points.copy()
    moved[7, 0] += 1e-3
    other, rows = read(dataclasses.replace(ring8, points=moved))
    assert rows == 20_000
    assert other.samples_fingerprint != first.samples_fingerprint
    _, rows = read(ring8, fingerprint="other weights")
    assert rows == 20_000
    assert len(list(cache.iterdir())) == 3


def test_features_and_classes_by_two_are_kept_each_by_itself(cache, ring8):
    together, _ = read(ring8)
    extractor, labeller = (Counting(points.load(ring8), by) for by in ("of features", "of classes"))

    def load(reader):
        extractor.rows = labeller.rows = 0
        return load_reference(ring8.name, reader, lambda: chunks_of(ring8, ROWS))

    both = Reader(extractor, labeller, len(ring8.class_names))
    assert_equal(load(both), together)
    assert (extractor.rows, labeller.rows) == (20_000, 20_000)
    assert_equal(load(both), together)
    assert (extractor.rows, labeller.rows) == (0, 0)
    alone = load(Reader(extractor)).gathered
    assert (extractor.rows, alone.counts, alone.labels) == (0, None, None)
    np.testing.assert_array_equal(alone.features, together.gathered.features)
    load(Reader(labeller, labeller, both.classes))
    assert labeller.rows == 0


def truncate(path):
    path.write_bytes(path.read_bytes()[:-5_000])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def without(name):
    def damage(path):
        with np.load(path) as archive:
            arrays = dict(archive)
        del arrays[name]
        np.savez(path, **arrays)

    return damage


def with_nan(path):
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["features"][3] = np.nan
    np.savez(path, **arrays)


def fewer_rows(path):
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **arrays | {name: arrays[name][:-1] for name in ("features", "labels")})


DAMAGES = {
    "truncated": truncate,
    "bit": flip_a_bit,
    "no_features": without("features"),
    "no_counts": without("counts"),
    "nan": with_nan,
    "rows": fewer_rows,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_found_and_made_again(damage, cache, ring8, capsys):
    first, _ = read(ring8)
    (path,) = cache.iterdir()
    damage(path)
    again, rows = read(ring8)
    assert rows == 20_000
    assert str(path) in capsys.readouterr().err
    assert_equal(first, again)
    assert read(ring8)[1] == 0
