"""The shape of each image as a sample, from its header: the commonest decides.

Only the beginning of each file is read, where that tells.
"""

import io
import os
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cgan.data.decode import Form, UnusableImage, require_sample, sample_shape
from cgan.data.files import THREADS_AT_MOST, EncodedFiles, named_cache_path
from cgan.data.witness import Witness, fingerprint_of
from cgan.system.cache import load_arrays

VERSION = "survey-1"
"""Version of what the same headers are taken for; raise it when the code changes that."""
HEAD_BYTES = 2**15
"""Bytes that are read of each file at first: most headers are shorter."""
IN_A_ROW = 256
"""Number of files that a thread looks at in one go."""

Shape = tuple[int, int, int]
"""Height, width and channels of an image."""
Seen = Shape | UnusableImage
"""An image as a sample: its shape, or why it is unusable."""


class Readable(EncodedFiles, Protocol):
    """Encoded images by number, or the beginnings of their files."""

    def head(self, number: int, most: int) -> bytes:
        """Read the first so many bytes of an image.

        Raises:
            UnusableImage: it can't be read.
        """


def survey(files: Readable, form: Form) -> list[Seen]:
    """Find the shape of each of these images, prepared in this form."""
    starts = range(0, len(files), IN_A_ROW)

    def look(start: int) -> list[Seen]:
        return [_look(files, n, form) for n in range(start, min(start + IN_A_ROW, len(files)))]

    with ThreadPoolExecutor(min(os.cpu_count() or 1, THREADS_AT_MOST)) as pool:
        return [seen for some in pool.map(look, starts) for seen in some]


def _look(files: Readable, number: int, form: Form) -> Seen:
    try:
        height, width, channels = _shape(files, number, form)
        require_sample(width, height, form)
    except UnusableImage as error:
        return error
    return height, width, channels


def _shape(files: Readable, number: int, form: Form) -> Shape:
    head = files.head(number, HEAD_BYTES)
    try:
        return sample_shape(io.BytesIO(head), form)
    except UnusableImage:
        if len(head) < HEAD_BYTES:
            raise
    return sample_shape(io.BytesIO(files.read(number)), form)


def commonest(seen: Iterable[Seen]) -> tuple[Shape, int] | None:
    """The commonest shape and how many have it, the earlier of equals; None without any."""
    counts = Counter(shape for shape in seen if not isinstance(shape, UnusableImage))
    return counts.most_common(1)[0] if counts else None


def kept_survey(
    name: str, files: Readable, witness: Witness, form: Form
) -> tuple[list[Seen], Path | None]:
    """A survey from the cache; or made now, with where it may be kept.

    Args:
        name: of the data set.
        files: its images.
        witness: of these.
        form: how they are prepared.
    """
    began_ns = time.time_ns()
    key = fingerprint_of([VERSION, witness.fingerprint, form[:2]])[:16]
    path = named_cache_path(name, f"{key}.survey.npz")
    kept = _of_arrays(load_arrays(path), len(files))
    if kept is not None:
        return kept, None
    return survey(files, form), path if witness.is_settled(began_ns) else None


def to_arrays(seen: list[Seen]) -> dict[str, np.ndarray]:
    """A survey as arrays."""
    reasons = {n: str(one) for n, one in enumerate(seen) if isinstance(one, UnusableImage)}
    shapes = [(0, 0, 0) if isinstance(one, UnusableImage) else one for one in seen]
    return {
        "shapes": np.array(shapes, np.int32).reshape(-1, 3),
        "unusable": np.array(list(reasons), np.int64),
        "reasons": np.array(list(reasons.values()), np.str_),
    }


def _of_arrays(kept: dict[str, Any] | None, n: int) -> list[Seen] | None:
    """The survey of so many images from its arrays; None where they are something else."""
    if kept is None or set(kept) != {"shapes", "unusable", "reasons"}:
        return None
    shapes, unusable, reasons = kept["shapes"], kept["unusable"], kept["reasons"]
    if shapes.shape != (n, 3) or unusable.shape != reasons.shape:
        return None
    seen: list[Seen] = [(height, width, channels) for height, width, channels in shapes.tolist()]
    for number, reason in zip(unusable.tolist(), reasons.tolist(), strict=True):
        seen[number] = UnusableImage(str(reason))
    return seen
