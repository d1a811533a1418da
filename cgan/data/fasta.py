"""FASTA files: named records of bases or of residues. Whatever is none is refused, by its place.

A record is a line `>NAME ...` and the lines of letters below it, in either case. A file may be
compressed with gzip.
"""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from cgan.system.legible import plain

BASES = "ACGT"
"""Bases in the order of their codes, 0 to 3: the code of a base's partner is 3 minus its own."""
UNKNOWN = 4
"""Code of N, a base that is not known."""
NO_LETTER, GAP = 255, 254
SUFFIXES = (".fa", ".fasta", ".fna", ".ffn", ".frn", ".fas")
BYTES_AT_MOST = 2**30
"""Most bytes of a file, unpacked: a genome of a billion bases."""
GZIP = b"\x1f\x8b"
LINE = 60
"""Letters in a line that is written."""


class Alphabet(NamedTuple):
    """The letters that records are of, whose codes are their places."""

    letters: str
    unknown: str
    """Letters for what is not known, of one code: the number of letters. The first is written."""
    gaps: str
    """Letters of an alignment that stand for nothing, and are left out."""
    what: str
    """What one letter is."""
    expected: str
    """What a message says that letters must be."""


NUCLEOTIDES = Alphabet(BASES, "N", "", "base", "A, C, G, T or N alone")
RESIDUES = Alphabet(
    "ACDEFGHIKLMNPQRSTVWY",
    "XBZJUO*",
    "-.",
    "residue",
    "one of the 20 amino acids' letters, X, B, Z, J, U, O or *, or - and . for gaps",
)
"""The 20 amino acids in the order of their letters."""


class BrokenFasta(ValueError):
    """A file is no FASTA file of its alphabet; the message says why, and what it must be."""


class Record(NamedTuple):
    """A named sequence: a genome, a chromosome or a contig."""

    name: str
    codes: UInt8[np.ndarray, " length"]
    """The places of the letters in their alphabet, such as 0 to 3 for A, C, G and T; 4 for N."""


def is_fasta(path: Path) -> bool:
    """Whether a file's name is that of a FASTA file, compressed or not."""
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def read(path: Path, alphabet: Alphabet = NUCLEOTIDES) -> list[Record]:
    """The records of a file, in its order.

    Raises:
        BrokenFasta: it is none, or holds a record without letters or letters of no alphabet.
        OSError: it can't be read.
    """
    return list(records_in(unpacked(path), alphabet))


def unpacked(path: Path) -> bytes:
    """The text of a file, compressed with gzip or not.

    Raises:
        BrokenFasta: it is damaged, or too large.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        packed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        try:
            content = (gzip.GzipFile(fileobj=file) if packed else file).read(BYTES_AT_MOST + 1)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BrokenFasta(f"is damaged ({error}); must be a whole .gz file") from None
    if len(content) > BYTES_AT_MOST:
        raise BrokenFasta(f"holds more than {BYTES_AT_MOST:,} bytes; must be smaller")
    return content


def records_in(content: bytes, alphabet: Alphabet = NUCLEOTIDES) -> Iterator[Record]:
    """The records that a file's text holds.

    Raises:
        BrokenFasta: as for `read`.

    >>> [(name, codes.tolist()) for name, codes in records_in(b">one\\nAC\\ngtN\\n")]
    [('one', [0, 1, 2, 3, 4])]
    """
    for name, letters in entries_in(content):
        yield _record(name, letters, alphabet)


def entries_in(content: bytes) -> Iterator[tuple[str | None, bytes]]:
    """The names and letters that a file's text holds, as they are written.

    Raises:
        BrokenFasta: it holds none.
    """
    name, lines = None, list[bytes]()
    for line in map(bytes.strip, io.BytesIO(content)):
        if not line.startswith(b">"):
            lines.append(line)
            continue
        if name is not None or any(lines):
            yield name, b"".join(lines)
        name, lines = _name_of(line), []
    if name is None and not any(lines):
        raise BrokenFasta("holds no records; must be a FASTA file")
    yield name, b"".join(lines)


def _name_of(line: bytes) -> str:
    words = line[1:].split()
    return plain(words[0].decode("utf-8", "replace")) if words else ""


def _record(name: str | None, letters: bytes, alphabet: Alphabet) -> Record:
    if name is None:
        raise BrokenFasta("does not begin with '>NAME'; must be a FASTA file")
    if not letters:
        raise BrokenFasta(f"record {name!r} is empty; every record must have {alphabet.what}s")
    codes = _codes(alphabet)[np.frombuffer(letters, np.uint8)]
    wrong = np.flatnonzero(codes == NO_LETTER)
    if len(wrong):
        at = int(wrong[0])
        letter = plain(letters[at : at + 1].decode("latin-1"))
        raise BrokenFasta(
            f"record {name!r} has {letter!r} as {alphabet.what} {at + 1:,}; must have "
            f"{alphabet.expected}"
        )
    kept = codes[codes != GAP]
    if not len(kept):
        raise BrokenFasta(f"record {name!r} is empty but for gaps; must have {alphabet.what}s")
    return Record(name, kept)


def _codes(alphabet: Alphabet) -> UInt8[np.ndarray, " 256"]:
    codes = np.full(256, NO_LETTER, np.uint8)
    known = {letter: code for code, letter in enumerate(alphabet.letters)}
    known |= dict.fromkeys(alphabet.unknown, len(known)) | dict.fromkeys(alphabet.gaps, GAP)
    for letter, code in known.items():
        codes[[ord(letter), ord(letter.lower())]] = code
    return codes


def written(records: Iterable[tuple[str, np.ndarray]], alphabet: Alphabet = NUCLEOTIDES) -> str:
    """Records of names and codes as the text of a FASTA file.

    >>> print(written([("one", np.array([0, 3, 4], np.uint8))]), end="")
    >one
    ATN
    """
    said, letters_of = [], (alphabet.letters + alphabet.unknown[0]).encode()
    for name, codes in records:
        letters = np.frombuffer(letters_of, np.uint8)[codes].tobytes().decode()
        lines = [letters[start : start + LINE] for start in range(0, len(letters), LINE)]
        said.append("\n".join([f">{name}", *lines, ""]))
    return "".join(said)
