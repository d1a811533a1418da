"""Sizes and channels of all images from their headers: the commonest form decides.

Only the beginning of each file is read, where that tells; nothing is decoded but the few images
whose orientation stands behind their pixels.
"""

import os
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Int, Shaped

from cgan.cache import load_arrays
from cgan.data.decode import SAMPLE_PIXELS_AT_MOST, Form, UnusableImage, opened_image
from cgan.data.files import THREADS_AT_MOST, EncodedFiles, named_cache_path
from cgan.data.levels import MODES, is_grey, stored_as
from cgan.data.orientation import LYING, orientation
from cgan.data.witness import Witness, fingerprint_of

Shape = tuple[int, int, int]
"""Height, width and channels."""
HEAD_BYTES = 2**15
"""Of each file at first: most headers are shorter."""
BEHIND_PIXELS = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
"""Chunks of a PNG that may tell an orientation."""
VERSION = "survey-1"
"""Raise it when the code changes what the same headers are taken for."""
IN_A_ROW = 256
"""Files that a thread looks at in one go."""


class Readable(EncodedFiles, Protocol):
    """Encoded images by number, or their beginnings."""

    def head(self, number: int, most: int) -> bytes:
        """The first so many bytes of an image.

        Raises:
            UnusableImage: it can't be read.
        """


@dataclass(frozen=True)
class Survey:
    """What the headers of some images say."""

    stored: Int[np.ndarray, "n 3"]
    """Height and width as they were seen, and channels; zeros of images that can't be used."""
    unusable: dict[int, str]
    """What is wrong with those, by number."""

    def shapes(self, form: Form) -> list[Shape | UnusableImage]:
        """What each image would be as a sample."""
        kinds: dict[Shape, Shape | UnusableImage] = {}
        found: list[Shape | UnusableImage] = []
        for number, (height, width, channels) in enumerate(self.stored.tolist()):
            if number in self.unusable:
                found.append(UnusableImage(self.unusable[number]))
                continue
            stored = (height, width, channels)
            if stored not in kinds:
                try:
                    kinds[stored] = sample_shape(*stored, form)
                except UnusableImage as error:
                    kinds[stored] = error
            found.append(kinds[stored])
        return found

    def arrays(self) -> dict[str, Shaped[np.ndarray, "..."]]:
        """The same as arrays, to be kept."""
        reasons = np.array(list(self.unusable.values()), dtype=np.str_)
        numbers = np.array(list(self.unusable), dtype=np.int64)
        return {"stored": self.stored, "unusable": numbers, "reasons": reasons}

    @classmethod
    def of_arrays(
        cls, kept: dict[str, Shaped[np.ndarray, "..."]] | None, n: int
    ) -> "Survey | None":
        """What `arrays` gave, of so many images; None where it is not that."""
        if kept is None or set(kept) != {"stored", "unusable", "reasons"}:
            return None
        if kept["stored"].shape != (n, 3) or kept["unusable"].shape != kept["reasons"].shape:
            return None
        reasons = map(str, kept["reasons"].tolist())
        return cls(kept["stored"], dict(zip(kept["unusable"].tolist(), reasons, strict=True)))


def kept_survey(name: str, files: Readable, witness: Witness) -> tuple[Survey, Path | None]:
    """The survey of these images from the cache, or made now, with where it should be kept then.

    Args:
        name: of the data set.
        files: its images.
        witness: of these.
    """
    began_ns = time.time_ns()
    key = fingerprint_of([VERSION, witness.fingerprint])[:16]
    path = named_cache_path(name, f"{key}.survey.npz")
    kept = Survey.of_arrays(load_arrays(path), len(files))
    if kept is not None:
        return kept, None
    return survey(files), path if witness.is_settled(began_ns) else None


def survey(files: Readable) -> Survey:
    """Look at the headers of all these images."""
    stored = np.zeros((len(files), 3), np.int32)
    unusable: dict[int, str] = {}
    starts = range(0, len(files), IN_A_ROW)

    def look(start: int) -> list[Shape | UnusableImage]:
        return [_look(files, n) for n in range(start, min(start + IN_A_ROW, len(files)))]

    with ThreadPoolExecutor(min(os.cpu_count() or 1, THREADS_AT_MOST)) as pool:
        for start, some in zip(starts, pool.map(look, starts), strict=True):
            for number, found in enumerate(some, start):
                if isinstance(found, UnusableImage):
                    unusable[number] = str(found)
                else:
                    stored[number] = found
    return Survey(stored, unusable)


def commonest(shapes: Iterable[Shape | UnusableImage]) -> tuple[Shape, int] | None:
    """The commonest shape and how many have it, the earlier of equals; None without any."""
    counts = Counter(shape for shape in shapes if not isinstance(shape, UnusableImage))
    return counts.most_common(1)[0] if counts else None


def sample_shape(height: int, width: int, channels: int, form: Form) -> Shape:
    """The shape that an image of these sizes has as a sample.

    Raises:
        UnusableImage: it would be far too large.
    """
    channels = form.channels or channels
    if form.resolution is not None:
        return form.resolution, form.resolution, channels
    if height * width > SAMPLE_PIXELS_AT_MOST:
        raise UnusableImage(
            f"has {width} x {height} pixels; at most {SAMPLE_PIXELS_AT_MOST:,} "
            "are a sample, and data.resolution makes one of larger images"
        )
    return height, width, channels


def _look(files: Readable, number: int) -> Shape | UnusableImage:
    try:
        head = files.head(number, HEAD_BYTES)
        whole = len(head) < HEAD_BYTES
        try:
            return _stored(head, whole)
        except UnusableImage:
            if whole:
                raise
        return _stored(files.read(number), True)
    except UnusableImage as error:
        return error


def _stored(content: bytes, whole: bool) -> Shape:
    """Height, width and channels of an image as it was seen.

    Raises:
        UnusableImage: no image that is read, or one whose end has to be seen and is not there.
    """
    with opened_image(content) as image:
        if image.mode not in MODES:
            raise UnusableImage(f"has pixels of the kind {image.mode}")
        channels = 1 if is_grey(image, stored_as(image)) else 3
        width, height = image.size
        if width != height:
            if image.format == "PNG":
                if not whole:
                    raise UnusableImage("may tell its orientation at its end")
                if any(content.find(chunk, content.find(b"IDAT")) >= 0 for chunk in BEHIND_PIXELS):
                    image.load()
            if orientation(image.info) in LYING:
                width, height = height, width
    return height, width, channels
