"""A short hash of content: what was measured, and with what, never by name alone."""

import hashlib

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
