"""Translate pictures by a trained run: `python -m cgan.translate RUN IN OUT`."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from cgan.config import ConfigError, Data, require
from cgan.system import files, terminal
from cgan.system.arguments import parse

if TYPE_CHECKING:
    from cgan.data.decode import Form
    from cgan.data.files import EncodedFiles
    from cgan.sampling.runs import Run

SUFFIX = ".png"
Read = tuple[PurePosixPath, np.ndarray]
"""A picture, and the path below the folder that its translation is written to."""


@dataclass(frozen=True)
class Arguments:
    """Translate pictures by a trained run, with its averaged weights."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of the run, such as runs/translate_digits."""
    pictures: Annotated[Path, tyro.conf.Positional]
    """Picture, or folder or .zip of pictures; each is cropped and resized as in training."""
    out: Annotated[Path, tyro.conf.Positional]
    """Folder for the translations: PNG files by the names of the pictures."""
    checkpoint: int | None = None
    """Checkpoint by the images it had seen; the newest unless given."""

    def __post_init__(self) -> None:
        require(not self.out.is_file(), "out", str(self.out), "a folder, not a file")
        inside = self.pictures.is_dir() and self.out.resolve().is_relative_to(
            self.pictures.resolve()
        )
        require(not inside, "out", str(self.out), "a folder outside of that of the pictures")


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, load, read, translate, write.

    Args:
        argv: the command line; None for that of this process.

    Raises:
        ConfigError: a run that translates nothing, or a picture that can't be read: those before it
            are written.
    """
    arguments = parse(Arguments, argv, prog="python -m cgan.translate")
    # Imported late: help and errors should not wait for JAX.
    from cgan.sampling import runs
    from cgan.sampling.pictures import encode_png
    from cgan.sampling.sampler import chunk_size

    run = runs.load_run(arguments.run, arguments.checkpoint)
    require_translator(run)
    n = 0
    for some in in_chunks(read_pictures(arguments.pictures, run), chunk_size(run.config)):
        for path, image in zip([path for path, _ in some], translate(run, some), strict=True):
            out = arguments.out / path
            out.parent.mkdir(parents=True, exist_ok=True)
            files.replace(out, encode_png(image))
        n += len(some)
    terminal.say(
        f"{n} pictures of {arguments.pictures} by {arguments.run} at {run.nimg:,} images: "
        f"{arguments.out}"
    )


def require_translator(run: "Run") -> None:
    """Refuse a run whose generator starts from noise.

    Raises:
        ConfigError: such a run.
    """
    architecture = run.config.generator.architecture
    expected = "resnet or unet: this run draws from noise, and python -m cgan.sample draws from it"
    require(run.config.generator.translates, "generator.architecture", architecture, expected)


def translate(run: "Run", some: Sequence[Read]) -> np.ndarray:
    """Translations of some pictures, uint8."""
    stored = np.stack([image for _, image in some])
    return run.sampler.generate(run.params, np.asarray(run.sampler.parts.source.encode(stored)))


def read_pictures(path: Path, run: "Run") -> Iterator[Read]:
    """Read pictures one after the other, in the form that the run translates.

    Raises:
        ConfigError: nothing there, or a picture that can't be used.
    """
    from cgan.data.decode import SUFFIXES, Form
    from cgan.data.listing.paths import look_below

    height, width, channels = run.sampler.parts.source.sample_shape
    form = Form(height if height == width else None, channels, run.data.background)
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        yield PurePosixPath(path.stem + SUFFIX), usable(path.name, path.read_bytes, form)
        return
    try:
        below = look_below(Data("folder", path=path))
    except ConfigError as error:
        raise ConfigError(str(error).replace("data.path", "pictures", 1)) from None
    names = below.images
    expected = "a picture, or a folder or a .zip file of pictures"
    require(len(names) > 0, "pictures", str(path), expected)
    written = [name.with_suffix(SUFFIX) for name in names]
    twice = [str(name) for name, count in Counter(written).items() if count > 1]
    if twice:
        raise ConfigError(
            f"pictures = {str(path)!r}: several would be written to {twice[0]}; must have names "
            "that differ before their suffixes"
        )
    yield from zip(written, _decoded(below.files(names), form), strict=True)


def _decoded(encoded: "EncodedFiles", form: "Form") -> Iterator[np.ndarray]:
    for number in range(len(encoded)):
        yield usable(encoded.name(number), partial(encoded.read, number), form)


def usable(name: str, read: Callable[[], bytes], form: "Form") -> np.ndarray:
    """A picture's pixels in this form.

    Raises:
        ConfigError: it can't be used, with the reason.
    """
    from cgan.data.decode import UnusableImage, decode

    try:
        return decode(read(), form)
    except UnusableImage as error:
        raise ConfigError(f"{name}: {error}; must be a picture that can be read") from None


def in_chunks(pictures: Iterator[Read], size: int) -> Iterator[list[Read]]:
    """Pictures, so many at a time."""
    some: list[Read] = []
    for picture in pictures:
        some.append(picture)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some
