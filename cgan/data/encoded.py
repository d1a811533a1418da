"""Encoded images by number, and a source that decodes them each time they are read.

For sets whose decoded array would not fit on a disk. Decoding happens in threads (Pillow lets the
interpreter go while it decodes), or in worker processes that are sent the source.
"""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, UInt8

from cgan.config import ConfigError, Data
from cgan.data.contents import Content, content_of, hashes_of
from cgan.data.decode import Form, UnusableImage, decode
from cgan.data.files import EncodedFiles, Listing, read_in_order
from cgan.data.source import class_shares, decode_images, encode_images
from cgan.data.witness import Witness
from cgan.types import Batch

WITH_CACHE = " where data.cached is on"

Found = UInt8[np.ndarray, "height width channels"] | UnusableImage
"""An encoded image once decoded: its pixels, or why it is unusable."""


@dataclass(frozen=True)
class EncodedImages:
    """One split of images that are decoded when they are read."""

    name: str
    files: EncodedFiles
    form: Form
    sample_shape: tuple[int, ...]
    """Shape of all images: height, width and channels."""
    labels: Int[np.ndarray, " n"]
    class_names: tuple[str, ...]
    witness: Witness
    said: str = ""
    """Words that a start says of the data set."""

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

    def content(self) -> Content:
        """The content of the split: reads it once, and again when its files change."""
        return content_of(hashes_of(self.name, self.files, self.witness), self.labels)

    encode = staticmethod(encode_images)
    decode = staticmethod(decode_images)


def encoded(listing: Listing, data: Data) -> EncodedImages:
    """Open the images of a listing, to be decoded each time they are read.

    Raises:
        ConfigError: no shape is known and the first image is unusable; others are met later.
    """
    form = form_of(data)
    return EncodedImages(
        listing.name,
        listing.files,
        form,
        listing.shape or _shape_of_first(listing, form),
        listing.labels(),
        listing.class_names,
        listing.witness,
        listing.said,
    )


def _shape_of_first(listing: Listing, form: Form) -> tuple[int, ...]:
    ((_, first),) = decoded_in_order(listing.files, [0], form)
    if isinstance(first, UnusableImage):
        raise refusal(listing.files.name(0), first, WITH_CACHE)
    return first.shape


def form_of(data: Data) -> Form:
    """The form in which these settings have images prepared."""
    return Form(data.resolution, data.channels, data.background)


def decoded_in_order(
    files: EncodedFiles, numbers: Sequence[int] | Int[np.ndarray, " n"], form: Form
) -> Generator[tuple[int, Found], None, None]:
    """Decode these images in order: each one's number, with its pixels or what is wrong with it."""
    yield from read_in_order(files, numbers, lambda _, content: decode(content, form))


def like_others(found: Found, shape: tuple[int, ...]) -> Found:
    """A decoded image, or why it is unusable if its shape is not that of the others."""
    if isinstance(found, UnusableImage) or found.shape == shape:
        return found
    return UnusableImage(f"is {sizes(found.shape)}, and others {sizes(shape)}")


def refusal(name: str, found: UnusableImage, where: str = "") -> ConfigError:
    """The error for an image that can't be used.

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
    """The shape of an image in words."""
    height, width, channels = shape
    return f"{width} x {height} with {channels} channel{'s' if channels > 1 else ''}"
