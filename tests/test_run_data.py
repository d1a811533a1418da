"""What a run knows of its data: refusals that say what changed, moved data, samples without any."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image

from cgan.assemble import assemble
from cgan.commands import sample
from cgan.config import (
    Conditioning,
    ConfigError,
    Data,
    Discriminator,
    Experiment,
    Generator,
    Launch,
)
from cgan.data import load_source
from cgan.data.identity import Identity, Split, changes, from_json, identify, to_json
from cgan.kinds import IMAGE
from cgan.run_folder import run_data
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.run_data import Whereabouts, splits_of
from cgan.run_folder.workdir import Workdir
from cgan.sampling import runs
from cgan.training import loop

ONE_DEVICE = jax.devices()[:1]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))


def draw(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 4), level, np.uint8)).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Own splits, so that each change is of one of them: 20 of each class, and 5 held out."""
    for split, each in (("train", 20), ("test", 5)):
        for kind, name in enumerate(("cats", "dogs")):
            for number in range(each):
                draw(tmp_path / "set" / split / name / f"{number:02d}.png", 100 * kind + number)
    return tmp_path / "set"


def config(tmp_path: Path, path: Path, **changed: Any) -> Experiment:
    made = Experiment(
        workdir=tmp_path / "run",
        data=Data("folder", path=path),
        conditioning=Conditioning(labels=True, compare="same_class", dimensions=4),
        generator=Generator(latent_dim=2, width=8, depth=1),
        discriminator=Discriminator(width=8, depth=1),
        batch_size=8,
        total_nimg=8,
        log_nimg=8,
        probe_nimg=0,
    )
    return replace(made, **changed)


class Opened(Exception):
    """The run may go on: in these tests nothing is trained."""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(*_: object) -> None:
        raise Opened

    monkeypatch.setattr(loop, "_begin", begin)


def start(experiment: Experiment, **launch: Any) -> None:
    with pytest.raises(Opened):
        loop.train(experiment, ONE_DEVICE, Launch(**launch))


def refused(experiment: Experiment, **launch: Any) -> str:
    """What is said; nothing is written."""
    before = snapshot(experiment.workdir)
    with pytest.raises(ConfigError) as caught:
        loop.train(experiment, ONE_DEVICE, Launch(**launch))
    assert snapshot(experiment.workdir) == before
    return str(caught.value)


def snapshot(folder: Path) -> dict[Path, tuple[bytes, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def swap(one: Path, other: Path) -> None:
    between = one.with_name("between")
    one.rename(between)
    other.rename(one)
    between.rename(other)


def rename(root: Path, old: str, new: str) -> None:
    for split in ("train", "test"):
        (root / split / old).rename(root / split / new)


CHANGES = {
    "a class is renamed": (
        lambda root: rename(root, "cats", "lions"),
        "without the class 'cats'; with the new class 'lions'",
    ),
    "a class is new": (
        lambda root: draw(root / "train" / "eels" / "1.png", 7),
        "with the new class 'eels'; train: 40 samples then, 41 now",
    ),
    "images are added": (
        lambda root: [draw(root / "train" / "dogs" / f"x{n}.png", 200 + n) for n in range(10)],
        "train: 40 samples then, 50 now ('dogs' 20 then, 30 now)",
    ),
    "other pixels": (
        lambda root: draw(root / "train" / "cats" / "03.png", 99),
        "train: as many samples, but other ones",
    ),
    "held out": (
        lambda root: (root / "test" / "cats" / "03.png").unlink(),
        "held out: 10 samples then, 9 now ('cats' 5 then, 4 now)",
    ),
    "order": (
        lambda root: swap(root / "train" / "cats" / "03.png", root / "train" / "cats" / "05.png"),
        "train: the same samples in another order or in other classes",
    ),
    "classes change places": (
        lambda root: swap(root / "train" / "cats", root / "train" / "dogs"),
        "train: the same samples in another order or in other classes",
    ),
    "a file changes class": (
        lambda root: (root / "train/cats/19.png").rename(root / "train/dogs/00a.png"),
        "train: the same samples in other classes ('cats' 20 then, 19 now, 'dogs' 20 then, 21 now)",
    ),
}


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_other_data_are_refused_with_what_changed_and_accepted_on_demand(
    change: str,
    cached: bool,
    tmp_path: Path,
    root: Path,
    opened: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    experiment = config(tmp_path, root)
    start(experiment)
    known = run_data.read(Workdir(experiment.workdir))
    make, said = CHANGES[change]
    make(root)
    later = replace(experiment, data=replace(experiment.data, cached=cached))
    where = f"data.path = {str(root)!r}: not the data that {experiment.workdir} learnt"
    way_out = "must be the same, wherever they lie. --data-changed accept goes on with these"
    assert refused(later) == f"{where} ({said}); {way_out}"
    if change == "a class is new":
        said = "its networks are made for 2 classes, not 3; must be another folder"
        assert said in refused(later, data_changed="accept")
        assert "going on with these" not in capsys.readouterr().err
        return
    start(later, data_changed="accept")
    start(later)
    content = json.loads((experiment.workdir / "data.json").read_text())
    assert [from_json(before) for before in content["before"]] == [known]


def test_samples_of_another_shape_are_refused_even_if_accepted(
    tmp_path: Path, root: Path, opened: None
) -> None:
    start(config(tmp_path, root))
    for path in root.rglob("*.png"):
        Image.fromarray(np.zeros((6, 5), np.uint8)).save(path)
    said = refused(config(tmp_path, root))
    assert "(samples were 4 x 4 x 1, and are 6 x 5 x 1; train: as many samples, but other" in said
    said = refused(config(tmp_path, root), data_changed="accept")
    assert "networks are made for samples of (4, 4, 1), not (6, 5, 1)" in said


@pytest.mark.parametrize("kind", ["moved", "copied", "zipped"])
def test_data_that_moved_are_the_same_data(
    kind: str, tmp_path: Path, root: Path, opened: None
) -> None:
    start(config(tmp_path, root))
    new = tmp_path / "elsewhere"
    if kind == "moved":
        root.rename(new)
    elif kind == "copied":
        shutil.copytree(root, new)
    else:
        new = Path(shutil.make_archive(str(new), "zip", root))
        shutil.rmtree(root)
    start(config(tmp_path, new))
    assert Workdir(tmp_path / "run").read_config().data.path == new
    assert json.loads((tmp_path / "run" / "data.json").read_text())["before"] == []


def test_a_run_of_before_goes_on_and_knows_its_data_from_then_on(
    tmp_path: Path, root: Path, opened: None
) -> None:
    start(config(tmp_path, root))
    (tmp_path / "run" / "data.json").unlink()
    moved = root.rename(tmp_path / "moved")
    assert "data.path is PosixPath" in refused(config(tmp_path, moved))
    moved.rename(root)
    start(config(tmp_path, root))
    draw(root / "train" / "cats" / "new.png", 1)
    assert "('cats' 20 then, 21 now)" in refused(config(tmp_path, root))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 1}', '{"version": 9}', "[" * 9_999])
def test_a_file_that_is_not_of_ours_is_named(
    text: str, tmp_path: Path, root: Path, opened: None
) -> None:
    start(config(tmp_path, root))
    (tmp_path / "run" / "data.json").write_text(text)
    said = refused(config(tmp_path, root))
    assert said.startswith(f"{tmp_path}/run/data.json: can't be read (")
    assert "must be what train.py wrote there" in said


@pytest.mark.parametrize("name", ["digits", "stacked_digits", "ring8", "grid25"])
def test_sets_that_need_no_download_are_known_too(name: str) -> None:
    train, held_out = (load_source(Data(name), split) for split in ("train", "test"))  # type: ignore[arg-type]
    known = identify(train, held_out)
    assert known == identify(train, held_out) == from_json(json.loads(json.dumps(to_json(known))))
    assert (known.train.samples, known.held_out.samples) == (len(train), len(held_out))
    np.testing.assert_array_equal(known.class_weights, train.class_weights)
    other = identify(held_out, train)
    assert known.number != other.number
    assert changes(known, other)


def test_content_that_is_only_read_is_known_by_every_sample() -> None:
    """Any object with the members of a source will do."""

    class Plain:
        def __init__(self, images: np.ndarray) -> None:
            self.images = images
            self.sample_shape, self.class_names = images.shape[1:], ("a", "b")
            self.class_weights, self.name = np.array([0.5, 0.5]), "plain"
            self.kind = IMAGE

        def __len__(self) -> int:
            return len(self.images)

        def __getitem__(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            from cgan.types import Batch

            return Batch(self.images[rows], (rows % 2).astype(np.int32))

        encode = decode = staticmethod(lambda x: x)

    images = np.random.default_rng(0).integers(0, 255, (5000, 2, 2, 1), np.uint8)
    one = identify(Plain(images), Plain(images))
    images = images.copy()
    images[4999, 1, 1, 0] ^= 1
    assert changes(one, identify(Plain(images), Plain(images))) == [
        "train: as many samples, but other ones",
        "held out: as many samples, but other ones",
    ]


def test_many_classes_are_named_by_the_first() -> None:
    def known(names: list[str]) -> Identity:
        split = Split(len(names), (1,) * len(names), "o", "u", "l")
        return Identity((4, 4, 1), tuple(names), (), split, split)

    one, other = known([f"a{n}" for n in range(9)]), known([f"b{n}" for n in range(9)])
    assert changes(one, other) == [
        "without the classes 'a0', 'a1', 'a2', 'a3', 'a4' and 4 more",
        "with the new classes 'b0', 'b1', 'b2', 'b3', 'b4' and 4 more",
    ]
    assert changes(one, known([f"a{n}" for n in reversed(range(9))])) == [
        "the classes are in another order"
    ]


@pytest.fixture
def trained(tmp_path: Path, root: Path) -> Path:
    """A run that was saved before its first step: nothing is compiled to make it."""
    experiment, workdir = config(tmp_path, root), Workdir(tmp_path / "run")
    workdir.create(experiment)
    parts = assemble(experiment)
    run_data.write(workdir, identify(parts.source, load_source(experiment.data, "test")))
    with Checkpoints(workdir.checkpoints) as checkpoints:
        checkpoints.save(8, parts.init_state())
    return workdir.root


def test_samples_need_neither_the_data_nor_the_cache(
    trained: Path, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.load_run(trained)
    assert runs.named_class(run, "dogs") == 1
    expected = runs.draw_samples(run, 30, seed=3)
    with monkeypatch.context() as patch:  # what a run of before reads of its data
        patch.setattr(run_data, "read", lambda _: None)
        before = runs.load_run(trained)
        np.testing.assert_array_equal(runs.draw_samples(before, 30, seed=3), expected)
    rename(root, "cats", "zebras")
    run = runs.load_run(trained)
    assert [runs.named_class(run, name) for name in ("cats", "dogs")] == [0, 1]
    shutil.rmtree(root)
    shutil.rmtree(tmp_path / "cache")
    run = runs.load_run(trained)
    np.testing.assert_array_equal(runs.draw_samples(run, 30, seed=3), expected)
    with pytest.raises(ConfigError, match="class = 'zebras': must be one of cats, dogs"):
        runs.named_class(run, "zebras")
    for out in ("grid.png", "one.npz"):
        arguments = ["cgan.sample", str(trained), "--class", "cats", "--out", str(tmp_path / out)]
        monkeypatch.setattr(sys, "argv", [*arguments, "--n", "8"])
        sample.main()
        assert (tmp_path / out).is_file()
    assert not (tmp_path / "cache" / "data").exists()
    with pytest.raises(ConfigError, match="is not there"):
        run.sampler.parts.source[np.arange(2)]


def test_what_reads_the_data_holds_them_against_the_run(
    trained: Path, tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workdir = Workdir(trained)
    experiment = workdir.read_config()
    new = root.rename(tmp_path / "new")
    with pytest.raises(ConfigError, match="--data-path says where this run's data lie now"):
        splits_of(workdir, experiment, Whereabouts())
    for nowhere in ("~nobody_of_this_name", "n" * 300):
        with pytest.raises(ConfigError, match="--data-path says where this run's data lie now"):
            splits_of(workdir, experiment, Whereabouts(Path(nowhere)))
    train, held_out = splits_of(workdir, experiment, Whereabouts(new))
    assert (len(train), len(held_out)) == (40, 10)
    draw(new / "test" / "cats" / "new.png", 1)
    with pytest.raises(ConfigError, match="held out: 10 samples then, 11 now"):
        splits_of(workdir, experiment, Whereabouts(new))
    capsys.readouterr()
    assert len(splits_of(workdir, experiment, Whereabouts(new, "accept"))[1]) == 11
    assert "11 now ('cats' 5 then, 6 now)): going on with these" in capsys.readouterr().err


def test_the_commands_that_read_the_data_refuse_other_ones(
    trained: Path, tmp_path: Path, root: Path
) -> None:
    from eval.measuring.runs import load

    draw(root / "train" / "cats" / "new.png", 1)
    with pytest.raises(ConfigError, match=r"train: 40 samples then, 41 now"):
        load(trained, None, None, 64, (), "pixels", None, Whereabouts())


def test_a_path_for_data_that_lie_nowhere_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"data_path = 'x': must be left out with data\.source"):
        run_data.moved(Data("digits"), Path("x"))


def test_files_of_labels_and_folders_of_splits_move_too(
    tmp_path: Path, root: Path, opened: None
) -> None:
    file = root / "labels.csv"
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    file.write_text("".join(f"{path},{path.split('/')[1]}\n" for path in paths))
    first = config(tmp_path, root)
    start(replace(first, data=replace(first.data, classes=str(file))))
    root.rename(tmp_path / "elsewhere")
    data = Data("folder", path=tmp_path / "elsewhere")
    run = Workdir(first.workdir)
    for split in splits_of(run, run.read_config(), Whereabouts(data.path)):
        assert split.class_names == ("cats", "dogs")
    later = replace(data, classes=str(tmp_path / "elsewhere/labels.csv"), splits="train,test")
    start(replace(first, data=later))
    assert run.read_config().data == later
    start(replace(first, data=data))
    said = refused(replace(first, data=replace(data, classes="none"), conditioning=Conditioning()))
    assert "holds a run with another config" in said
    backwards = replace(data, splits="test,train")
    assert "train: 40 samples then, 10 now" in refused(replace(first, data=backwards))


def test_a_refusal_of_labels_names_the_way_to_have_some(tmp_path: Path) -> None:
    for number in range(60):
        draw(tmp_path / "set" / f"{number // 30:05d}" / f"{number}.png", number)
    experiment = config(tmp_path, tmp_path / "set")
    with pytest.raises(ConfigError, match=r"fewer than two.*--data\.classes says .*: folders, or"):
        assemble(experiment)
    assemble(replace(experiment, data=replace(experiment.data, classes="folders")))
