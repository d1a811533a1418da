"""Hashes of a listing's images by content: what the cache and a run know data by.

Hashes are kept for as long as the files' witnesses stay the same. Data that moved or were copied
have other witnesses and the same content: they are read again, and not decoded again.
"""

import hashlib
import time
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from cgan.data.decode import UnusableImage
from cgan.data.files import EncodedFiles, named_cache_path, read_in_order
from cgan.data.progress import shown
from cgan.data.witness import Witness, fingerprint_of
from cgan.system.cache import load_arrays, save_arrays

VERSION = "contents-1"
HASH_BYTES = 32
UNREADABLE = bytes(HASH_BYTES)
"""Stand-in for the hash of an image that can't be read."""

Hashes = UInt8[np.ndarray, "n 32"]


class Content(NamedTuple):
    """The content of a split, in a few short hashes."""

    ordered: str
    """Hash of the samples in their order."""
    unordered: str
    """Hash of the samples in any order."""
    labels: Int[np.ndarray, " n"]


def content_of(hashes: Hashes, labels: Int[np.ndarray, " n"]) -> Content:
    """The content of a split with samples of these hashes and labels."""
    summed = np.ascontiguousarray(hashes).view("<u8").sum(axis=0, dtype=np.uint64)
    return Content(hashlib.sha256(hashes.tobytes()).hexdigest(), summed.tobytes().hex(), labels)


def hash_of(content: bytes) -> bytes:
    """SHA-256 of these bytes, 32 bytes long."""
    return hashlib.sha256(content).digest()


def hashes_of(name: str, files: EncodedFiles, witness: Witness) -> Hashes:
    """Hash each image as it is stored: from the cache, or read now and kept there.

    Args:
        name: of the data set.
        files: its images.
        witness: of these.
    """
    began_ns = time.time_ns()
    key = fingerprint_of([VERSION, witness.fingerprint])[:16]
    path = named_cache_path(name, f"{key}.contents.npz")
    known = (load_arrays(path) or {}).get("hashes")
    if known is not None and known.dtype == np.uint8 and known.shape == (len(files), HASH_BYTES):
        return known
    hashes = _read(name, files)
    if witness.is_settled(began_ns) and hashes.any(axis=1).all():
        save_arrays(path, {"hashes": hashes})
    return hashes


def _read(name: str, files: EncodedFiles) -> Hashes:
    hashes = np.zeros((len(files), HASH_BYTES), np.uint8)
    found = read_in_order(files, range(len(files)), lambda _, content: hash_of(content))
    with shown(f"reading {name}", len(files)) as advance:
        for number, one in found:
            if not isinstance(one, UnusableImage):
                hashes[number] = np.frombuffer(one, np.uint8)
            advance(1)
    return hashes
