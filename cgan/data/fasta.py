"""FASTA files: named records of bases. Whatever is not A, C, G, T or N is refused, by its place.

A record is a line `>NAME ...` and the lines of bases below it, in either case. A file may be
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
NO_BASE = 255
SUFFIXES = (".fa", ".fasta", ".fna", ".ffn", ".frn", ".fas")
BYTES_AT_MOST = 2**30
"""Most bytes of a file, unpacked: a genome of a billion bases."""
GZIP = b"\x1f\x8b"
LINE = 60
"""Bases in a line that is written."""


class BrokenFasta(ValueError):
    """A file is no FASTA file of DNA; the message says why, and what it must be."""


class Record(NamedTuple):
    """A named sequence: a genome, a chromosome or a contig."""

    name: str
    codes: UInt8[np.ndarray, " length"]
    """0 to 3 for A, C, G and T; 4 for N."""


def is_fasta(path: Path) -> bool:
    """Whether a file's name is that of a FASTA file, compressed or not."""
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def read(path: Path) -> list[Record]:
    """The records of a file, in its order.

    Raises:
        BrokenFasta: it is none, or holds a record without bases or letters that are no bases.
        OSError: it can't be read.
    """
    return list(records_in(_unpacked(path)))


def _unpacked(path: Path) -> bytes:
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


def records_in(content: bytes) -> Iterator[Record]:
    """The records that a file's text holds.

    Raises:
        BrokenFasta: as for `read`.

    >>> [(name, codes.tolist()) for name, codes in records_in(b">one\\nAC\\ngtN\\n")]
    [('one', [0, 1, 2, 3, 4])]
    """
    name, lines = None, list[bytes]()
    for line in map(bytes.strip, io.BytesIO(content)):
        if not line.startswith(b">"):
            lines.append(line)
            continue
        if name is not None or any(lines):
            yield _record(name, b"".join(lines))
        name, lines = _name_of(line), []
    if name is None and not any(lines):
        raise BrokenFasta("holds no records; must be a FASTA file")
    yield _record(name, b"".join(lines))


def _name_of(line: bytes) -> str:
    words = line[1:].split()
    return plain(words[0].decode("utf-8", "replace")) if words else ""


def _record(name: str | None, letters: bytes) -> Record:
    if name is None:
        raise BrokenFasta("does not begin with '>NAME'; must be a FASTA file")
    if not letters:
        raise BrokenFasta(f"record {name!r} is empty; every record must have bases")
    codes = _codes()[np.frombuffer(letters, np.uint8)]
    wrong = np.flatnonzero(codes == NO_BASE)
    if len(wrong):
        at = int(wrong[0])
        letter = plain(letters[at : at + 1].decode("latin-1"))
        raise BrokenFasta(
            f"record {name!r} has {letter!r} as base {at + 1:,}; must have A, C, G, T or N alone"
        )
    return Record(name, codes)


def _codes() -> UInt8[np.ndarray, " 256"]:
    codes = np.full(256, NO_BASE, np.uint8)
    for code, base in enumerate(BASES + "N"):
        codes[[ord(base), ord(base.lower())]] = code
    return codes


def written(records: Iterable[tuple[str, np.ndarray]]) -> str:
    """Records of names and codes as the text of a FASTA file.

    >>> print(written([("one", np.array([0, 3, 4], np.uint8))]), end="")
    >one
    ATN
    """
    said = []
    for name, codes in records:
        letters = np.frombuffer((BASES + "N").encode(), np.uint8)[codes].tobytes().decode()
        lines = [letters[start : start + LINE] for start in range(0, len(letters), LINE)]
        said.append("\n".join([f">{name}", *lines, ""]))
    return "".join(said)
