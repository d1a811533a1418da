"""Entries of .zip files, read into memory and never unpacked: a name is a label and nothing more.

An entry yields no more bytes than it declares, whatever its compressed data would swell to.
"""

import struct
import zipfile
import zlib
from pathlib import Path

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Methods of compression that are unpacked.

Python unpacks bzip2 and LZMA without a limit: a kilobyte of theirs can fill the memory.
"""

ENCRYPTED = 1
"""Bit of an entry's flags that says that the entry is encrypted."""


class BrokenArchive(ValueError):
    """An archive, or an entry, can't be read; the message says why."""


_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,  # a name that is no UTF-8, an offset before the file's start
    RuntimeError,  # an entry whose own header says that it is encrypted
    NotImplementedError,  # a version to come
)


def open_archive(file: Path) -> zipfile.ZipFile:
    """Open the archive at a path.

    Raises:
        BrokenArchive: what lies there is no archive.
        OSError: it can't be read.
    """
    try:
        return zipfile.ZipFile(file)
    except _BROKEN as error:
        raise BrokenArchive(str(error) or type(error).__name__) from None


def read_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, at_most: int | None = None
) -> bytes:
    """Read an entry, or so many bytes of its beginning; checks the whole's checksum.

    Raises:
        BrokenArchive: damaged, encrypted, or compressed by a method that knows no limit.
    """
    if entry.flag_bits & ENCRYPTED:
        raise BrokenArchive("is encrypted; must be in an archive without a password")
    if entry.compress_type not in METHODS:
        raise BrokenArchive("is neither stored nor deflated, as entries must be")
    try:
        with archive.open(entry) as packed:
            # One more than there should be, so that the end is met and the checksum compared.
            return packed.read(entry.file_size + 1 if at_most is None else at_most)
    except (*_BROKEN, OSError) as error:
        raise BrokenArchive(f"can't be unpacked ({error})") from None
