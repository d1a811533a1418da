"""Images in a folder or a .zip file as samples: read by the decoder of training, always as RGB."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from cgan.config import Background, ConfigError
from cgan.data.decode import PIXELS_AT_MOST, Form, UnusableImage, decode
from cgan.data.listing.archive import below_archive
from cgan.data.listing.folders import below_folder
from cgan.data.listing.survey import Readable, survey
from eval.sample_files.order import shuffled

CHUNK, CHUNK_PIXELS = 256, 2**28
"""Images, or pixels, at which a chunk ends: 256 of 1,024 x 1,024."""


@dataclass(frozen=True)
class ImageFiles:
    """Samples that are encoded images, in random order."""

    path: Path
    files: Readable
    background: Background = "white"

    is_images = True

    def __len__(self) -> int:
        return len(self.files)

    @property
    def _form(self) -> Form:
        return Form(None, 3, self.background)

    @cached_property
    def has_one_size(self) -> bool:
        """Whether all images have the same height and width (only their headers are read).

        Raises:
            ConfigError: a file that is no image.
        """
        found = survey(self.files, self._form)
        for number, seen in enumerate(found):
            if isinstance(seen, UnusableImage):
                raise self._refusal(number, seen)
        return len(set(found)) == 1

    def chunks(self) -> Iterator[UInt8[np.ndarray, "_ _ _ 3"]]:
        """Stream images of one size at a time, of a few hundred files each.

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


def image_files(path: Path) -> Readable:
    """The images below a folder or in an archive, by the rules of training, in random order.

    Raises:
        BrokenArchive: what lies there is no archive.
        ConfigError: the folder of a run.
        OSError: it can't be read.
    """
    below = below_folder(path) if path.is_dir() else below_archive(path)
    return below.files([below.images[index] for index in shuffled(len(below.images))])
