"""Windows in genes and between them, against the letters of planted genes."""

import sys
from typing import Any

import numpy as np
import pytest

from cgan.config import ConfigError
from cgan.data import fasta, genes
from cgan.data.dna import Genome
from cgan.system import cache

LENGTH = 20


def planted(n: int = 4_000, seed: int = 0) -> tuple[Genome, list[np.ndarray]]:
    """A record whose genes are of A and C alone, the rest of G and T; some bases are unknown."""
    rng = np.random.default_rng(seed)
    spans = np.array([(at, at + 60) for at in range(30, n - 60, 110)])
    spans = np.concatenate([spans, [(140, 230)]])  # overlaps another one
    codes = rng.integers(2, 4, size=n)
    for first, last in spans:
        codes[first:last] = rng.integers(2, size=last - first)
    codes[1_000:1_015] = fasta.UNKNOWN
    return Genome("planted", [fasta.Record("x", codes.astype(np.uint8))]), [spans]


@pytest.mark.parametrize("split", ["train", "test"])
def test_windows_are_wholly_of_their_class_and_half(split: Any) -> None:
    (genome, spans), (other, spans_of_other) = planted(), planted(3_001, seed=1)
    found = genes.windows([genome, other], [spans, spans_of_other], LENGTH, split)
    batch = found[np.arange(len(found))]
    codes = np.where(found.turned[:, None], 3 - batch.x.argmax(-1)[:, ::-1], batch.x.argmax(-1))
    np.testing.assert_array_equal((codes < 2).all(axis=1), batch.label == 1)
    np.testing.assert_array_equal((codes >= 2).all(axis=1), batch.label == 0)
    assert batch.label.mean() == 0.5
    assert 0.45 < found.turned.mean() < 0.55
    of_first = found.starts < 4_000
    inside = np.where(of_first, found.starts, found.starts - 4_000)
    half = np.where(of_first, 2_000, 1_500)
    if split == "train":
        assert (inside + LENGTH <= half).all()
    else:
        assert (inside >= half).all()
    for part in (of_first, ~of_first):
        assert batch.label[part].mean() == 0.5  # so that no genome tells the class
    assert of_first.mean() == pytest.approx(4 / 7, abs=0.05)


def test_stretches_are_found_as_by_looking_at_each() -> None:
    which = np.random.default_rng(0).random(300) < 0.8
    expected = [at for at in range(296) if which[at : at + 5].all()]
    assert genes.stretches(which, 5).tolist() == expected
    assert genes.stretches(which[:3], 5).tolist() == []


def test_windows_that_no_genome_has_are_refused() -> None:
    genome, spans = planted()
    with pytest.raises(ConfigError, match=r"^length = 90: must be shorter"):
        genes.windows([genome], [spans], 90, "train")


def test_genes_are_called_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    pytest.importorskip("pyrodigal")
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    rng = np.random.default_rng(0)
    codon = np.array([[2, 0, 2], [2, 1, 0], [1, 3, 2], [0, 0, 0], [2, 2, 3]])  # no stops
    coding = np.concatenate([[0, 3, 2], codon[rng.integers(5, size=300)].ravel(), [3, 0, 0]])
    around = rng.integers(4, size=(2, 150))
    codes = np.concatenate([around[0], [0, 2, 2, 0, 2, 2, 3, 3, 0, 3, 3], coding, around[1]])
    record = fasta.Record("x", codes.astype(np.uint8))
    found = genes.called(record)
    assert any(last - first > 600 for first, last in found.tolist())
    monkeypatch.setattr(sys.modules["pyrodigal"], "GeneFinder", None)
    np.testing.assert_array_equal(genes.called(record), found)
    kept = {entry.kind for entry in cache.kept.entries()}
    assert kept == {"labels"}
