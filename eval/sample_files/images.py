"""Images in a folder or a .zip file as samples: read by the decoder of training, always as RGB."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import UInt8

from cgan import archives
from cgan.config import ConfigError
from cgan.data import folder
from cgan.data.decode import PIXELS_AT_MOST, Form, UnusableImage, decode, upright_size
from cgan.data.encoded import EncodedFiles
from cgan.data.levels import Background
from eval.sample_files.order import shuffled

CHUNK, CHUNK_PIXELS = 256, 2**28
"""A chunk ends at so many images, or pixels: 256 of 1,024 x 1,024."""

T = TypeVar("T")


@dataclass(frozen=True)
class ImageFiles:
    """Encoded images, in random order."""

    path: Path
    files: EncodedFiles
    background: Background = "white"

    is_images = True

    def __len__(self) -> int:
        return len(self.files)

    @property
    def _form(self) -> Form:
        return Form(None, 3, self.background)

    @cached_property
    def has_one_size(self) -> bool:
        """Whether all images have the same height and width."""
        found: set[tuple[int, int]] = set()
        for number in range(len(self.files)):
            try:
                found.add(upright_size(self.files.read(number)))
            except UnusableImage as error:
                raise self._refusal(number, error) from None
            if len(found) > 1:
                return False
        return True

    def chunks(self) -> Iterator[UInt8[np.ndarray, "_ _ _ 3"]]:
        """Images of one size at a time, of a few hundred files each.

        Raises:
            ConfigError: a file that is no image, is damaged, or is far too large.
        """
        by_shape: dict[tuple[int, ...], list[np.ndarray]] = {}
        pixels = 0
        for number in range(len(self.files)):
            image = self._read(number)
            by_shape.setdefault(image.shape, []).append(image)
            pixels += image.shape[0] * image.shape[1]
            last = number + 1 == len(self.files)
            if last or (number + 1) % CHUNK == 0 or pixels >= CHUNK_PIXELS:
                for images in by_shape.values():
                    yield np.stack(images)
                by_shape.clear()
                pixels = 0

    def _read(self, number: int) -> UInt8[np.ndarray, "height width 3"]:
        try:
            return decode(self.files.read(number), self._form, PIXELS_AT_MOST)
        except UnusableImage as error:
            raise self._refusal(number, error) from None

    def _refusal(self, number: int, error: UnusableImage) -> ConfigError:
        name = self.files.name(number)
        return ConfigError(f"{name}: can't be read as an image: {error}; must be one")


def image_files(path: Path) -> EncodedFiles:
    """The images below a folder or in an archive, by the rules of training, in random order.

    Raises:
        BrokenArchive: what lies there is no archive.
        OSError: it can't be read.
    """
    if path.is_dir():
        below = folder._below_folder(path)
    else:
        archives.open_archive(path)
        below = folder._below_archive(path)
    paths = [
        path
        for path in below.paths
        if not any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    ]
    return below.files([paths[index] for index in shuffled(len(paths))])
