"""Encoded images, decoded once into a memory-mapped array in the cache folder.

Reading a batch is then indexing: it costs no decoding at any step, takes no memory of its own, and
the second start of a run begins at once. The folder of a decoded set appears whole or not at all;
its name carries a fingerprint of the files and of how they are prepared.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from cgan.config import ConfigError, Data
from cgan.data.decode import Form, UnusableImage
from cgan.data.encoded import Listing, decoded_in_order, like_others, refusal
from cgan.data.source import class_shares, decode_images, encode_images
from cgan.files import cache_folder
from cgan.types import Batch

VERSION = "decoded-2"
"""Raise it when the code changes what the same files are decoded to."""


@dataclass(frozen=True)
class DecodedImages:
    """One split of decoded images: uint8 `[n, height, width, channels]` and their labels."""

    name: str
    images: UInt8[np.ndarray, "n height width channels"]
    """Mapped from disk."""
    labels: Int[np.ndarray, " n"]
    class_names: tuple[str, ...]
    skipped: int
    """Images that were unusable."""

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

    encode = staticmethod(encode_images)
    decode = staticmethod(decode_images)


def decoded(listing: Listing, data: Data) -> DecodedImages:
    """The images of a listing, from the cache or decoded now.

    Raises:
        ConfigError: no usable image, or an unusable one where `data.unusable` is fail.
    """
    form = Form(data.resolution, data.channels)
    digest = hashlib.sha256(
        json.dumps([VERSION, listing.fingerprint, form, data.unusable]).encode()
    ).hexdigest()[:16]
    folder = listing.cache_path(digest)
    if not folder.is_dir():
        _build(listing, form, data.unusable, folder)
    return _open(folder, listing)


def _open(folder: Path, listing: Listing) -> DecodedImages:
    try:
        skipped = json.loads((folder / "skipped.json").read_text())
        images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
        labels = np.load(folder / "labels.npy", allow_pickle=False)
        if images.ndim != 4 or len(images) != len(labels):
            raise ValueError("images and labels do not match")
    except (OSError, ValueError, EOFError) as error:
        raise ConfigError(
            f"{folder}: decoded images can't be read ({error}); remove the folder to decode anew"
        ) from None
    return DecodedImages(listing.name, images, labels, listing.class_names, len(skipped))


def _build(listing: Listing, form: Form, unusable: str, folder: Path) -> None:
    """Decode into a folder beside its place, then move it there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    print(f"decoding {len(listing):,} images of {listing.name} (once)", file=sys.stderr)
    partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".partial-"))
    try:
        _decode_into(listing, form, unusable, partial)
        try:
            partial.rename(folder)
        except OSError:  # another process was faster
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _decode_into(listing: Listing, form: Form, unusable: str, folder: Path) -> None:
    labels = listing.labels()
    kept: list[int] = []
    skipped: dict[str, str] = {}
    with (folder / "images.npy").open("wb") as file:
        shape: tuple[int, ...] | None = None
        for number, found in decoded_in_order(listing.files, range(len(listing)), form):
            if isinstance(found, np.ndarray) and shape is None:
                shape = found.shape
                _require_room(folder, listing, len(listing) * found.nbytes)
                _write_header(file, (len(listing), *shape))
            if shape is not None:
                found = like_others(found, shape)
            if isinstance(found, UnusableImage):
                name = listing.files.name(number)
                if unusable == "fail":
                    raise refusal(name, found)
                skipped[name] = str(found)
                continue
            file.write(found.tobytes())
            kept.append(number)
        if shape is None:
            raise ConfigError(f"{listing.name}: none of {len(listing)} images can be used")
        file.seek(0)
        _write_header(file, (len(kept), *shape))
        file.flush()
        os.fsync(file.fileno())
    np.save(folder / "labels.npy", labels[kept].astype(np.int32))
    (folder / "skipped.json").write_text(json.dumps(skipped, indent=1))
    if skipped:
        first = next(iter(skipped.items()))
        print(f"skipped {len(skipped):,} unusable images, {first[0]} for one", file=sys.stderr)


def _require_room(folder: Path, listing: Listing, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ConfigError(
            f"{listing.name}: takes {needed:,} bytes decoded; must be at most the {free:,} that "
            f"are free in {cache_folder()}. A smaller data.resolution takes less, "
            "CGAN_CACHE names another folder, and --data.no-cached decodes at every step instead"
        )


HEADER_BYTES = 128


def _write_header(file: Any, shape: tuple[int, ...]) -> None:
    """NumPy's header, always of one length: the number of images is known at the end only."""
    described = {"descr": "|u1", "fortran_order": False, "shape": shape}
    text = repr(described).encode().ljust(HEADER_BYTES - 10 - 1) + b"\n"
    file.write(np.lib.format.magic(1, 0) + len(text).to_bytes(2, "little") + text)
