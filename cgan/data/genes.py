"""Windows of genomes that lie in genes, and such that lie between them: two classes of DNA.

Genes are called by pyrodigal (Larralde 2022), which is Prodigal (Hyatt et al. 2010) in its mode for
metagenomes, and kept in the cache. A window is wholly of its class: no base of it is of the other.
Of each genome as many windows are in genes as between them, so that a genome tells no class.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int

from cgan.config import ConfigError
from cgan.data import dna, fasta
from cgan.data.contents import hash_of
from cgan.data.dna import Fragments, Genome
from cgan.data.files import named_cache_path
from cgan.data.source import Split, split_rng
from cgan.system.cache import load_arrays, save_arrays

CLASS_NAMES = ("intergenic", "gene")
WINDOWS = {"train": 8_192, "test": 4_096}
VERSION = "genes-1"

Spans = Int[np.ndarray, "_ 2"]
"""First base of each gene, and the one behind its last."""


def load(length: int, split: Split) -> Fragments:
    """Windows of the genomes that pyhmmer and pyrodigal ship.

    Args:
        length: of a window, in bases.
        split: of the first half of each record, or of the second.

    Raises:
        ConfigError: these packages are not installed, or no genome has such windows.
    """
    genomes = dna.shipped()
    calls = [[called(record) for record in genome.records] for genome in genomes]
    return windows(genomes, calls, length, split)


def called(record: fasta.Record) -> Spans:
    """The genes of a record, from the cache or by pyrodigal."""
    import pyrodigal

    told = f"{VERSION} {pyrodigal.__version__} ".encode() + record.codes.tobytes()
    path = named_cache_path("genes", f"{hash_of(told).hex()[:16]}.labels.npz")
    known = load_arrays(path)
    if known is not None:
        return known["genes"]
    letters = np.frombuffer(b"ACGTN", np.uint8)[record.codes].tobytes()
    found = pyrodigal.GeneFinder(meta=True).find_genes(letters)
    genes = np.array([(gene.begin - 1, gene.end) for gene in found], np.int64).reshape(-1, 2)
    save_arrays(path, {"genes": genes})
    return genes


def windows(
    genomes: Sequence[Genome], calls: Sequence[Sequence[Spans]], length: int, split: Split
) -> Fragments:
    """Draw windows, half of them in genes and half between them, on either strand.

    Genomes give as many as they have places between genes.

    Args:
        genomes: at least one.
        calls: the genes of each record of each genome.
        length: of a window, in bases.
        split: the first half of each record, or the second.

    Raises:
        ConfigError: no genome has windows of both classes.
    """
    rng, pairs = split_rng(split), WINDOWS[split] // len(CLASS_NAMES)
    places: list[list[Int[np.ndarray, " places"]]] = []
    offset = 0
    for genome, genes in zip(genomes, calls, strict=True):
        places.append([offset + at for at in places_for(genome, genes, length, split)])
        offset += sum(len(record.codes) for record in genome.records)
    room = np.array([len(between) * bool(len(inside)) for between, inside in places], float)
    if not room.sum():
        raise ConfigError(f"length = {length}: must be shorter; no genome has such windows")
    of_genome = rng.choice(len(genomes), size=pairs, p=room / room.sum())
    starts = np.empty((pairs, len(CLASS_NAMES)), np.int64)
    for number, by_class in enumerate(places):
        rows = np.flatnonzero(of_genome == number)
        for label, at in enumerate(by_class):
            if len(rows):
                starts[rows, label] = at[rng.integers(len(at), size=len(rows))]
    bases = np.concatenate([record.codes for genome in genomes for record in genome.records])
    labels = np.tile(np.arange(len(CLASS_NAMES), dtype=np.int32), pairs)
    turned = rng.integers(2, size=len(labels)).astype(bool)
    described = f"windows of {length} bases, in genes and between them"
    return Fragments("genes", CLASS_NAMES, length, bases, starts.ravel(), turned, labels, described)


def places_for(
    genome: Genome, genes: Sequence[Spans], length: int, split: Split
) -> tuple[Int[np.ndarray, " between"], Int[np.ndarray, " inside"]]:
    """Where windows between genes and in genes can begin, in the genome's records end to end."""
    found: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    offset = 0
    for record, spans in zip(genome.records, genes, strict=True):
        half = len(record.codes) // 2
        part = slice(0, half) if split == "train" else slice(half, None)
        coding = in_genes(len(record.codes), spans)[part]
        known = record.codes[part] != fasta.UNKNOWN
        for at, of_class in zip(found, (known & ~coding, known & coding), strict=True):
            at.append(offset + part.start + stretches(of_class, length))
        offset += len(record.codes)
    between, inside = (np.concatenate(at) for at in found)
    return between, inside


def in_genes(length: int, genes: Spans) -> Bool[np.ndarray, " length"]:
    """Whether each base is in a gene."""
    steps = np.zeros(length + 1, np.int64)
    np.add.at(steps, genes[:, 0], 1)
    np.add.at(steps, genes[:, 1], -1)
    return np.cumsum(steps)[:length] > 0


def stretches(which: Bool[np.ndarray, " length"], length: int) -> Int[np.ndarray, " places"]:
    """Where so many bases in a row are all of these."""
    summed = np.cumsum(np.append(0, which))
    return np.flatnonzero(summed[length:] - summed[: max(len(summed) - length, 0)] == length)
