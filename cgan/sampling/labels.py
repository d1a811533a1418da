"""Classes that samples are asked for: drawn by the data's shares, or named."""

from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import Float, Int

from cgan.config import require
from cgan.types import RowKeys

NAMED_AT_MOST = 20


def draw_labels(shares: Float[np.ndarray, " classes"], keys: RowKeys) -> Int[np.ndarray, " n"]:
    """Draw a class for each row, from its own key: the first ones do not depend on the number."""
    bounds = np.cumsum(shares)
    places = np.asarray(jax.vmap(jax.random.uniform)(keys), np.float64)
    return np.searchsorted(bounds / bounds[-1], places, side="right").astype(np.int32)


def find_class(names: Sequence[str], wanted: str) -> int:
    """The index of the class of this name or, where none has it, of this index.

    Raises:
        ConfigError: there is no such class.
    """
    if wanted in names:
        return list(names).index(wanted)
    listed = list(names)
    if len(names) > NAMED_AT_MOST:
        listed = [*names[: NAMED_AT_MOST - 1], "...", names[-1]]
    expected = f"one of {', '.join(listed)}, or an index from 0 to {len(names) - 1}"
    inside = wanted.isascii() and wanted.isdecimal() and int(wanted) < len(names)
    require(inside, "class", wanted, expected)
    return int(wanted)
