"""Fragments of genomes: of four that Python packages ship, or of FASTA files.

The first half of each record is trained on, the second held out. A fragment is drawn from anywhere
in its half where all bases are known, on either strand; each genome gives as many, and is a class
where there are several. The list of fragments is fixed, the same for every experiment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Integer, UInt8

from cgan.config import ConfigError, Data
from cgan.data import fasta
from cgan.data.contents import Content, hash_of
from cgan.data.source import Split, split_rng
from cgan.kinds import DNA
from cgan.system import files
from cgan.system.legible import plain
from cgan.types import Batch

FRAGMENTS = {"train": 65_536, "test": 16_384}
OF_PYHMMER = {"B. amyloliquefaciens": "1390.SAMEA104415756.OFHT01000022.fna"}
"""Genomes that pyhmmer ships for its tests, by their files: a contig of 391,023 bases."""
OF_PYRODIGAL = {
    "C. diphtheriae": "GCF_001457455.1_NCTC11397_genomic.fna.gz",
    "E. coli": "MIIJ01000039.fna.gz",
    "metagenome": "SRR492066.fna.gz",
}
"""Genomes that pyrodigal ships: a whole one, contigs of 437,012 known bases and of 79,939."""
INSTALL = "pip install pyhmmer pyrodigal"


class Genome(NamedTuple):
    """A genome: a class of fragments."""

    name: str
    records: Sequence[fasta.Record]


@dataclass(frozen=True, eq=False)
class Fragments:
    """A fixed list of fragments of one split, one-hot in the order A, C, G, T."""

    name: str
    class_names: Sequence[str]
    """Names of the genomes; none where there is one alone."""
    length: int
    bases: UInt8[np.ndarray, " all"]
    """Codes of all records, one after the other."""
    starts: Int[np.ndarray, " n"]
    """Where each fragment begins in them."""
    turned: Bool[np.ndarray, " n"]
    """Whether it is read on the other strand."""
    labels: Int[np.ndarray, " n"]
    description: str

    kind = DNA

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.length, len(fasta.BASES)

    @property
    def class_weights(self) -> Float[np.ndarray, " classes"]:
        """Each genome's share of the fragments: all alike, however long they are."""
        classes = len(self.class_names)
        return np.full(classes, 1 / max(classes, 1))

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        codes = self.bases[self.starts[indices, None] + np.arange(self.length)]
        turned = self.turned[indices, None]
        codes = np.where(turned, 3 - codes[:, ::-1], codes)
        return Batch(one_hot(codes), self.labels[indices])

    def content(self) -> Content:
        """The content of the split: the genomes, and which fragments of them, on which strand."""
        drawn = (self.bases, self.starts.astype("<i8"), self.turned, self.labels.astype("<i4"))
        told = str(self.length).encode() + b"".join(part.tobytes() for part in drawn)
        known = hash_of(told).hex()
        return Content(known, known, self.labels)

    def encode(self, stored: Any) -> Any:
        return encode_bases(stored)

    def decode(self, samples: Float[np.ndarray, "n length bases"]) -> UInt8[np.ndarray, "n _ 4"]:
        return decode_bases(samples)


def encode_bases(stored: Any) -> Any:
    """One-hot bases as float32."""
    return stored.astype("float32")


def decode_bases(
    samples: Float[np.ndarray, "n length bases"],
) -> UInt8[np.ndarray, "n length 4"]:
    """The base of the largest weight at each place, one-hot."""
    return one_hot(np.asarray(samples).argmax(axis=-1))


def one_hot(codes: Integer[np.ndarray, "n length"]) -> UInt8[np.ndarray, "n length 4"]:
    """One-hot bases of codes 0 to 3."""
    return np.eye(len(fasta.BASES), dtype=np.uint8)[codes]


def load(data: Data, split: Split) -> Fragments:
    """Load one split of fragments.

    Raises:
        ConfigError: packages that are not installed, or files that can't be read as DNA.
    """
    called = "data.source = 'dna'" if data.path is None else f"data.path = {str(data.path)!r}"
    try:
        genomes = shipped() if data.path is None else of_path(files.at_home(data.path))
        return fragments(genomes, data.length, split)
    except (fasta.BrokenFasta, OSError) as error:
        reason = error.strerror or error if isinstance(error, OSError) else error
        raise ConfigError(f"{called}: {reason}") from None


def shipped() -> list[Genome]:
    """The four genomes of pyhmmer and pyrodigal.

    Raises:
        ConfigError: they are not installed, or without the data of their tests.
    """
    try:
        import pyhmmer
        import pyrodigal
    except ImportError as error:
        raise ConfigError(
            f"data.source = 'dna': needs the genomes that pyhmmer and pyrodigal ship ({error}); "
            f"must be given FASTA (--data.path genome.fasta), or they be installed: {INSTALL}"
        ) from None
    where = {
        **_in_tests(pyhmmer, "seqs/", OF_PYHMMER),
        **_in_tests(pyrodigal, "", OF_PYRODIGAL),
    }
    if missing := [str(path) for path in where.values() if not path.is_file()]:
        raise ConfigError(
            f"data.source = 'dna': {missing[0]} is not there; must be given FASTA (--data.path "
            "genome.fasta), or have pyhmmer 0.12 and pyrodigal 3.7, which ship it"
        )
    return [Genome(name, fasta.read(where[name])) for name in sorted(where)]


def _in_tests(package: ModuleType, folder: str, names: dict[str, str]) -> dict[str, Path]:
    root = Path(str(package.__file__)).parent / "tests" / "data"
    return {genome: root / f"{folder}{file}" for genome, file in names.items()}


def of_path(path: Path) -> list[Genome]:
    """The genomes at a path: a FASTA file, or a folder in which each FASTA file is one.

    Raises:
        BrokenFasta: there are none, or one of them is broken.
        OSError: they can't be read.
    """
    if path.is_file():
        return [Genome(path.name, fasta.read(path))]
    if not path.is_dir():
        raise fasta.BrokenFasta("is not there; must be a FASTA file, or a folder of them")
    found = sorted(each for each in path.iterdir() if fasta.is_fasta(each) and each.is_file())
    if not found:
        known = ", ".join(fasta.SUFFIXES)
        raise fasta.BrokenFasta(f"is a folder without FASTA files ({known}, or with .gz)")
    return [_genome_in(each) for each in found]


def _genome_in(path: Path) -> Genome:
    try:
        return Genome(plain(path.name), fasta.read(path))
    except fasta.BrokenFasta as error:
        raise fasta.BrokenFasta(f"{plain(path.name)}: {error}") from None


def fragments(genomes: Sequence[Genome], length: int, split: Split) -> Fragments:
    """Draw a split's fragments, as many of each genome.

    Args:
        genomes: at least one.
        length: of a fragment, in bases.
        split: the first half of each record, or the second.

    Raises:
        BrokenFasta: a genome of which no half of a record has room for a fragment.
    """
    rng, n, classes = split_rng(split), FRAGMENTS[split], len(genomes)
    labels = (np.arange(n) % classes).astype(np.int32)
    starts, offset = np.empty(n, np.int64), 0
    for label, genome in enumerate(genomes):
        rows = np.flatnonzero(labels == label)
        places = offset + places_for(genome, length, split)
        starts[rows] = places[rng.integers(len(places), size=len(rows))]
        offset += sum(len(record.codes) for record in genome.records)
    bases = np.concatenate([record.codes for genome in genomes for record in genome.records])
    turned = rng.integers(2, size=n).astype(bool)
    names = [genome.name for genome in genomes] if classes > 1 else []
    return Fragments("dna", names, length, bases, starts, turned, labels, _told(genomes, length))


def places_for(genome: Genome, length: int, split: Split) -> Int[np.ndarray, " places"]:
    """Where in a genome's records, one after the other, a split's fragments can begin.

    Raises:
        BrokenFasta: nowhere.
    """
    found, offset = [], 0
    for record in genome.records:
        half = len(record.codes) // 2
        first, last = (0, half) if split == "train" else (half, len(record.codes))
        unknown = np.cumsum(np.append(0, record.codes[first:last] == fasta.UNKNOWN))
        whole = unknown[length:] == unknown[: max(len(unknown) - length, 0)]
        found.append(offset + first + np.flatnonzero(whole))
        offset += len(record.codes)
    places = np.concatenate(found)
    if not len(places):
        longest = max(len(record.codes) for record in genome.records)
        raise fasta.BrokenFasta(
            f"{genome.name} has no {length} bases that are known, in a row, in both halves of a "
            f"record (the longest has {longest:,} bases); must have, or data.length be smaller"
        )
    return places


def _told(genomes: Sequence[Genome], length: int) -> str:
    def bases(genome: Genome) -> str:
        return f"{genome.name} {sum(len(record.codes) for record in genome.records):,}"

    said = f"fragments of {length} bases, on either strand, of {', '.join(map(bases, genomes))}"
    short = sum(len(record.codes) // 2 < length for each in genomes for record in each.records)
    if short:
        said += f"; {short} records are too short for one in each half"
    return said
