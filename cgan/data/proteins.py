"""Proteins, and how far apart each two are: BRCA1 of 55 mammals, or a FASTA file.

Each protein is a class. Whole clades are held out: those of the tree that comes with the mammals,
or of average linkage where there is a file alone. A sample is a protein without its gaps, one-hot;
one that is longer than the samples gives windows. What is not known, or beyond the end, is a letter
of its own.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Integer, UInt8

from cgan.config import ConfigError, Data
from cgan.data import alignment, clades, fasta
from cgan.data.contents import Content, hash_of
from cgan.data.source import Split, split_rng
from cgan.kinds import PROTEIN
from cgan.system import files
from cgan.types import Batch

LETTERS = len(fasta.RESIDUES.letters) + 1
"""The 20 residues, and one for none that is known."""
UNKNOWN = LETTERS - 1
FOLDS = 5
"""Parts of the clades, of which one is held out."""
CLADES_A_FOLD = 2
"""Clades of which a fold has room: a clade has at most so large a part of the proteins."""
PROTEINS_AT_LEAST, PROTEINS_AT_MOST = 10, 500
"""Fewest proteins of a file, for folds of two; and most: pairs are aligned one by one."""
WINDOWS = 16
"""Windows of a protein that is longer than samples are."""
INSTALL = "pip install biopython && pip install --no-deps cogent3"


class Family(NamedTuple):
    """Proteins, and the tree that says which are kin."""

    records: Sequence[fasta.Record]
    tree: clades.Tree


@dataclass(frozen=True, eq=False)
class Proteins:
    """One split of proteins, one-hot in the order of their letters; each is a class of its own."""

    name: str
    class_names: Sequence[str]
    """Names of all proteins, held out or not."""
    class_weights: Float[np.ndarray, " classes"]
    """Each protein's share of this split's samples: 0 for those of the other."""
    codes: UInt8[np.ndarray, "n length"]
    labels: Int[np.ndarray, " n"]
    family: Family
    description: str

    kind = PROTEIN

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.codes.shape[1], LETTERS

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        return Batch(one_hot(self.codes[indices]), self.labels[indices])

    def content(self) -> Content:
        """The content of the split: residues, and whose they are."""
        told = str(self.codes.shape).encode() + self.codes.tobytes()
        known = hash_of(told + self.labels.astype("<i4").tobytes()).hex()
        return Content(known, known, self.labels)

    def class_distances(self) -> Float[np.ndarray, "classes classes"]:
        """Pseudo-distances of all proteins, of both splits: see `cgan.data.alignment`."""
        return alignment.distances([record.codes for record in self.family.records])

    def encode(self, stored: Any) -> Any:
        return encode_residues(stored)

    def decode(self, samples: Float[np.ndarray, "n length _"]) -> UInt8[np.ndarray, "n length _"]:
        return decode_residues(samples)


def encode_residues(stored: Any) -> Any:
    """One-hot residues as float32."""
    return stored.astype("float32")


def decode_residues(
    samples: Float[np.ndarray, "n length letters"],
) -> UInt8[np.ndarray, "n length letters"]:
    """The letter of the largest weight at each place, one-hot."""
    return one_hot(np.asarray(samples).argmax(axis=-1))


def one_hot(codes: Integer[np.ndarray, "n length"]) -> UInt8[np.ndarray, "n length letters"]:
    """One-hot residues of codes 0 to 20."""
    return np.eye(LETTERS, dtype=np.uint8)[codes]


def load(data: Data, split: Split) -> Proteins:
    """Load one split of proteins.

    Raises:
        ConfigError: packages that are not installed, or a file that can't be read as proteins.
    """
    called = "data.source = 'proteins'" if data.path is None else f"data.path = {str(data.path)!r}"
    try:
        family = shipped() if data.path is None else of_file(files.at_home(data.path))
        return samples(family, data.length, data.fold, split)
    except (fasta.BrokenFasta, OSError) as error:
        reason = error.strerror or error if isinstance(error, OSError) else error
        raise ConfigError(f"{called}: {reason}") from None


def _installed(package: str) -> Path | None:
    """The folder of an installed package, which is not imported; None where there is none."""
    folders = (Path(entry) / package for entry in sys.path)
    return next((folder for folder in folders if folder.is_dir()), None)


def shipped() -> Family:
    """BRCA1 of 55 mammals and their tree (Murphy et al. 2001), which cogent3 ships.

    The package is looked up and not imported: of what it needs nothing has to be installed.

    Raises:
        ConfigError: cogent3 or Biopython is not installed, or without these data.
    """
    package = _installed("cogent3")
    if package is None or _installed("Bio") is None:
        raise ConfigError(
            "data.source = 'proteins': needs the sequences that cogent3 ships and Biopython's "
            "aligner; must be given FASTA (--data.path proteins.fasta), or they be installed: "
            f"{INSTALL}"
        )
    folder = package / "_dataset"
    paths = folder / "brca1.fasta", folder / "murphy.tree"
    if missing := [str(path) for path in paths if not path.is_file()]:
        raise ConfigError(
            f"data.source = 'proteins': {missing[0]} is not there; must be given FASTA "
            "(--data.path proteins.fasta), or have cogent3 2026.10, which ships it"
        )
    entries = fasta.entries_in(fasta.unpacked(paths[0]))
    records = [fasta.Record(name or "", translated(codons)) for name, codons in entries]
    tree = of_newick(paths[1].read_text())
    return Family(records, clades.pruned(tree, [record.name for record in records]))


def translated(codons: bytes) -> UInt8[np.ndarray, " residues"]:
    """Residues of aligned codons, by the standard code; gaps are left out.

    A codon whose bases are not all known is the residue that all its readings share, or X.

    >>> alignment.letters_of(translated(b"ATG---GCNNAA"))
    'MAX'
    """
    from Bio.Seq import Seq

    kept = b"".join(
        codons[at : at + 3] for at in range(0, len(codons), 3) if codons[at : at + 3] != b"---"
    )
    text = str(Seq(kept.replace(b"-", b"N")).translate())
    (record,) = fasta.records_in(b">translated\n" + text.encode(), fasta.RESIDUES)
    return record.codes


def of_newick(text: str) -> clades.Tree:
    """A tree in Newick's format.

    >>> of_newick("((a,b),c);")
    (('a', 'b'), 'c')
    """
    from io import StringIO

    from Bio import Phylo

    def branches(clade: Any) -> clades.Tree:
        return clade.name if clade.is_terminal() else tuple(map(branches, clade.clades))

    return branches(Phylo.read(StringIO(text), "newick").root)


def of_file(path: Path) -> Family:
    """The proteins of a FASTA file, aligned or not, and the tree of average linkage.

    Raises:
        BrokenFasta: it is none, or holds too few proteins, too many, or two of one name.
        OSError: it can't be read.
    """
    records = fasta.read(path, fasta.RESIDUES)
    names = [record.name for record in records]
    if not PROTEINS_AT_LEAST <= len(records) <= PROTEINS_AT_MOST:
        raise fasta.BrokenFasta(
            f"holds {len(records):,} proteins; must hold from {PROTEINS_AT_LEAST} to "
            f"{PROTEINS_AT_MOST:,}"
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise fasta.BrokenFasta(f"has two records {twice!r}; must have names of their own")
    apart = alignment.distances([record.codes for record in records])
    return Family(records, clades.of_distances(apart, names))


def held_out_names(family: Family, fold: int) -> list[str]:
    """Names of the proteins of a fold's clades."""
    at_most = max(len(family.records) // (FOLDS * CLADES_A_FOLD - 1), 1)
    return clades.folds(clades.clades(family.tree, at_most), FOLDS)[fold]


def samples(family: Family, length: int, fold: int, split: Split) -> Proteins:
    """The samples of a split: each protein, or windows of it.

    Args:
        family: of which the clades of one fold are held out.
        length: of a sample, in residues.
        fold: which, from 0.
        split: the other folds, or this one.
    """
    names, rng = [record.name for record in family.records], split_rng(split)
    held_out = set(held_out_names(family, fold))
    numbers = [n for n, name in enumerate(names) if (name in held_out) == (split == "test")]
    codes, labels = [], []
    for number in numbers:
        residues = family.records[number].codes
        room = len(residues) - length
        starts = np.zeros(1, int) if room <= 0 else rng.integers(room + 1, size=WINDOWS)
        for start in starts:
            padded = np.full(length, UNKNOWN, np.uint8)
            window = residues[start : start + length]
            padded[: len(window)] = window
            codes.append(padded)
            labels.append(number)
    labels_ = np.array(labels, np.int32)
    weights = np.bincount(labels_, minlength=len(names)) / len(labels_)
    told = (
        f"{len(names)} proteins of {min(len(r.codes) for r in family.records):,} to "
        f"{max(len(r.codes) for r in family.records):,} residues, in samples of {length:,}; "
        f"held out are {len(held_out)} of whole clades, fold {fold} of {FOLDS}"
    )
    return Proteins("proteins", names, weights, np.stack(codes), labels_, family, told)
