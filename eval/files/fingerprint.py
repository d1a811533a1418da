"""A short hash of content: what was measured, and with what, never by name alone."""

import hashlib
from functools import lru_cache
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
def of_code(folder: Path) -> str:
    """A fingerprint of all the source files below a folder, and of their names."""
    files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*.py"))
    return fingerprint(*(part for name, path in files for part in (name, path.read_text("utf-8"))))
