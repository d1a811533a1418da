"""Arrays in NumPy's format, taken from memory: no object is made, and no room for what isn't there.

`numpy.load` makes room for whatever shape a header declares before it reads.
"""

import io
import tokenize
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped, UInt8

START = 2**17
"""Bytes from the beginning that hold any header: longer ones than NumPy reads are refused."""
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_BROKEN = (ValueError, TypeError, SyntaxError, tokenize.TokenError, RecursionError, MemoryError)
"""Errors that NumPy's parser of headers, which are Python literals, can raise."""


class BrokenArray(ValueError):
    """No array, or one that can't be read as plain numbers; the message says what was found."""


class Header(NamedTuple):
    """The header of an array in NumPy's format."""

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype
    start: int
    """Number of the byte at which the array's numbers begin."""

    def __str__(self) -> str:
        return f"{self.dtype.name} {list(self.shape)}"


def read_header(start: bytes) -> Header:
    """Read the header of an array from its first bytes, `START` of them or all.

    Raises:
        BrokenArray: another format.
    """
    file = io.BytesIO(start)
    try:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise BrokenArray("is of an unknown version")
        return Header(*_HEADERS[version](file), file.tell())
    except BrokenArray:
        raise
    except _BROKEN as error:
        raise BrokenArray(f"is no array in NumPy's format ({type(error).__name__})") from None


def read_npy(content: bytes | UInt8[np.ndarray, " bytes"]) -> Shaped[np.ndarray, "..."]:
    """Read an array from all its bytes; it shares their memory and can't be written.

    Raises:
        BrokenArray: another format, cut short, or an array of objects.
    """
    shape, fortran_order, dtype, start = read_header(bytes(content[:START]))
    try:
        elements = int(np.prod(np.array(shape, dtype=object), initial=1))
        if dtype.hasobject or elements * dtype.itemsize != len(content) - start:
            raise BrokenArray("is cut short, or holds objects")
        if not elements:
            return np.empty(shape, dtype)
        numbers = np.frombuffer(content, dtype, offset=start)
        return numbers.reshape(shape[::-1]).T if fortran_order else numbers.reshape(shape)
    except BrokenArray:
        raise
    except _BROKEN as error:
        raise BrokenArray(f"is no array in NumPy's format ({type(error).__name__})") from None
