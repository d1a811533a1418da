"""Proteins: alignments by hand, folds of whole clades, residues, views, and what is refused."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cgan import augment
from cgan.config import Augment, ConfigError, Data, Experiment, Graded
from cgan.data import alignment, clades, fasta, load_source, proteins
from cgan.data.fasta import RESIDUES, BrokenFasta, records_in
from cgan.kinds import PROTEIN
from eval.extractors.kmer_counts import counts, spectrum
from tests.protein_files import LENGTH, family

pytest.importorskip("Bio")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return family(tmp_path_factory.mktemp("proteins") / "family.fasta")


def codes(text: str) -> np.ndarray:
    return np.array(["ACDEFGHIKLMNPQRSTVWYX".index(letter) for letter in text], np.uint8)


def test_scores_are_those_of_alignments_by_hand() -> None:
    """BLOSUM62: A-A 4, W-W 11, R-R 5, A-R -1. A gap of one costs 11, each more 1."""
    found = alignment.scores([codes("AWR"), codes("AWWR"), codes("RWR")])
    assert found[0, 0] == 4 + 11 + 5
    assert found[1, 1] == 4 + 11 + 11 + 5
    assert found[0, 2] == -1 + 11 + 5
    assert found[0, 1] == 4 + 11 + 5 - 11
    assert alignment.scores([codes("AWWWR"), codes("AWR")])[0, 1] == 4 + 11 + 5 - 11 - 1
    distance = alignment.of_scores(found)
    assert distance[0, 1] == pytest.approx(1 - 9 / 20)
    assert (np.diag(distance) == 0).all()
    apart = alignment.of_scores(alignment.scores([codes("WWWW"), codes("GGGG")]))
    assert apart[0, 1] == 1  # clipped: the score is negative


def test_distances_are_computed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    three = [codes("AWRA"), codes("AWWRA"), codes("RWRG")]
    first = alignment.distances(three)
    monkeypatch.setattr(alignment, "scores", None)
    np.testing.assert_array_equal(alignment.distances(three), first)
    with pytest.raises(TypeError):
        alignment.distances(three[:2])


def test_a_protein_of_nothing_known_is_refused() -> None:
    with pytest.raises(BrokenFasta, match="protein 2 has no score with itself"):
        alignment.distances([codes("AW"), codes("XX")])


def test_whole_clades_are_held_out_and_each_once(path: Path) -> None:
    held_out = [set(held_out_names(path, fold)) for fold in range(proteins.FOLDS)]
    assert sorted(name for names in held_out for name in names) == sorted(all_names(path))
    found = proteins.of_file(path)
    whole = {frozenset(clade) for clade in clades.clades(found.tree, 2)}
    for names in held_out:
        assert all(clade <= names or not clade & names for clade in whole)


def all_names(path: Path) -> list[str]:
    return [record.name for record in fasta.read(path, RESIDUES)]


def held_out_names(path: Path, fold: int) -> list[str]:
    return proteins.held_out_names(proteins.of_file(path), fold)


def test_average_linkage_finds_the_clades_that_the_proteins_were_made_of(path: Path) -> None:
    found = clades.clades(proteins.of_file(path).tree, 3)
    triples = [clade for clade in found if len(clade) == 3]
    assert len(triples) >= 5
    assert all(len({name.split("_")[0] for name in triple}) == 1 for triple in triples)


def test_samples_are_the_residues_and_none_behind_them(path: Path) -> None:
    train, test = (load(path, split, length=50) for split in ("train", "test"))
    assert train.kind == PROTEIN
    assert train.sample_shape == (50, 21)
    assert len(train) + len(test) == 18
    assert train.class_weights.sum() == pytest.approx(1)
    assert ((train.class_weights > 0) != (test.class_weights > 0)).all()
    batch = train[np.arange(len(train))]
    texts = dict(zip(all_names(path), texts_of(path), strict=True))
    for x, label in zip(batch.x, batch.label, strict=True):
        said = alignment.letters_of(x.argmax(axis=-1).astype(np.uint8))
        assert said == texts[train.class_names[label]] + "X" * 10
    np.testing.assert_array_equal(train.decode(train.encode(batch.x)), batch.x)
    known = train.class_distances()
    assert known.shape == (18, 18)
    np.testing.assert_array_equal(known, test.class_distances())


def load(path: Path, split: Any, **settings: Any) -> Any:
    return load_source(Data("proteins", path=path, **settings), split)


def texts_of(path: Path) -> list[str]:
    return [alignment.letters_of(record.codes) for record in fasta.read(path, RESIDUES)]


def test_longer_proteins_give_windows(path: Path) -> None:
    train = load(path, "train", length=12)
    assert len(train) % proteins.WINDOWS == 0
    batch, texts = train[np.arange(len(train))], texts_of(path)
    for x, label in zip(batch.x, batch.label, strict=True):
        assert alignment.letters_of(x.argmax(axis=-1).astype(np.uint8)) in texts[label]


def test_letters_gaps_and_what_is_refused(path: Path, tmp_path: Path) -> None:
    (record,) = records_in(b">one\nmA-c.\nBu*\n", RESIDUES)
    assert alignment.letters_of(record.codes) == "MACXXX"
    with pytest.raises(BrokenFasta, match="has '1' as residue 3; must have one of the 20"):
        list(records_in(b">one\nMA1\n", RESIDUES))
    with pytest.raises(BrokenFasta, match="is empty but for gaps"):
        list(records_in(b">one\n--\n", RESIDUES))
    few, twice = tmp_path / "few.fasta", tmp_path / "twice.fasta"
    few.write_text(">one\nMAC\n")
    twice.write_text(path.read_text() + path.read_text())
    for wrong, said in ((few, "holds 1 proteins; must hold from 10"), (twice, "two records")):
        with pytest.raises(ConfigError, match=f"^data.path = .*{said}"):
            load(wrong, "train")
    with pytest.raises(ConfigError, match=r"^data.path = .*No such file"):
        load(tmp_path / "nothing.fasta", "train")


def test_without_the_packages_there_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proteins, "_installed", lambda name: None)
    with pytest.raises(ConfigError, match="pip install biopython && pip install --no-deps cogent3"):
        load_source(Data("proteins"), "train")


def test_the_mammals_that_cogent3_ships_are_those_that_are_said() -> None:
    if proteins._installed("cogent3") is None:
        pytest.skip("cogent3 is not installed")
    found = proteins.shipped()
    assert len(found.records) == len(clades.leaves(found.tree)) == 55
    lengths = {record.name: len(record.codes) for record in found.records}
    assert (lengths["Human"], lengths["Bandicoot"]) == (946, 845)
    assert max(lengths.values()) < 968
    human = next(record for record in found.records if record.name == "Human")
    assert proteins.UNKNOWN not in human.codes


def test_each_residue_is_another_one_by_chance_and_none_stays_none() -> None:
    one_hot = jnp.eye(21)[jnp.tile(jnp.r_[jnp.arange(20), 20], 40)]
    policy = augment.build(Augment(policy="substitutions", probability=0.3), PROTEIN)
    keys = jax.random.split(jax.random.key(0), 8)
    found = np.asarray(jax.jit(policy)(keys, jnp.tile(one_hot, (8, 1, 1)), 0.3)).argmax(-1)
    codes_ = np.asarray(one_hot).argmax(-1)
    known = codes_ < 20
    assert 0.26 < (found[:, known] != codes_[known]).mean() < 0.31  # 0.3 of 19 in 20
    assert (found[:, ~known] == 20).all()
    assert set(np.unique(found[:, known])) == set(range(20))
    with pytest.raises(ConfigError, match=r"^augment.probability = 0.0: must be more than 0"):
        Augment(policy="substitutions")


def test_kmers_of_what_is_not_known_are_not_counted() -> None:
    stored = np.eye(21, dtype=np.uint8)[codes("ACXACD")][None]
    found = counts(stored, 2)[0]
    assert found.shape == (400,)
    assert {(n // 20, n % 20): found[n] for n in np.flatnonzero(found)} == {(0, 1): 2, (1, 2): 1}
    assert spectrum(stored, 1)[:3].tolist() == pytest.approx([0.4, 0.4, 0.2])


def test_data_without_distances_have_no_graded_targets() -> None:
    with pytest.raises(ConfigError, match=r"^graded.weight = 1.0: .* those of proteins have$"):
        Experiment(workdir=Path("run"), data=Data("digits"), graded=Graded(weight=1.0))
    settings: dict[str, Any] = {"data": Data("proteins"), "graded": Graded(weight=1.0)}
    with pytest.raises(ConfigError, match=r"^batch_size = 1: must be 2 or more with graded"):
        Experiment(workdir=Path("run"), batch_size=1, **settings)


def test_windows_have_the_length_of_the_file(path: Path) -> None:
    assert {len(text) for text in texts_of(path)} == {LENGTH}
