"""A short hash of content: what was measured, and with what, never by name alone."""

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np


def fingerprint(*parts: np.ndarray | str) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of arrays (with dtype and shape) and text."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(f"text {len(part)} {part}".encode())
        else:
            digest.update(f"array {part.dtype.str} {part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]


@lru_cache
def of_code(package: str) -> str:
    """A fingerprint of all the source files of a package, and of their names."""
    spec = find_spec(package)
    roots = spec.submodule_search_locations if spec is not None else None
    files = sorted(
        (path.relative_to(root).as_posix(), path)
        for root in map(Path, roots or ())
        for path in root.rglob("*.py")
    )
    return fingerprint(*(part for name, path in files for part in (name, path.read_text("utf-8"))))
