"""Weights of networks trained elsewhere: where their file is, and whether it holds them."""

import struct
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
from safetensors import SafetensorError, safe_open

from cgan.config import ConfigError
from cgan.system.files import cache_folder
from eval.extractors import torch_file
from eval.extractors.state_pickle import DamagedFile
from eval.fingerprint import fingerprint
from eval.npy import BrokenArray, read_npy

State = dict[str, np.ndarray]
"""Parameters of a network by key, as PyTorch names and lays them out."""

_BROKEN = (
    DamagedFile,
    SafetensorError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,  # a header of an array, a name that is no UTF-8
    RuntimeError,  # an encrypted archive, an unknown compression
)


class Published(NamedTuple):
    """A file of weights that the user has to download."""

    extractor: str
    file_name: str
    """Name of the file in the cache folder."""
    download: str
    """Words for what to download."""


def locate(path: Path | None, published: Published) -> Path:
    """Find the file of weights: the given one, or the one in the cache folder.

    Raises:
        ConfigError: there is none; says what to download and where to put it.
    """
    default = cache_folder() / "weights" / published.file_name
    path = default if path is None else path
    try:
        if path.is_file():
            return path
        found = "is not a file" if path.exists() else "there is no such file"
    except OSError as error:
        found = f"can't be read ({error.strerror})"
    raise ConfigError(
        f"weights = {str(path)!r}: {found}. The extractor {published.extractor!r} needs weights "
        f"that do not come with this project: download {published.download} and put it at "
        f"{default}, or name it with --weights FILE. "
        "--extractor pixels needs no file, nor does --extractor classifier of a labelled data set"
    )


def read_state(path: Path) -> State:
    """Read the arrays of a `torch.save`, safetensors or `numpy.savez` file; nothing in it is run.

    The content decides which of them it is, not the file's name.

    Raises:
        ConfigError: a file that can't be read, is of another kind, broken or hostile.
    """
    try:
        return _read(path)
    except OSError as error:
        raise ConfigError(f"weights = {str(path)!r}: can't be read ({error.strerror})") from error
    except _BROKEN as error:
        found = str(error) or type(error).__name__
        wanted = "must be a state dict from torch.save, safetensors or numpy.savez"
        raise ConfigError(f"weights = {str(path)!r}: {found}; {wanted}") from error


def _read(path: Path) -> State:
    size = path.stat().st_size
    if size > torch_file.MAX_BYTES:
        raise DamagedFile(f"it has {size} bytes")
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(torch_file.LEGACY_START):
        return torch_file.read_legacy(path.read_bytes())
    if start.startswith(b"PK\x03\x04"):
        return _read_archive(path)
    if len(start) > 8 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") < size:
        with safe_open(path, framework="numpy") as tensors:
            return {key: tensors.get_tensor(key) for key in tensors.keys()}  # noqa: SIM118
    if start.startswith(b"version https://"):
        raise DamagedFile("it only points to a file in Git LFS")
    raise DamagedFile(f"its first bytes are {start[:8]!r}")


def _read_archive(path: Path) -> State:
    with zipfile.ZipFile(path) as archive:
        if (pickle_name := torch_file.pickle_entry(archive)) is not None:
            torch_file.check_archive(archive, path, compressed=False)
            return torch_file.read_zip(archive, pickle_name)
        torch_file.check_archive(archive, path, compressed=True)
        if not all(name.endswith(".npy") for name in archive.namelist()):
            raise DamagedFile("it is a zip archive of something else")
        return {
            name.removesuffix(".npy"): _read_npy(torch_file.read_entry(archive, name), name)
            for name in archive.namelist()
        }


def _read_npy(content: bytes, name: str) -> np.ndarray:
    """An array in NumPy's format, no larger than its content."""
    try:
        return read_npy(content)
    except BrokenArray as error:
        raise DamagedFile(f"its array {name!r} {error}") from None


def checked(
    path: Path, state: State, expected: dict[str, tuple[int, ...]], published: Published
) -> State:
    """Check parameters against the expected keys and shapes; returns them in float32.

    Counts of batches that batch norms saw are left out.

    Raises:
        ConfigError: naming the first key that is missing, left over, of another shape or kind, or
            holds numbers that are not finite.
    """
    state = {key: a for key, a in state.items() if not key.endswith("num_batches_tracked")}
    for key, shape in expected.items():
        if key not in state:
            keys = f"{len(state)} keys" + (f", {next(iter(state))!r} for one" if state else "")
            _refuse(path, published, f"lacks {key!r} of shape {shape}; has {keys}")
        if state[key].shape != shape:
            _refuse(path, published, f"{key!r} has shape {state[key].shape}; must be {shape}")
        if not _is_float(state[key].dtype):
            _refuse(path, published, f"{key!r} is of {state[key].dtype}; must be float32")
    for key, array in state.items():
        if key not in expected:
            _refuse(path, published, f"holds {key!r} of shape {array.shape}; must not be there")
    in_float32 = {}
    for key in expected:
        with np.errstate(over="ignore"):
            in_float32[key] = np.ascontiguousarray(state[key], dtype=np.float32)
        bad = int((~np.isfinite(in_float32[key])).sum())
        if bad:
            _refuse(path, published, f"{key!r} holds {bad} numbers that are not finite")
    return in_float32


def _is_float(dtype: np.dtype) -> bool:
    return dtype.kind == "f" or dtype.name == "bfloat16"


def _refuse(path: Path, published: Published, found: str) -> NoReturn:
    wanted = f"the weights of {published.extractor!r} are {published.download}"
    raise ConfigError(f"weights = {str(path)!r}: {found} ({wanted})")


def state_fingerprint(version: str, state: State) -> str:
    """A hash of weights by content, whatever file they came in, and of how they are used."""
    parts = [part for key, array in sorted(state.items()) for part in (key, array)]
    return fingerprint(version, *parts)
