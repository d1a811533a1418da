"""The feed: any number of workers gives the batches of the plain function; errors; its end."""

import multiprocessing
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cgan.config import Data
from cgan.data import load_source, pipeline
from cgan.data.digits import load_digits
from cgan.data.feed import AHEAD, Feed
from cgan.data.pipeline import Dispatches, load_batches
from cgan.system.errors import DataError, LostProcessError
from tests.witness import CODE, KILLS, Witness

BATCH, STEPS, COUNT, SEED = 6, 2, 9, 3


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """60 digits, in a folder for each class."""
    root, digits = tmp_path_factory.mktemp("images"), load_digits("train")
    for number in range(60):
        folder = root / str(digits.labels[number])
        folder.mkdir(exist_ok=True)
        Image.fromarray(digits.images[number, ..., 0]).save(folder / f"{number}.png")
    return root


def dispatches(source, rows=None, flip=True) -> Dispatches:
    return Dispatches(source, BATCH, SEED, STEPS, COUNT, rows, flip)


@pytest.fixture(scope="module")
def cached(images):
    return load_source(Data("folder", path=images), "train")


@pytest.fixture(scope="module")
def uncached(images):
    return load_source(Data("folder", path=images, cached=False), "train")


@pytest.fixture(autouse=True)
def _leaves_nothing_behind():
    """No thread of grain's that reads ahead, and no process."""
    yield
    assert not [t for t in threading.enumerate() if "prefetch" in t.name]
    assert not multiprocessing.active_children()


def assert_same(found, expected):
    assert found.x.dtype == expected.x.dtype
    np.testing.assert_array_equal(found.x, expected.x)
    np.testing.assert_array_equal(found.label, expected.label)


@pytest.mark.parametrize(
    ("kind", "workers", "first"),
    [("cached", 0, 0), ("cached", 0, 5), ("uncached", 0, 5), ("uncached", 2, 5)],
)
def test_batches_are_those_of_the_plain_function(kind, workers, first, cached, request):
    """Of the rows of one host of two, with flips, over more than an epoch."""
    rows = np.array([1, 2, 5])
    source = request.getfixturevalue(kind)
    with Feed(dispatches(source, rows), first, lambda batch: batch, workers) as feed:
        found = list(feed)
    assert len(found) == COUNT - first
    for number, batches in enumerate(found, first):
        expected = load_batches(cached, BATCH, SEED, number * STEPS, STEPS, flip=True)
        assert_same(batches, type(expected)(*(leaf[:, rows] for leaf in expected)))


def test_a_worker_leaves_accelerators_and_signals_alone_and_its_death_is_told(tmp_path):
    gate = tmp_path / "gate"
    read = Dispatches(Witness(gate), batch_size=1, seed=0, steps=1, count=4)
    *shown, last = np.random.default_rng([0, 0]).permutation(4)
    assert last == KILLS
    with Feed(read, 0, lambda batch: batch, workers=1) as feed:
        told = {index: int(next(feed).label[0, 0]) for index in shown}
        assert told.pop(0) != os.getpid()
        assert told == {1: True, 2: True}
        gate.touch()
        with pytest.raises(LostProcessError, match=f"exit code {CODE}, .*the same command goes on"):
            next(feed)


def damaged_copy(images, folder):
    """A copy of the images in which one that is read in the third dispatch is no image."""
    for file in images.rglob("*.png"):
        path = folder / file.relative_to(images)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.read_bytes())
    source = load_source(Data("folder", path=folder, cached=False), "train")
    order = np.random.default_rng([SEED, 0]).permutation(len(source))
    bad = Path(source.files.name(int(order[2 * BATCH * STEPS])))
    bad.write_bytes(b"no image")
    return source, bad


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_image_is_named_when_it_is_met(images, workers, tmp_path):
    source, bad = damaged_copy(images, tmp_path / "mine")
    with Feed(dispatches(source), 0, lambda batch: batch, workers) as feed:
        next(feed)
        next(feed)
        said = f"{bad}: is no PNG, JPEG, WebP or BMP image; must be .*then the same command goes on"
        with pytest.raises(DataError, match=said):
            next(feed)


def test_dispatches_are_read_ahead_but_not_far(cached, monkeypatch):
    read = []

    def counted(*arguments, **others):
        read.append(arguments)
        return load_batches(*arguments, **others)

    monkeypatch.setattr(pipeline, "load_batches", counted)
    with Feed(dispatches(cached), 0, lambda batch: batch) as feed:
        next(feed)
        until = time.monotonic() + 10
        while len(read) < 2 + AHEAD and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(0.05)
        assert len(read) == 2 + AHEAD < COUNT


def test_an_error_in_placing_comes_at_its_dispatch(cached):
    placed = []

    def place(batch):
        placed.append(batch)
        if len(placed) == 3:
            raise ValueError("no room for the third")
        return batch

    with Feed(dispatches(cached), 0, place) as feed:
        next(feed)
        next(feed)
        with pytest.raises(ValueError, match="no room for the third"):
            next(feed)


def test_the_share_of_waiting_is_told_once(cached):
    with Feed(dispatches(cached), 0, lambda _: time.sleep(0.05)) as slow:
        for _ in slow:
            pass
        assert slow.stall_share() > 0.5
        assert slow.stall_share() == 0
    with Feed(dispatches(cached), 0, lambda batch: batch) as fast:
        for _ in fast:
            time.sleep(0.05)
        assert fast.stall_share() < 0.5
