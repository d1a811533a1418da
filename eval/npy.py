"""Arrays in NumPy's format, taken from memory: no object is made, and no room for what isn't there.

`numpy.load` makes room for whatever shape a header declares before it reads.
"""

import io
import tokenize

import numpy as np
from jaxtyping import Shaped

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_BROKEN = (ValueError, TypeError, SyntaxError, tokenize.TokenError, RecursionError, MemoryError)
"""What NumPy's parser of headers, which are Python literals, can raise."""


class BrokenArray(ValueError):
    """No array, or one that can't be read as plain numbers; the message says what was found."""


def read_npy(content: bytes) -> Shaped[np.ndarray, "..."]:
    """The array that this is all of; it shares the content's memory and can't be written.

    Raises:
        BrokenArray: another format, cut short, or an array of objects.
    """
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise BrokenArray("is of an unknown version")
        shape, fortran_order, dtype = _HEADERS[version](file)
        elements = int(np.prod(np.array(shape, dtype=object), initial=1))
        if dtype.hasobject or elements * dtype.itemsize != len(content) - file.tell():
            raise BrokenArray("is cut short, or holds objects")
        numbers = np.frombuffer(content, dtype, offset=file.tell())
        return numbers.reshape(shape[::-1]).T if fortran_order else numbers.reshape(shape)
    except BrokenArray:
        raise
    except _BROKEN as error:
        raise BrokenArray(f"is no array in NumPy's format ({type(error).__name__})") from None
