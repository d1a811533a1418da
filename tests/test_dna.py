"""DNA from files to samples: FASTA, fragments of genomes, a run, its pictures and its FASTA."""

import dataclasses
import gzip
import re
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from PIL import Image

from cgan.commands import rank, sample
from cgan.config import (
    Augment,
    ConfigError,
    Data,
    Descent,
    Discriminator,
    Embedding,
    Experiment,
    Generator,
    Penalty,
    Pretext,
    Pretraining,
)
from cgan.data import fasta, load_source
from cgan.data.dna import FRAGMENTS, OF_PYHMMER, OF_PYRODIGAL
from cgan.kinds import DNA
from cgan.pretext.picture import tiled
from cgan.sampling.pictures import BASES, bases_as_images
from cgan.sampling.runs import load_run
from cgan.training.loop import train
from configs import CONFIGS
from tests.dna_files import POOR, RICH, letters_of, other_strand, two_genomes

LENGTH = 30
COLORS = {tuple(color) for color in np.rint(255 * BASES).astype(int).tolist()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_genomes(tmp_path_factory.mktemp("dna") / "genomes")


def of(path: Path, split: Any = "train", length: int = LENGTH, **settings: Any) -> Any:
    return load_source(Data("dna", path=path, length=length, **settings), split)


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def colors_in(path: Path) -> set[tuple[int, ...]]:
    with Image.open(path) as picture:
        return {tuple(color) for color in np.asarray(picture).reshape(-1, 3).tolist()}


def test_records_are_read_in_either_case_over_lines_and_from_gzip(tmp_path: Path) -> None:
    text = ">one the first\r\nAC\r\n\r\ngtN\n> two\nn\n"
    plain = fasta.read(written(tmp_path / "a.fasta", text))
    assert [(name, codes.tolist()) for name, codes in plain] == [
        ("one", [0, 1, 2, 3, 4]),
        ("two", [4]),
    ]
    (tmp_path / "a.fa.gz").write_bytes(gzip.compress(text.encode()))
    packed = fasta.read(tmp_path / "a.fa.gz")
    assert fasta.written(packed) == fasta.written(plain) == ">one\nACGTN\n>two\nN\n"
    assert fasta.is_fasta(tmp_path / "a.FNA.gz")
    assert not fasta.is_fasta(tmp_path / "a.png")


def test_what_is_written_is_read_again_in_lines_of_sixty() -> None:
    codes = np.random.default_rng(0).integers(5, size=130).astype(np.uint8)
    text = fasta.written([("x", codes)])
    assert [len(line) for line in text.splitlines()] == [2, 60, 60, 10]
    (record,) = fasta.records_in(text.encode())
    np.testing.assert_array_equal(record.codes, codes)


BROKEN = {
    "": "holds no records; must be a FASTA file",
    "ACGT\n": "does not begin with '>NAME'; must be a FASTA file",
    ">a\n>b\nAC\n": "record 'a' is empty; every record must have bases",
    ">a\nAC\n>b": "record 'b' is empty; every record must have bases",
    ">a\nACGT\nACR\n": "record 'a' has 'R' as base 7; must have A, C, G, T or N alone",
    ">protein\nMKV\n": "record 'protein' has 'M' as base 1; must have A, C, G, T or N alone",
    f">a\n{'ACGT' * 12}\n": "has no 30 bases that are known, in a row, in both halves of a record "
    "(the longest has 48 bases); must have, or data.length be smaller",
    f">a\n{'ACGTACGTAN' * 50}\n": "has no 30 bases that are known, in a row",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_file_that_is_no_dna_is_refused_in_one_message(text: str, tmp_path: Path) -> None:
    path = written(tmp_path / "x.fasta", text)
    expected = re.escape(BROKEN[text])
    with pytest.raises(ConfigError, match=rf"^data\.path = '.*x\.fasta': .*{expected}"):
        of(path)
    with pytest.raises(ConfigError, match=rf"^data\.path = '.*x\.fasta.*{expected}"):
        of(tmp_path)


def test_so_is_a_place_without_files_and_a_damaged_archive(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder without FASTA files"):
        of(tmp_path)
    with pytest.raises(ConfigError, match="is not there; must be a FASTA file, or a folder"):
        of(tmp_path / "gone.fasta")
    (tmp_path / "a.fa.gz").write_bytes(gzip.compress(b">a\n" + b"ACGT" * 100)[:-9])
    with pytest.raises(ConfigError, match=r"is damaged .*; must be a whole \.gz file"):
        of(tmp_path / "a.fa.gz")


def test_without_the_packages_one_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for package in ("pyhmmer", "pyrodigal"):
        monkeypatch.setitem(sys.modules, package, None)
    expected = r"--data\.path genome\.fasta\), .*: pip install pyhmmer pyrodigal$"
    with pytest.raises(ConfigError, match=expected):
        load_source(Data("dna"), "train")


@pytest.mark.parametrize("split", ["train", "test"])
def test_fragments_are_stretches_of_their_genomes_half_on_either_strand(
    split: Any, folder: Path
) -> None:
    source = of(folder, split)
    assert source.class_names == ["poor.fasta", "rich.fasta"]
    assert len(source) == FRAGMENTS[split]
    np.testing.assert_array_equal(np.bincount(source.content().labels), 2 * [len(source) // 2])
    batch = source[np.arange(400)]
    half = slice(None, 1_000) if split == "train" else slice(1_000, None)
    halves, forward = [POOR[half], RICH[half]], []
    for text, label in zip(letters_of(batch.x), batch.label, strict=True):
        forward.append(text in halves[label])
        assert forward[-1] or other_strand(text) in halves[label]
    assert 0.4 < np.mean(forward) < 0.6


def test_bases_that_are_not_known_are_in_no_fragment(tmp_path: Path) -> None:
    text = RICH[:300] + "N" * 50 + RICH[300:700] + "n" + RICH[701:]
    source = of(written(tmp_path / "a.fasta", f">a\n{text}\n>short\nACGT\n"))
    assert source.class_names == []
    assert "1 records are too short for one in each half" in source.description
    assert len(letters_of(source[np.arange(2_000)].x)) == 2_000
    half = len(text) // 2
    fitting = {at for at in range(half - LENGTH + 1) if "N" not in text[at : at + LENGTH].upper()}
    assert {int(start) for start in source.starts} == fitting


def test_a_split_is_the_same_each_time_and_known_by_its_content(folder: Path) -> None:
    assert of(folder).content().ordered == of(folder).content().ordered
    others = [of(folder, "test"), of(folder, length=31), of(folder / "rich.fasta")]
    assert len({each.content().ordered for each in [of(folder), *others]}) == 4
    few = of(folder, limit=10)
    np.testing.assert_array_equal(np.bincount(few.content().labels), [5, 5])


def test_stored_bases_and_weights_become_each_other(folder: Path) -> None:
    source = of(folder)
    stored = source[np.arange(5)].x
    assert stored.dtype == np.uint8
    assert source.encode(stored).dtype == np.float32
    np.testing.assert_array_equal(source.decode(0.7 * source.encode(stored) + 0.1), stored)


def test_the_genomes_that_packages_ship_are_those_that_are_said() -> None:
    pytest.importorskip("pyhmmer")
    pytest.importorskip("pyrodigal")
    source = load_source(Data("dna"), "train")
    assert source.sample_shape == (250, 4)
    assert source.class_names == sorted([*OF_PYHMMER, *OF_PYRODIGAL])
    for bases in ("391,023", "2,463,666", "79,939"):
        assert bases in source.description
    poor = source[np.flatnonzero(source.content().labels == 3)[:500]].x
    assert 0.26 < poor[..., 1:3].sum() / poor.sum() < 0.34  # 30.1 % of the contig are G or C


def experiment(root: Path, folder: Path, **settings: Any) -> Experiment:
    values: dict[str, Any] = {
        "generator": Generator("conv1d", latent_dim=4, width=4, depth=1, letters="gumbel"),
        "discriminator": Discriminator("conv1d", width=4, depth=1),
        "augment": Augment(policy="reverse_complement", probability=0.5, shift=2),
        "penalty": Penalty(r1=0.1, r2=0.1),
        "batch_size": 16,
        "total_nimg": 64,
        "log_nimg": 32,
        "snapshot_nimg": 64,
        "checkpoint_nimg": 64,
        "probe_nimg": 32,
    }
    data = Data("dna", path=folder, length=LENGTH)
    return Experiment(workdir=root, data=data, **values | settings)


@pytest.fixture(scope="module")
def root(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("run") / "dna"
    train(experiment(found, folder), jax.devices()[:1])
    return found


def test_a_run_draws_its_samples_as_strips_of_the_bases_colors(root: Path) -> None:
    run = load_run(root)
    drawn = run.sampler.pictured(run.params, 0, "latents/snapshot")
    with Image.open(root / "samples" / "0000000064.png") as picture:
        found = np.asarray(picture)
    cell = found[4 : 4 + 14, 4 : 4 + 6 * LENGTH]
    np.testing.assert_array_equal(cell, bases_as_images(drawn[:1])[0])
    colors = np.rint(255 * BASES).astype(np.uint8)
    np.testing.assert_array_equal(cell[3, 3::6], colors[drawn[0].argmax(axis=-1)])


def test_samples_are_written_as_fasta_and_learnt_from_again(root: Path, tmp_path: Path) -> None:
    out, arrays = tmp_path / "samples.fasta", tmp_path / "samples.npz"
    for path in (out, arrays):
        sample.main([str(root), "--out", str(path), "--n", "20", "--seed", "3"])
    records = fasta.read(out)
    assert [record.name for record in records[:2]] == ["generated_64_3_0", "generated_64_3_1"]
    with np.load(arrays) as known:
        stored = known["samples"]
    np.testing.assert_array_equal([record.codes for record in records], stored.argmax(axis=-1))
    (fragment,) = letters_of(of(out, length=8)[np.arange(1)].x)
    assert any(fragment in text + " " + other_strand(text) for text in letters_of(stored))


def test_samples_that_are_no_dna_are_not(tmp_path: Path) -> None:
    small = dataclasses.replace(
        CONFIGS["ring8"], workdir=tmp_path / "ring", total_nimg=256, steps_per_dispatch=1
    )
    train(small, jax.devices()[:1])
    with pytest.raises(ConfigError, match=r"^out = .*: must be a \.png or \.npz file .* points$"):
        sample.main([str(tmp_path / "ring"), "--out", str(tmp_path / "x.fasta")])


def test_a_run_is_found_again_where_its_files_moved(
    root: Path, folder: Path, tmp_path: Path
) -> None:
    moved, out = two_genomes(tmp_path / "elsewhere"), tmp_path / "rank.png"
    hidden = folder.rename(folder.with_name("hidden"))
    try:
        with pytest.raises(ConfigError, match="--data-path says where"):
            rank.main([str(root), "--out", str(out)])
        sample.main([str(root), "--out", str(tmp_path / "needs no genome.fasta"), "--n", "2"])
        rank.main([str(root), "--out", str(out), "--data-path", str(moved)])
    finally:
        hidden.rename(folder)
    assert colors_in(out) >= COLORS


def pretraining(root: Path, folder: Path, **settings: Any) -> Pretraining:
    small = experiment(root, folder)
    values: dict[str, Any] = {
        "discriminator": small.discriminator,
        "augment": dataclasses.replace(small.augment, shift=10),
        "optim": Descent(),
        "batch_size": 16,
        "total_nimg": 64,
        "log_nimg": 32,
        "snapshot_nimg": 64,
        "checkpoint_nimg": 64,
        "probe_nimg": 64,
    }
    return Pretraining(workdir=root, data=small.data, **values | settings)


def test_a_gan_starts_from_a_discriminator_pretrained_on_either_strand(
    folder: Path, tmp_path: Path
) -> None:
    config = pretraining(tmp_path / "pretrain", folder)
    state = train(config, jax.devices()[:1])
    assert colors_in(config.workdir / "samples" / "0000000064.png") >= COLORS
    settings: dict[str, Any] = {
        "init_from": config.workdir,
        "init_frozen": 2,
        "embedding": Embedding(weight=1.0),  # the neighbour game on views of either strand
        "total_nimg": 16,
    }
    started = train(experiment(tmp_path / "run", folder, **settings), jax.devices()[:1])
    for level in ("stem", "level_1"):
        jax.tree.map(
            np.testing.assert_array_equal,
            started.discriminator["trunk"][level],
            state.discriminator["trunk"][level],
        )


def test_tiles_are_those_of_images(folder: Path, tmp_path: Path) -> None:
    message = r"^data\.source = 'dna': must be a data set of images: tiles are theirs$"
    with pytest.raises(ConfigError, match=message):
        pretraining(tmp_path, folder, pretext=Pretext("jigsaw"))


def test_a_panel_of_dna_without_an_answer_stays_grey() -> None:
    panels = np.full((1, 3, 12, 4), np.nan, np.float32)
    panels[0, [0, 2]] = np.eye(4, dtype=np.float32)[np.arange(12) % 4]
    tiles, columns = tiled(panels, lambda x: np.eye(4, dtype=np.uint8)[x.argmax(-1)], DNA)
    assert columns == 3
    np.testing.assert_array_equal(tiles[0], tiles[2])
    np.testing.assert_array_equal(tiles[1], 96)
    assert {tuple(color) for color in tiles[0].reshape(-1, 3).tolist()} == COLORS
    panels[0, 2, 3:5] = np.nan
    tiles, _ = tiled(panels, lambda x: np.eye(4, dtype=np.uint8)[x.argmax(-1)], DNA)
    width = tiles.shape[2] // 12
    hidden = np.repeat(np.isnan(panels[0, 2, :, 0]), width)
    np.testing.assert_array_equal((tiles[2] == 0).all(axis=(0, 2)), hidden)
