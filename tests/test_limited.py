"""A choice of some training samples: even by class, nested, and found again by all who read it."""

import dataclasses
import json
import pickle
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image

from cgan.assemble import assemble
from cgan.commands import data as data_command
from cgan.config import (
    ConfigError,
    Data,
    Discriminator,
    Experiment,
    Generator,
    Launch,
    Penalty,
)
from cgan.data import load_held_out, load_source
from cgan.data.abilities import classifying, description_of, held_out_of, literature_of, whole_of
from cgan.data.identity import identify
from cgan.data.limited import Limited, balanced_order, limited, size_in_words
from cgan.run_folder import run_data
from cgan.run_folder.run_data import Whereabouts, source_of, splits_of
from cgan.run_folder.workdir import Workdir
from cgan.training.loop import train
from cgan.training.procedure import load_sources
from tests.test_own_source import Ball, Motifs
from tests.test_rows import N, assert_labeled, numbered

TEN = Data("digits", limit=10)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))


def chosen(source: Any, limit: int, seed: int = 0) -> set[int]:
    found = limited(source, Data("own", limit=limit, limit_seed=seed))
    assert isinstance(found, Limited)
    assert len(found) == limit == len(set(found.rows.tolist()))
    return set(found.rows.tolist())


def even_counts(sizes: list[int], limit: int) -> list[int]:
    """The plain method: one at a time, to whichever class has fewest so far and has more."""
    counts = [0] * len(sizes)
    for _ in range(limit):
        open_to = [c for c, size in enumerate(sizes) if counts[c] < size]
        counts[min(open_to, key=counts.__getitem__)] += 1
    return sorted(counts)


@pytest.mark.parametrize("sizes", [[7, 7, 7], [1, 5, 30], [40], [3, 3, 20, 20, 2]])
def test_each_number_of_samples_holds_the_classes_as_evenly_as_can_be(sizes: list[int]) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    order = balanced_order(labels, 5)
    assert sorted(order) == list(range(len(labels)))
    for limit in range(1, len(labels) + 1):
        counts = Counter(labels[order[:limit]].tolist())
        found = sorted(counts[c] for c in range(len(sizes)))
        assert found == even_counts(sizes, limit)


def test_classes_need_not_be_numbered_in_a_row() -> None:
    labels = np.array([7, 7, 2, 9, 2, 9, 9])
    assert sorted(labels[balanced_order(labels, 0)[:3]]) == [2, 7, 9]


def test_fewer_are_among_more_and_other_seeds_choose_others() -> None:
    source = load_source(Data("digits"), "train")
    sets = [chosen(source, limit) for limit in (10, 50, 51, 100, 1437)]
    for fewer, more in pairwise(sets):
        assert fewer < more
    assert len(chosen(source, 50) & chosen(source, 50, 1)) < 15


def test_every_sample_of_a_class_is_as_likely_and_so_is_every_class_for_what_is_over() -> None:
    labels = np.repeat(np.arange(4), [3, 5, 10, 22])
    draws = 4_000
    orders = [balanced_order(labels, seed)[:6] for seed in range(draws)]
    firsts = np.bincount(np.concatenate(orders), minlength=40)
    over = Counter[int]()
    for order in orders:
        over.update(c for c, n in Counter(labels[order].tolist()).items() if n == 2)
    for label, size in enumerate((3, 5, 10, 22)):
        assert over[label] == pytest.approx(draws / 2, abs=5 * np.sqrt(draws / 4))
        expected = 1.5 * draws / size
        np.testing.assert_allclose(firsts[labels == label], expected, atol=5 * np.sqrt(expected))


def test_the_choice_has_not_changed() -> None:
    """Of `load_source(Data("digits", limit=10), "train").rows`: a run goes on with the same."""
    source = load_source(TEN, "train")
    assert isinstance(source, Limited)
    rows = [290, 411, 540, 797, 885, 1046, 1121, 1280, 1313, 1424]
    assert source.rows.tolist() == rows


def test_samples_are_those_of_the_whole_with_their_classes_and_form() -> None:
    whole = numbered(N)
    part = limited(whole, Data("own", limit=31))
    batch = part[np.arange(31)]
    assert_labeled(batch.x, batch.label)
    np.testing.assert_array_equal(batch.x[:, 0, 0, 0], part.rows)  # type: ignore[attr-defined]
    assert len(set(batch.x[:, 0, 0, 0])) == 31
    mixed = np.random.default_rng(1).integers(31, size=70)
    assert_labeled(*part[mixed])
    np.testing.assert_array_equal(part[mixed].x, batch.x[mixed])
    for member in ("name", "kind", "sample_shape", "class_names"):
        assert getattr(part, member) == getattr(whole, member)
    np.testing.assert_array_equal(part.class_weights, whole.class_weights)
    np.testing.assert_array_equal(part.encode(batch.x), whole.encode(batch.x))
    np.testing.assert_array_equal(part.decode(part.encode(batch.x)), batch.x)
    assert whole_of(part) is whole_of(whole) is whole
    again = pickle.loads(pickle.dumps(part))
    np.testing.assert_array_equal(again[mixed].x, part[mixed].x)


def test_true_shares_stay_those_of_the_whole() -> None:
    """Data of uneven classes: the choice is even, what the data are is not."""
    whole = dataclasses.replace(numbered(100), labels=np.repeat([0, 1, 2], [80, 15, 5]))
    part = limited(whole, Data("own", limit=12))
    assert np.bincount(part[np.arange(12)].label).tolist() == [4, 4, 4]
    np.testing.assert_allclose(part.class_weights, [0.8, 0.15, 0.05])


def test_what_is_held_out_is_untouched() -> None:
    with_limit, without = (load_source(each, "test") for each in (TEN, Data("digits")))
    every = np.arange(len(without))
    assert len(with_limit) == len(without)
    np.testing.assert_array_equal(with_limit[every].x, without[every].x)
    held_out = load_held_out(TEN, load_source(TEN, "train"))
    np.testing.assert_array_equal(held_out[every].x, without[every].x)


def test_a_part_speaks_as_the_whole_does() -> None:
    motifs = Motifs()
    part = limited(motifs, Data("own", limit=8))
    assert classifying(part) is motifs
    assert held_out_of(part).seed == 1  # type: ignore[attr-defined]
    digits = load_source(TEN, "train")
    assert literature_of(digits) == literature_of(whole_of(digits)) is not None
    described = dataclasses.replace(numbered(9), description="nine")
    assert description_of(limited(described, Data("own", limit=3))) == "nine"


def test_samples_without_classes_are_simply_drawn() -> None:
    assert chosen(Ball(), 3) < chosen(Ball(), 20)
    assert size_in_words(limited(Ball(), Data("own", limit=1))) == "1 of 128 training points"


@pytest.mark.parametrize(
    ("source", "limit", "words"),
    [
        ("digits", 100, "100 of 1,437 training images, 10 of each class"),
        ("digits", 13, "13 of 1,437 training images, 1 to 2 of each class"),
        ("digits", None, "1,437 samples"),
        ("stacked_digits", 2_000, "2,000 of 1,048,576 training images, 2 of each class"),
    ],
)
def test_words_for_how_many_are_learnt(source: Any, limit: int | None, words: str) -> None:
    """Of the stacked sets samples are counted, which are triples."""
    assert size_in_words(load_source(Data(source, limit=limit), "train")) == words


@pytest.mark.parametrize(
    ("source", "limit", "expected"),
    [
        ("digits", 1_438, "at most 1437, the number of training images of digits"),
        ("digits", 9, "at least 10, one for each class of the training images of digits"),
        ("stacked_digits", 999, "at least 1000, one for each class of the training images of"),
    ],
)
def test_a_number_that_the_data_do_not_have_is_refused(
    source: Any, limit: int, expected: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^data\.limit = {limit}: must be {expected}"):
        load_source(Data(source, limit=limit), "train")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"limit": 0}, "data.limit = 0: must be more than 0"),
        ({"limit": -5}, "data.limit = -5: must be more than 0"),
        ({"limit": 5, "limit_seed": -1}, "data.limit_seed = -1: must be from 0 to 2**32 - 1"),
        (
            {"source": "ring8", "limit": 5},
            "data.limit = 5: must be None with data.source = 'ring8', which does not use it",
        ),
        (
            {"source": "stacked_digits", "limit": 1_000, "imbalance": 1.0},
            "data.imbalance = 1.0: must be 0 with data.limit = 1000, which takes as many of each "
            "mode",
        ),
    ],
)
def test_settings_that_can_not_be_meant_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Data(**settings)
    assert str(caught.value) == message


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes, 16 and 8 images to train on, 2 held out."""
    for split, each in (("train", (16, 8)), ("test", (1, 1))):
        for kind, count in enumerate(each):
            for number in range(count):
                path = tmp_path / "set" / split / "ab"[kind] / f"{number:02d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.full((4, 4), 100 * kind + number, np.uint8)).save(path)
    return tmp_path / "set"


def test_images_of_a_folder_are_the_same_decoded_once_or_each_time(folder: Path) -> None:
    data = Data("folder", path=folder, limit=18)
    once, each = (
        load_source(dataclasses.replace(data, cached=on), "train") for on in (True, False)
    )
    np.testing.assert_array_equal(once[np.arange(18)].x, each[np.arange(18)].x)
    assert np.bincount(once[np.arange(18)].label).tolist() == [10, 8]
    held_out = load_source(data, "test")
    assert identify(once, held_out) == identify(each, held_out)


def test_the_look_at_a_folder_says_what_a_limit_takes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_command.main([str(folder), "--data.limit", "9"])
    said = capsys.readouterr().out
    assert "limit: 9 of 24 training images, 4 to 5 of each class" in said
    with pytest.raises(ConfigError, match=r"^data\.limit = 25: must be at most 24, "):
        data_command.main([str(folder), "--data.limit", "25"])


def config(root: Path, **settings: Any) -> Experiment:
    settings = {
        "data": Data("digits", limit=20, limit_seed=4),
        "generator": Generator(latent_dim=4, width=8, depth=1),
        "discriminator": Discriminator(width=8, depth=1),
        "penalty": Penalty(r1=0.0, r2=0.0),
        "batch_size": 16,
        "total_nimg": 64,
        "ramp_nimg": 64,
        "log_nimg": 32,
        "snapshot_nimg": 64,
        "checkpoint_nimg": 32,
        "probe_nimg": 0,
    } | settings
    return Experiment(workdir=root, **settings)


def trained(root: Path, devices: int = 1, source: Any = None, **settings: Any) -> Any:
    return train(config(root, **settings), jax.devices()[:devices], source=source)


@dataclasses.dataclass(frozen=True)
class Alone:
    """The very samples that a limit leaves, as a data set of their own."""

    part: Any
    name: str = "alone"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.part.whole, name)

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, indices: np.ndarray) -> Any:
        everything = self.part.whole[self.part.rows]
        return type(everything)(*(leaf[indices] for leaf in everything))

    @property
    def held_out(self) -> Any:
        return load_source(Data("digits"), "test")


def test_a_run_learns_what_it_would_learn_if_there_were_no_other_samples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bit for bit; and on other devices to rounding, stopped half-way and gone on with."""
    root = tmp_path / "limited"
    trained(root, total_nimg=32)
    said = " ".join(capsys.readouterr().out.split())
    assert "digits: 20 of 1,437 training images, 2 of each class;" in said
    known = json.loads((root / "data.json").read_text())
    assert known["train"]["per_class"] == [2] * 10
    assert known["held_out"]["samples"] == 360
    for changed, words in (
        ({"limit": 30}, "data.limit is 20 there, not 30"),
        ({"limit_seed": 5}, "data.limit_seed is 4 there, not 5"),
        ({"limit": None, "limit_seed": 0}, "data.limit is 20 there, not None"),
    ):
        with pytest.raises(ConfigError, match=words):
            trained(root, data=dataclasses.replace(config(root).data, **changed))
    on_eight = tmp_path / "eight"
    shutil.copytree(root, on_eight)
    found, spread = trained(root), trained(on_eight, devices=8)
    alone = Alone(load_source(config(root).data, "train"))
    expected = trained(tmp_path / "alone", source=alone, data=Data())
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    for one, other in zip(*map(jax.tree.leaves, (found, spread)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_a_run_without_a_limit_is_known_as_before() -> None:
    """The number is that of before there were limits, in `identify(train, held_out).number`."""
    train_split, held_out = (load_source(Data("digits"), split) for split in ("train", "test"))  # type: ignore[arg-type]
    assert not isinstance(train_split, Limited)
    assert identify(train_split, held_out).number == 12138539899403272196


def test_other_images_beside_those_chosen_are_noticed(folder: Path, tmp_path: Path) -> None:
    """The evaluation compares with the whole split, which must be the same."""
    data = Data("folder", path=folder, limit=4)
    part, held_out = load_source(data, "train"), load_source(data, "test")
    assert isinstance(part, Limited)
    unused = next(number for number in range(16) if number not in part.rows)
    image = np.full((4, 4), 77, np.uint8)
    Image.fromarray(image).save(folder / "train" / "a" / f"{unused:02d}.png")
    changed = load_source(data, "train")
    np.testing.assert_array_equal(part[np.arange(4)].x, changed[np.arange(4)].x)
    assert identify(part, held_out) != identify(changed, held_out)


def test_an_object_is_limited_wherever_it_is_handed_in(tmp_path: Path) -> None:
    data = Data("own", limit=12, limit_seed=2)
    expected = limited(Motifs(), data)
    assert isinstance(expected, Limited)
    for given in (data, dataclasses.replace(data, source="digits")):
        parts = assemble(config(tmp_path / "run", data=given), Motifs())
        assert parts.config.data == data
        assert parts.source.rows.tolist() == expected.rows.tolist()  # type: ignore[attr-defined]
    again = load_sources(parts.config, Launch(), parts.source)
    assert again.train is parts.source
    raw = load_sources(parts.config, Launch(), Motifs())
    assert raw.train.rows.tolist() == expected.rows.tolist()  # type: ignore[attr-defined]
    assert len(raw.held_out) == 160
    workdir, where = remembered(parts.config, raw), Whereabouts()
    assert len(source_of(workdir, parts.config, Motifs())) == 12
    learnt, held_out = splits_of(workdir, parts.config, where, Motifs())
    assert (len(learnt), len(held_out)) == (12, 160)
    with pytest.raises(ConfigError, match=r"not the data that .* learnt"):
        splits_of(workdir, parts.config, where, Motifs(seed=9))


def remembered(experiment: Experiment, sources: Any) -> Workdir:
    """The folder of a run that knows its data, and was not trained yet."""
    workdir = Workdir(experiment.workdir)
    workdir.create(experiment)
    run_data.write(workdir, identify(*sources))
    return workdir


def test_samples_of_a_run_need_no_images(folder: Path, tmp_path: Path) -> None:
    """They are asked for by the shares of the whole split, which the run knows."""
    experiment = config(tmp_path / "run", data=Data("folder", path=folder, limit=4))
    workdir = remembered(experiment, load_sources(experiment, Launch()))
    folder.rename(tmp_path / "gone")
    source = source_of(workdir, experiment)
    assert len(source) == 4
    np.testing.assert_allclose(source.class_weights, [2 / 3, 1 / 3])
    folder.parent.joinpath("gone").rename(folder)
    assert len(splits_of(workdir, experiment, Whereabouts())[0]) == 4
