"""An object of the user's own as a data set: sequences through all that a run goes through."""

import dataclasses
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image

from cgan.assemble import assemble
from cgan.commands import rank, sample
from cgan.config import (
    Augment,
    Conditioning,
    ConfigError,
    Data,
    Discriminator,
    Experiment,
    Generator,
    Penalty,
)
from cgan.data.abilities import held_out_of
from cgan.data.source import check_source
from cgan.kinds import POINT, SEQUENCE
from cgan.sampling.pictures import as_images, palette
from cgan.sampling.runs import load_run, stream_samples
from cgan.sampling.sampler import Sampler
from cgan.system import cli
from cgan.training.loop import train
from cgan.types import Batch
from eval.commands import collapse, report, run

LETTERS = "ACGT"
MOTIFS = ("AACCGG", "TTGGCC", "ACACAC", "GTGTGT")
LENGTH = 16


def one_hot(text: str) -> np.ndarray:
    return np.eye(4, dtype=np.uint8)[[LETTERS.index(letter) for letter in text]]


@dataclass(frozen=True)
class Motifs:
    """DNA of 16 letters, random but for one of four motifs somewhere in it, which is its class."""

    n: int = 160
    seed: int = 0
    name: str = "motifs"
    class_names = MOTIFS
    kind = SEQUENCE
    sample_shape = (LENGTH, 4)

    @cached_property
    def samples(self) -> np.ndarray:
        rng = np.random.default_rng(self.seed)
        found = np.eye(4, dtype=np.uint8)[rng.integers(4, size=(self.n, LENGTH))]
        for row, start in enumerate(rng.integers(LENGTH - 5, size=self.n)):
            found[row, start : start + 6] = one_hot(MOTIFS[row % 4])
        return found

    @property
    def class_weights(self) -> np.ndarray:
        return np.full(4, 1 / 4)

    @property
    def held_out(self) -> "Motifs":
        return dataclasses.replace(self, seed=self.seed + 1)

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, indices: np.ndarray) -> Batch:
        return Batch(self.samples[indices], (np.asarray(indices) % 4).astype(np.int32))

    def encode(self, stored: Any) -> Any:
        return 2 * stored.astype("float32") - 0.5

    def decode(self, samples: np.ndarray) -> np.ndarray:
        return np.eye(4, dtype=np.uint8)[samples.argmax(axis=-1)]

    def classify(self, stored: np.ndarray) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(stored, 6, axis=1)
        matches = np.einsum("nwlm,kml->nwk", windows, np.stack([one_hot(m) for m in MOTIFS]))
        has = matches.max(axis=1) == 6
        return np.where(has.any(axis=1), has.argmax(axis=1), -1)


@dataclass(frozen=True)
class Ball:
    """Points in space of which no modes and no classes are known."""

    n: int = 128
    seed: int = 0
    name: str = "ball"
    class_names = ()
    kind = POINT
    sample_shape = (3,)

    @property
    def class_weights(self) -> np.ndarray:
        return np.zeros(0)

    @property
    def held_out(self) -> "Ball":
        return Ball(self.n, self.seed + 1)

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, indices: np.ndarray) -> Batch:
        points = np.random.default_rng(self.seed).normal(size=(self.n, 3)).astype(np.float32)
        return Batch(points[indices], np.zeros(len(indices), np.int32))

    def encode(self, stored: Any) -> Any:
        return stored.astype("float32")

    def decode(self, samples: np.ndarray) -> np.ndarray:
        return np.asarray(samples, np.float32)


def config(root: Path, **settings: Any) -> Experiment:
    settings = {
        "generator": Generator(latent_dim=4, width=16, depth=1),
        "discriminator": Discriminator(width=16, depth=1),
        "penalty": Penalty(r1=0.0, r2=0.0),
        "batch_size": 16,
        "total_nimg": 64,
        "ramp_nimg": 64,
        "log_nimg": 32,
        "snapshot_nimg": 64,
        "checkpoint_nimg": 32,
        "probe_nimg": 32,
    } | settings
    return Experiment(workdir=root, **settings)


def trained(root: Path, source: Any, **settings: Any) -> Any:
    return train(config(root, **settings), jax.devices()[:1], source=source)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of sequences."""
    folder = tmp_path_factory.mktemp("own") / "run"
    trained(folder, Motifs())
    return folder


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_run_of_an_object_says_so_and_knows_it_by_its_content(root: Path) -> None:
    assert json.loads((root / "config.json").read_text())["data"]["source"] == "own"
    known = json.loads((root / "data.json").read_text())
    assert known["sample_shape"] == [16, 4]
    assert known["train"]["per_class"] == [40, 40, 40, 40]
    assert known["train"]["ordered"] != known["held_out"]["ordered"]


def test_it_is_resumed_with_the_same_object_bit_for_bit_and_with_no_other(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", Motifs())
    trained(tmp_path / "parts", Motifs(), total_nimg=32)
    with pytest.raises(
        ConfigError, match=r"^data\.source = 'own': not the data that .*parts learnt"
    ):
        trained(tmp_path / "parts", Motifs(seed=5))
    with pytest.raises(ConfigError, match=r"stands for an object that a program hands to train"):
        train(config(tmp_path / "parts", data=Data("own")), jax.devices()[:1])
    resumed = trained(tmp_path / "parts", Motifs())
    jax.tree.map(np.testing.assert_array_equal, whole, resumed)


def test_its_snapshots_are_rows_of_colored_letters(root: Path) -> None:
    parts = assemble(config(root), Motifs())
    assert parts.config.data == Data("own")
    with Image.open(root / "samples" / "0000000064.png") as picture:
        found = np.asarray(picture)
    run = load_run(root, source=Motifs())
    drawn = run.sampler.pictured(run.params, 0, "latents/snapshot")
    assert drawn.shape == (64, 16, 4)
    cell = found[4 : 4 + 14, 4 : 4 + 96]
    np.testing.assert_array_equal(cell, as_images(drawn[:1])[0])
    colors = np.rint(255 * palette(4)).astype(np.uint8)
    np.testing.assert_array_equal(cell[3, 3::6], colors[drawn[0].argmax(axis=-1)])
    assert len(np.unique(colors, axis=0)) == 4


def test_a_picture_of_few_classes_has_a_row_for_each(tmp_path: Path) -> None:
    labeled = config(tmp_path, conditioning=Conditioning(labels=True))
    assert Sampler(assemble(labeled, Motifs())).picture_size == 4 * 4


def test_weights_between_letters_have_a_color_between_theirs() -> None:
    sequences = np.array([[[1, 0], [0, 1], [1, 1], [-1, 3], [0, 0]]], np.float32)
    strip = as_images(sequences)[0, 0, ::6].astype(int)
    first, second = np.rint(255 * palette(2)).astype(int)
    np.testing.assert_array_equal(strip[[0, 1, 3, 4]], [first, second, second, [0, 0, 0]])
    np.testing.assert_allclose(strip[2], (first + second) / 2, atol=1)


def test_samples_are_drawn_and_written_by_a_program_that_hands_it_in(
    root: Path, tmp_path: Path
) -> None:
    sample.main([str(root), "--out", str(tmp_path / "s.npz"), "--n", "20"], Motifs())
    with np.load(tmp_path / "s.npz") as arrays:
        samples = arrays["samples"]
    assert samples.dtype == np.uint8
    np.testing.assert_array_equal(samples.sum(axis=-1), np.ones((20, 16)))
    run = load_run(root, source=Motifs())
    np.testing.assert_array_equal(np.concatenate(list(stream_samples(run, 20, 0))), samples)
    for name, settings, rows in (("s", [], 16), ("walk", ["--interpolate"], 8)):
        sample.main([str(root), "--out", str(tmp_path / f"{name}.png"), *settings], Motifs())
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.size == (64 // rows * 100 + 4, rows * 18 + 4)


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))


def test_it_is_ranked(root: Path, tmp_path: Path) -> None:
    rank.main([str(root), "--out", str(tmp_path / "r.png"), "--reals", "2"], Motifs())
    with Image.open(tmp_path / "r.png") as picture:
        assert picture.size == (40 + 96 + 60 + 12 * 108 - 12 + 40, 116 + 56 + 2 * 72 + 120)
    with pytest.raises(ConfigError, match=r"^fakes = 65: must be at most 64 sequences$"):
        rank.main([str(root), "--out", str(tmp_path / "r.png"), "--fakes", "65"], Motifs())


def test_it_is_probed_for_collapse(root: Path) -> None:
    probes = [row for row in rows_of(root / "metrics.jsonl") if "probe/coverage" in row]
    assert [row["nimg"] for row in probes] == [32, 64]
    assert all(0 <= row["probe/coverage"] < 2 for row in probes)


def test_it_is_measured_by_coordinates_and_by_its_own_rule(
    root: Path, tmp_path: Path, cache: None
) -> None:
    run.main([str(root), "--n", "120", "--out", str(tmp_path)], Motifs())
    found = {(r["metric"], r["samples"]): r for r in rows_of(tmp_path / "eval.jsonl")}
    frechet = found["frechet_distance", "generated"]
    assert (frechet["extractor"], frechet["labeller"]) == ("own", "own")
    assert frechet["labeller_accuracy"] > 0.9
    assert found["modes_captured_at_1", "real"]["value"] == 4
    wanted = {name for name, _ in found}
    assert {"precision_k3_inclusive", "total_variation", "authenticity"} <= wanted
    assert not any("ms_ssim" in name or "3sigma" in name for name in wanted)
    samples = np.concatenate(list(stream_samples(load_run(root, source=Motifs()), 120, 0)))
    captured = set(Motifs().classify(samples)) - {-1}
    assert found["modes_captured_at_1", "generated"]["value"] == len(captured)


def test_it_is_reported_and_judged(root: Path, tmp_path: Path, cache: None) -> None:
    report.main([str(root), "--n", "120", "--out", str(tmp_path)], Motifs())
    page = (tmp_path / "report.html").read_text()
    for words in ("generated sequences", "Nearest train sequences", "sequences by class"):
        assert words in page
    assert "images by class" not in page
    with pytest.raises(SystemExit) as stop:
        collapse.main([str(root), "--n", "200", "--out", str(tmp_path)], Motifs())
    assert stop.value.code in (0, 1, 3, 4, 5)
    with Image.open(tmp_path / "collapse.png") as picture:
        assert picture.format == "PNG"


COMMANDS = {
    "sample": lambda root, out: sample.main([str(root), "--out", str(out / "x.png")]),
    "rank": lambda root, out: rank.main([str(root), "--out", str(out / "x.png")]),
    "eval": lambda root, out: run.main([str(root), "--out", str(out)]),
    "report": lambda root, out: report.main([str(root), "--out", str(out)]),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_command_lines_say_that_a_program_must_hand_it_in(
    command: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.run(lambda: COMMANDS[command](root, tmp_path))
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert f"{root}: learnt an object that a program hands to train(config, source=...)" in said
    assert "load_run(root, source=...)" in said
    assert not list(tmp_path.iterdir())


def test_views_of_sequences_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    for augment, message in (
        (
            Augment(0.3),
            r"^augment\.strength = 0\.3: must be 0 with data\.source = 'own', whose sam",
        ),
        (
            Augment(policy="ada", probability=0.2),
            r"^augment\.policy = 'ada': must be 'views' of strength 0 with .* are sequences$",
        ),
    ):
        with pytest.raises(ConfigError, match=message):
            trained(tmp_path / "run", Motifs(), augment=augment)
    assert not (tmp_path / "run").exists()


def test_points_without_known_modes_are_trained_on_drawn_and_measured(
    tmp_path: Path, cache: None
) -> None:
    root = tmp_path / "run"
    trained(root, Ball(), augment=Augment(0.1))
    assert (root / "samples" / "0000000064.png").is_file()
    report.main([str(root), "--n", "100"], Ball())
    found = {r["metric"]: r for r in rows_of(root / "eval.jsonl") if r["samples"] == "noise"}
    assert found["frechet_distance"]["extractor"] == "coordinates"
    assert found["frechet_distance"]["labeller"] is None
    assert "generated points over real ones" in (root / "report.html").read_text()
    rank.main([str(root), "--out", str(tmp_path / "r.png"), "--reals", "1"], Ball())
    message = r"extractor = 'points': ball has no modes that are known; must be 'coordinates'$"
    with pytest.raises(ConfigError, match=message):
        run.main([str(root), "--extractor", "points"], Ball())
    with pytest.raises(ConfigError, match=r"reads images, and ball holds points; must be 'coord"):
        run.main([str(root), "--extractor", "pixels"], Ball())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "sequence"}, r"^source\.kind = 'sequence': must be cgan\.kinds\.IMAGE or cgan"),
        (
            {"sample_shape": (16, 4, 1)},
            r"^source\.sample_shape = \(16, 4, 1\): must be \(length, letters\) for sequences$",
        ),
        ({"class_names": ("a",)}, r"^len\(source\.class_weights\) = 4: must be 1 shares, one for"),
        (
            {"decode": lambda x: x},
            r"^source\.decode = 'float32 \[16, 4\]': must be uint8 \[16, 4\]",
        ),
        (
            {"encode": lambda x: x[:, :8]},
            r"^shape of source\.encode = \(8, 4\): must be \(16, 4\)$",
        ),
        ({"sample_shape": (15, 4)}, r"^shape of source\[\.\.\.\] = \(16, 4\): must be \(15, 4\)$"),
    ],
)
def test_an_object_that_is_no_source_is_refused(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    class Wrong(Motifs):
        """With a member that does not fit the others."""

    for name, value in changes.items():
        setattr(Wrong, name, staticmethod(value) if callable(value) else value)
    with pytest.raises(ConfigError, match=message):
        assemble(config(tmp_path), Wrong())


def test_missing_members_and_settings_beside_an_object_are_named(
    root: Path, tmp_path: Path
) -> None:
    nearly: Any = SimpleNamespace(name="nearly", sample_shape=(2,))
    with pytest.raises(ConfigError, match=r"^source = SimpleNamespace: has no kind and no class_n"):
        check_source(nearly)
    with pytest.raises(ConfigError, match=r"^data\.source = 'ring8': must be 'own', or left out"):
        assemble(config(tmp_path, data=Data("ring8")), Motifs())

    class Whole(Motifs):
        """Without a held-out split."""

        held_out: Any = property(lambda self: (_ for _ in ()).throw(AttributeError("held_out")))

    with pytest.raises(ConfigError, match=r"^source = 'motifs': has no held_out; must have a memb"):
        trained(tmp_path / "run", Whole())
    assert not (tmp_path / "run").exists()

    class Mixed(Motifs):
        """Held out are points."""

        held_out: Any = Ball()

    with pytest.raises(
        ConfigError, match=r"^source\.held_out\.sample_shape = \(3,\): must be \(16"
    ):
        held_out_of(Mixed())
    with pytest.raises(ConfigError, match=r"made for samples of \(16, 4\), not \(3,\)"):
        load_run(root, source=Ball())
