"""K-mers against counts of letters; spectra, Chargaff's rule and genomes' shares as metrics."""

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest

from cgan.config import ConfigError, Data
from cgan.data import load_source
from eval.dataset.protocol import load_evaluation
from eval.extractors import load_extractor
from eval.extractors.kmer_counts import (
    canonical_frequencies,
    counts,
    numbers,
    reverse_complements,
    spectrum,
)
from eval.measuring.measure import evaluate
from eval.measuring.subject import Subject
from eval.metrics.base import Gathered, Inputs, Metric
from eval.metrics.kmer_spectra import CHARGAFF, KMERS_3, KMERS_6, asymmetry, distance, halves
from eval.splits import Splits
from tests.dna_files import letters_of, other_strand, two_genomes

KMERS = {k: ["".join(word) for word in product("ACGT", repeat=k)] for k in (1, 2, 3, 4)}


def sequences(n: int = 20, length: int = 30) -> np.ndarray:
    codes = np.random.default_rng(0).choice(4, size=(n, length), p=(0.4, 0.3, 0.2, 0.1))
    return np.eye(4, dtype=np.uint8)[codes]


def words(text: str, k: int) -> list[str]:
    return [text[at : at + k] for at in range(len(text) - k + 1)]


@pytest.mark.parametrize("k", KMERS)
def test_kmers_are_those_that_letters_spell(k: int) -> None:
    stored = sequences()
    texts = letters_of(stored)
    assert [[KMERS[k][n] for n in row] for row in numbers(stored, k)] == [
        words(text, k) for text in texts
    ]
    for row, text in zip(counts(stored, k), texts, strict=True):
        found = Counter(words(text, k))
        assert row.tolist() == [found[word] for word in KMERS[k]]
    whole = Counter(word for text in texts for word in words(text, k))
    expected = np.array([whole[word] for word in KMERS[k]]) / whole.total()
    np.testing.assert_allclose(spectrum(stored, k), expected)
    others = [KMERS[k][n] for n in reverse_complements(k)]
    assert others == [other_strand(word) for word in KMERS[k]]


def test_there_are_none_longer_than_a_sequence() -> None:
    with pytest.raises(ValueError, match="sequences of 3 letters have no 4-mers"):
        numbers(sequences(length=3), 4)


def test_canonical_ones_are_136_and_the_same_on_either_strand() -> None:
    stored = sequences()
    found = canonical_frequencies(stored, 4)
    assert found.shape == (20, 136)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(found, canonical_frequencies(stored[:, ::-1, ::-1], 4))
    (text,) = letters_of(stored[:1])
    names = [w for w in KMERS[4] if w <= other_strand(w)]
    seen = Counter(min(word, other_strand(word)) for word in words(text, 4))
    np.testing.assert_allclose(found[0], [seen[name] / 27 for name in names], rtol=1e-6)


def test_chargaffs_rule_is_broken_by_one_strand_and_not_by_both() -> None:
    stored = sequences(400)
    both = np.concatenate([stored, stored[:, ::-1, ::-1]])
    assert asymmetry(both, 3) == pytest.approx(0, abs=1e-12)
    shares = {"A": 0.4, "C": 0.3, "G": 0.2, "T": 0.1}
    expected = sum(
        abs(np.prod([shares[c] for c in w]) - np.prod([shares[c] for c in other_strand(w)]))
        for w in KMERS[3]
    )
    assert asymmetry(stored, 3) == pytest.approx(expected / 2, abs=0.02)
    assert distance(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return Data("dna", path=two_genomes(tmp_path_factory.mktemp("dna") / "genomes"), length=40)


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))


def test_genomes_are_told_apart_by_a_labeller_that_says_how_well(data: Data) -> None:
    splits = Splits(load_source(data, "train"), load_source(data, "test"))
    reader = load_extractor("kmers", splits)
    assert reader.accuracy is not None
    assert reader.accuracy > 0.97
    batch = splits.held_out[np.arange(500)]
    read = reader(np.asarray(batch.x))
    assert read.features.shape == (500, 136)
    assert read.labels is not None
    assert np.mean(read.labels == batch.label) > 0.95
    turned = reader(np.asarray(batch.x)[:, ::-1, ::-1])
    np.testing.assert_array_equal(read.labels, turned.labels)


def measured(metric: Metric, source: Any, samples: np.ndarray) -> Any:
    inputs = Inputs(Gathered(len(samples), images=samples), Gathered(2), source)
    return metric.measure(inputs, 0)


@pytest.mark.parametrize("metric", [KMERS_3, KMERS_6, CHARGAFF], ids=lambda metric: metric.name)
def test_one_half_of_the_reals_scores_at_the_floor_and_one_genome_above_it(
    metric: Metric, data: Data
) -> None:
    source: Any = load_source(data, "train")
    other = halves(source)[1]
    assert metric.floor is not None
    floor = metric.floor(Inputs(Gathered(2), Gathered(2), source), 2_000, 0)
    assert floor is not None
    real = measured(metric, source, other[:2_000])
    assert 0.3 * floor.mean < real.value < 2 * floor.mean + 0.01
    assert 0 < real.error.value < floor.mean
    assert real.n == 2_000
    one_strand = np.eye(4, dtype=np.uint8)[np.tile([0, 0, 1, 2, 1], (50, 8))]
    assert measured(metric, source, one_strand).value > 0.5


def test_no_row_is_in_both_halves(data: Data) -> None:
    source: Any = load_source(data, "train")
    one, other = halves(source)
    assert len(one) == len(other) == 20_000
    order = np.random.default_rng(0).permutation(len(source))
    np.testing.assert_array_equal(one, source[np.sort(order[:20_000])].x)
    assert not set(order[:20_000]) & set(order[len(order) // 2 :][:20_000])
    np.testing.assert_array_equal(other, source[np.sort(order[len(order) // 2 :][:20_000])].x)


def test_an_evaluation_has_spectra_and_genomes_shares_beside_real_and_noise(data: Data) -> None:
    evaluation = load_evaluation(data)
    assert evaluation.protocol.extractor == evaluation.protocol.labeller == "kmers"
    train = load_source(data, "train")
    rows = np.arange(0, 800, 2)  # all of the first genome
    names = ("kmer_total_variation_k3", "chargaff_total_variation_k3", "total_variation")
    metrics = {name: evaluation.default_metrics[name] for name in names}
    subject = Subject([np.asarray(train[rows].x)], 400, 0)
    found = {(r.samples, r.metric): r for r in evaluate(evaluation, subject, 0, metrics)}

    def value(samples: Any, name: str) -> float:
        measured = found[samples, name].value
        assert measured is not None
        return measured

    assert value("generated", "total_variation") == pytest.approx(0.5, abs=0.05)
    assert value("real", "total_variation") < 0.1
    assert value("generated", names[0]) > 0.2 > value("real", names[0])
    assert value("noise", names[0]) > 2 * value("real", names[0])
    perfect = found["generated", names[0]].perfect_sampler
    assert perfect is not None
    assert perfect < 0.1


def test_one_genome_has_features_and_no_classes(data: Data) -> None:
    assert data.path is not None
    evaluation = load_evaluation(Data("dna", path=data.path / "rich.fasta", length=40))
    assert evaluation.reader.labeller is None
    assert "kmer_total_variation_k6" in evaluation.default_metrics
    assert "total_variation" not in evaluation.metrics


def test_kmers_are_read_of_dna_alone() -> None:
    digits = Splits(load_source(Data("digits"), "train"), load_source(Data("digits"), "test"))
    with pytest.raises(ConfigError, match="reads DNA and proteins, and digits holds images"):
        load_extractor("kmers", digits)
