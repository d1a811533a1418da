"""Encoded images by number, and a source that decodes them each time they are read.

For sets whose decoded array would not fit on a disk. Decoding happens in threads (Pillow lets the
interpreter go while it decodes), or in worker processes that are sent the source.
"""

import io
import multiprocessing
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, UInt8

from cgan.config import ConfigError, Data
from cgan.data.decode import Form, UnusableImage, decode
from cgan.data.source import class_shares, decode_images, encode_images
from cgan.files import cache_folder, replace
from cgan.types import Batch

IN_FLIGHT = 64
"""Images that wait in memory, decoded, to be taken."""
THREADS_AT_MOST = 16
"""Threads that decode: each holds an encoded image and its pixels."""
WITH_CACHE = " where data.cached is on"

Found = UInt8[np.ndarray, "height width channels"] | UnusableImage
"""What an encoded image turns out to be."""


@runtime_checkable
class EncodedFiles(Protocol):
    """Encoded images by number; can be pickled, for worker processes."""

    def __len__(self) -> int:
        """How many there are."""

    def name(self, number: int) -> str:
        """What messages call the image with this number."""

    def read(self, number: int) -> bytes:
        """The encoded image with this number; called from several threads.

        Raises:
            UnusableImage: it can't be read.
        """


@dataclass(frozen=True)
class Listing:
    """A data set of encoded images that are not read yet."""

    name: str
    """Of the data set."""
    files: EncodedFiles
    labels: Callable[[], Int[np.ndarray, " n"]]
    """Reads them, which may take long; zeros where there are no classes."""
    class_names: tuple[str, ...]
    """Empty where there are no classes."""
    fingerprint: str
    """Of the files' content, or of all that decides it: sizes and times of change."""
    shape: tuple[int, int, int] | None = None
    """Height, width and channels of samples; None: those of the first image."""
    said: str = ""
    """What a start says of the data set; the same for all of its splits."""

    def __len__(self) -> int:
        return len(self.files)

    def cache_path(self, key: str) -> Path:
        """Where the cache keeps what this key was made of the data set."""
        safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in self.name)
        return cache_folder() / "data" / f"{safe}-{key}"


@dataclass(frozen=True)
class EncodedImages:
    """One split of images that are decoded when they are read."""

    name: str
    files: EncodedFiles
    form: Form
    sample_shape: tuple[int, ...]
    """Of all images."""
    labels: Int[np.ndarray, " n"]
    class_names: tuple[str, ...]
    said: str = ""
    """What a start says of the data set."""

    @cached_property
    def class_weights(self) -> Float[np.ndarray, " classes"]:
        return class_shares(self.labels, len(self.class_names))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        """The samples at these indices, decoded now.

        Raises:
            ConfigError: naming an image that can't be used.
        """
        images = np.empty((len(indices), *self.sample_shape), np.uint8)
        with closing(decoded_in_order(self.files, indices, self.form)) as decoded:
            for row, (number, found) in enumerate(decoded):
                found = like_others(found, self.sample_shape)
                if isinstance(found, UnusableImage):
                    raise refusal(self.files.name(number), found, WITH_CACHE)
                images[row] = found
        return Batch(images, self.labels[indices])

    encode = staticmethod(encode_images)
    decode = staticmethod(decode_images)


def encoded(listing: Listing, data: Data) -> EncodedImages:
    """The images of a listing, to be decoded each time they are read.

    Raises:
        ConfigError: no shape is known and the first image is unusable; others are met later.
    """
    form = form_of(data)
    shape = listing.shape or _shape_of_first(listing, form)
    labels = _kept_labels(listing)
    return EncodedImages(
        listing.name, listing.files, form, shape, labels, listing.class_names, listing.said
    )


def _shape_of_first(listing: Listing, form: Form) -> tuple[int, ...]:
    ((_, first),) = decoded_in_order(listing.files, [0], form)
    if isinstance(first, UnusableImage):
        raise refusal(listing.files.name(0), first, WITH_CACHE)
    return first.shape


def form_of(data: Data) -> Form:
    """How these settings have images prepared."""
    return Form(data.resolution, data.channels, data.background)


def _kept_labels(listing: Listing) -> Int[np.ndarray, " n"]:
    """The labels, from the cache or read now and cached: some sets hold them inside of records."""
    path = listing.cache_path(f"{listing.fingerprint[:16]}.labels.npy")
    if not path.is_file():
        content = io.BytesIO()
        np.save(content, listing.labels().astype(np.int32))
        replace(path, content.getvalue())
    try:
        labels = np.load(path, allow_pickle=False)
        if labels.shape != (len(listing),):
            raise ValueError("labels and images do not match")
    except (OSError, ValueError, EOFError) as error:
        raise ConfigError(
            f"{path}: labels can't be read ({error}); remove the file to read them anew"
        ) from None
    return labels


def decoded_in_order(
    files: EncodedFiles, numbers: Sequence[int] | Int[np.ndarray, " n"], form: Form
) -> Generator[tuple[int, Found], None, None]:
    """The numbers of these images, each with its pixels or with what is wrong with it."""

    def work(number: int) -> Found:
        try:
            return decode(files.read(number), form)
        except UnusableImage as error:
            return error

    wanted = [int(number) for number in numbers]
    threads = min(_threads(), len(wanted))
    if threads <= 1:
        yield from ((number, work(number)) for number in wanted)
        return
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(wanted), IN_FLIGHT):
            some = wanted[start : start + IN_FLIGHT]
            yield from zip(some, pool.map(work, some), strict=True)


def _threads() -> int:
    """How many decode in this process: one in a worker process, which has others beside it."""
    if multiprocessing.parent_process() is not None:
        return 1
    return min(os.cpu_count() or 1, THREADS_AT_MOST)


def like_others(found: Found, shape: tuple[int, ...]) -> Found:
    """The same, unless it is an image of another shape than the others."""
    if isinstance(found, UnusableImage) or found.shape == shape:
        return found
    return UnusableImage(f"is {sizes(found.shape)}, and others {sizes(shape)}")


def refusal(name: str, found: UnusableImage, where: str = "") -> ConfigError:
    """What is said of an image that can't be used.

    Args:
        name: of the image.
        found: what is wrong with it.
        where: a condition of data.unusable = skip, if it has any.
    """
    way_out = f"data.unusable = skip leaves such images out{where}"
    if "and others" in str(found):
        way_out = (
            "data.resolution and data.channels bring all to one form; "
            f"data.unusable = skip leaves others out{where}"
        )
    return ConfigError(f"{name}: {found}; must be an image like the others. {way_out}")


def sizes(shape: tuple[int, ...]) -> str:
    """A shape in words."""
    height, width, channels = shape
    return f"{width} x {height} with {channels} channel{'s' if channels > 1 else ''}"
