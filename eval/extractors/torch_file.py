"""Files of `torch.save` as NumPy arrays, without PyTorch and without running anything in them.

There are two formats. Since PyTorch 1.6: a zip archive that holds a pickle and one entry of raw
numbers for each storage. Before: pickles one after the other (a magic number, the version, facts
about the machine, the object, the keys of its storages), then each storage as its number of
elements and its numbers.
"""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from cgan.system import archives
from eval.extractors.state_pickle import DamagedFile, Storage, View, read_pickle

LEGACY_START = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46"
"""First bytes of a file from before PyTorch 1.6: its magic number's pickle."""
_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001

MAX_BYTES = 8 << 30
"""Most bytes of a file, and of the data in it."""
_MAX_DIMENSIONS = 32

Numbers = dict[str, np.ndarray]
"""Storages as flat arrays, by key."""


def pickle_entry(archive: zipfile.ZipFile) -> str | None:
    """The entry of an archive that makes it a PyTorch file; None in other archives."""
    found = [n for n in archive.namelist() if n.endswith("/data.pkl") and n.count("/") == 1]
    return found[0] if len(found) == 1 else None


def read_zip(archive: zipfile.ZipFile, pickle_name: str) -> dict[str, np.ndarray]:
    """Read the state dict in an archive of `torch.save`.

    Raises:
        DamagedFile: a broken or hostile archive.
    """
    entries = {entry.filename: entry for entry in archive.infolist()}
    folder = pickle_name.removesuffix("data.pkl")
    if f"{folder}byteorder" in entries and read_entry(archive, f"{folder}byteorder") != b"little":
        raise DamagedFile("its numbers are big-endian")
    pickled = read_pickle(io.BytesIO(read_entry(archive, pickle_name)))
    numbers: Numbers = {}
    for storage in pickled.storages.values():
        name = f"{folder}data/{storage.key}"
        expected = storage.elements * storage.dtype.itemsize
        if name not in entries:
            raise DamagedFile(f"its storage {storage.key!r} is missing")
        if entries[name].file_size != expected:
            found = f"has {entries[name].file_size} bytes and should have {expected}"
            raise DamagedFile(f"its storage {storage.key!r} {found}")
        numbers[storage.key] = np.frombuffer(read_entry(archive, name), storage.dtype)
    return tensors(pickled.value, numbers)


def check_archive(archive: zipfile.ZipFile, path: Path, compressed: bool) -> None:
    """Refuse archives that grow beyond reason when they are read.

    Args:
        archive: the archive.
        path: its file.
        compressed: whether entries may be compressed.

    Raises:
        DamagedFile: entries of the same name, compressed ones where none may be, or more data than
            the file can hold.
    """
    entries = archive.infolist()
    if len({entry.filename for entry in entries}) < len(entries):
        raise DamagedFile("it is an archive with two entries of one name")
    if not compressed and any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise DamagedFile("it is an archive with compressed entries, which torch.save never writes")
    total, held = sum(entry.file_size for entry in entries), path.stat().st_size
    # Deflate shrinks at most by a factor of 1032, trained weights hardly at all.
    if total > min(MAX_BYTES, held * (100 if compressed else 1)):
        raise DamagedFile(f"it declares {total} bytes of data in a file of {held}")


def read_entry(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read an entry of an archive; its checksum is checked on the way.

    Raises:
        DamagedFile: broken, or swelling beyond what it declares.
    """
    try:
        return archives.read_entry(archive, archive.getinfo(name))
    except archives.BrokenArchive as error:
        raise DamagedFile(f"its entry {name!r} {error}") from None


def read_legacy(content: bytes) -> dict[str, np.ndarray]:
    """Read the state dict in a file from before PyTorch 1.6, all of which is `content`.

    Raises:
        DamagedFile: a broken or hostile file.
    """
    file = io.BytesIO(content)
    if read_pickle(file).value != _MAGIC or read_pickle(file).value != _VERSION:
        raise DamagedFile("it has another version of PyTorch's old format")
    facts = read_pickle(file).value
    if not isinstance(facts, dict) or facts.get("little_endian") is not True:
        raise DamagedFile("its numbers are not little-endian")
    pickled, keys = read_pickle(file), read_pickle(file).value
    named = isinstance(keys, list) and all(type(key) is str for key in keys)
    if not named or sorted(keys) != sorted(pickled.storages):
        raise DamagedFile("its list of storages does not match its tensors")
    numbers: Numbers = {}
    start = file.tell()
    for key in keys:
        storage = pickled.storages[key]
        numbers[key] = _legacy_storage(content, start, storage)
        start += 8 + storage.elements * storage.dtype.itemsize
    if start < len(content):
        raise DamagedFile("it goes on after its last storage")
    return tensors(pickled.value, numbers)


def _legacy_storage(content: bytes, start: int, storage: Storage) -> np.ndarray:
    """The numbers of the storage whose number of elements stands at `start`."""
    if len(content) < start + 8 + storage.elements * storage.dtype.itemsize:
        raise DamagedFile(f"it ends within its storage {storage.key!r}: it is cut short")
    elements = int.from_bytes(content[start : start + 8], "little", signed=True)
    if elements != storage.elements:
        found = f"has {elements} elements and should have {storage.elements}"
        raise DamagedFile(f"its storage {storage.key!r} {found}")
    return np.frombuffer(content, storage.dtype, elements, start + 8)


def tensors(state: Any, numbers: Numbers) -> dict[str, np.ndarray]:
    """The arrays of a state dict; they share memory where its tensors did, and can't be written.

    Raises:
        DamagedFile: not a dictionary of tensors, or a tensor that leaves its storage.
    """
    if not isinstance(state, dict):
        raise DamagedFile(f"it holds no state dict but a value of type {type(state).__name__}")
    arrays = {}
    for key, view in state.items():
        if not isinstance(view, View):
            raise DamagedFile(
                f"its key {key!r} holds no tensor but a value of type {type(view).__name__}"
            )
        arrays[key] = _array(key, view, numbers[view.storage.key])
    return arrays


def _array(key: str, view: View, numbers: np.ndarray) -> np.ndarray:
    offset, shape, strides = view.offset, view.shape, view.strides
    sizes_known = isinstance(shape, tuple) and isinstance(strides, tuple)
    if not sizes_known or len(shape) != len(strides) or len(shape) > _MAX_DIMENSIONS:
        raise DamagedFile(f"its key {key!r} has a shape that makes no sense")
    if any(type(size) is not int or size < 0 for size in (offset, *shape, *strides)):
        raise DamagedFile(f"its key {key!r} has a shape that makes no sense")
    if 0 in shape:
        return np.empty(shape, numbers.dtype)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    elements = int(np.prod(np.array(shape, dtype=object), initial=1))
    if last >= len(numbers) or elements > len(numbers):
        raise DamagedFile(f"its key {key!r} reaches beyond its storage {view.storage.key!r}")
    return np.lib.stride_tricks.as_strided(
        numbers[offset:],
        shape,
        [stride * numbers.itemsize for stride in strides],
        writeable=False,
    )
