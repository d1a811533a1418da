"""Encoded images, decoded once into a memory-mapped array in the cache folder.

Reading a batch is then indexing: it costs no decoding at any step, takes no memory of its own, and
the second start of a run begins at once. The array's folder appears whole or not at all; its name
carries a fingerprint of the images' content and of how they are prepared. Labels are no part of it:
they are those of the data set as it is now, whatever its classes were called before.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from cgan.config import ConfigError, Data
from cgan.data.contents import Content, Hashes, content_of, hashes_of
from cgan.data.decoding import IMAGES, KEPT, SKIPPED, CantKeepError, Recipe, build
from cgan.data.encoded import EncodedImages, encoded, form_of
from cgan.data.files import Listing
from cgan.data.source import class_shares, decode_images, encode_images
from cgan.system.cache import mark_used, note
from cgan.system.cache.kept import LOCK
from cgan.system.lock import Shared
from cgan.types import Batch


@dataclass(frozen=True)
class DecodedImages:
    """One split of decoded images: uint8 `[n, height, width, channels]` and their labels."""

    name: str
    images: UInt8[np.ndarray, "n height width channels"]
    """Pixels of all images, mapped from disk."""
    labels: Int[np.ndarray, " n"]
    class_names: tuple[str, ...]
    skipped: int
    """Number of images that were unusable."""
    hashes: Hashes
    """Hashes of the images as they are stored in their files."""
    held: Shared | None = None
    """A lock that keeps the cache's folder from being cleared away while it lives."""
    said: str = ""
    """Words that a start says of the data set."""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.images.shape[1:]

    @cached_property
    def class_weights(self) -> Float[np.ndarray, " classes"]:
        return class_shares(self.labels, len(self.class_names))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, indices: Int[np.ndarray, " n"]) -> Batch:
        return Batch(np.asarray(self.images[indices]), self.labels[indices])

    def content(self) -> Content:
        """The content of the split, in a few hashes."""
        return content_of(self.hashes, self.labels)

    encode = staticmethod(encode_images)
    decode = staticmethod(decode_images)


def decoded(listing: Listing, data: Data) -> DecodedImages | EncodedImages:
    """Load the images of a listing decoded, from the cache or decoded now.

    Where the cache can't be written they are decoded each time they are read, if that is possible.

    Raises:
        ConfigError: no usable image, or an unusable one where `data.unusable` is fail.
    """
    recipe = Recipe(form_of(data), listing.shape, data.unusable)
    hashes = hashes_of(listing.name, listing.files, listing.witness)
    folder = listing.cache_path(recipe.key(hashes))
    if not folder.is_dir():
        try:
            build(listing, hashes, recipe, folder)
        except CantKeepError as error:
            if data.unusable == "skip":
                raise ConfigError(
                    f"{error}; must be a folder that can be written with data.unusable = 'skip': "
                    "CGAN_CACHE names another one"
                ) from None
            note(f"{error}: decoding at every step; CGAN_CACHE names another folder")
            return encoded(listing, data)
    return _open(folder, listing, hashes)


def _open(folder: Path, listing: Listing, hashes: Hashes) -> DecodedImages:
    try:
        held = Shared(folder / LOCK)
        skipped = json.loads((folder / SKIPPED).read_text())
        kept = np.load(folder / KEPT, allow_pickle=False)
        images = np.load(folder / IMAGES, mmap_mode="r", allow_pickle=False)
        if images.ndim != 4 or images.dtype != np.uint8 or kept.shape != (len(images),):
            raise ValueError("images and their numbers do not match")
        if kept.size and not 0 <= kept.min() <= kept.max() < len(hashes):
            raise ValueError("it numbers images that the data set does not have")
    except (OSError, ValueError, EOFError) as error:
        raise ConfigError(
            f"{folder}: decoded images can't be read ({error}); remove the folder to decode anew"
        ) from None
    mark_used(folder / LOCK)
    return DecodedImages(
        listing.name,
        images,
        listing.labels()[kept],
        listing.class_names,
        len(skipped),
        hashes[kept],
        held,
        listing.said,
    )
