"""Folders and archives of pictures that say which they are."""

import io
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from cgan.config import Data
from cgan.data import load_source

SIDE = 6
Entries = Mapping[str, bytes]


def picture(number: int, size: tuple[int, int] = (SIDE, SIDE), channels: int = 3) -> bytes:
    """A PNG file whose first pixels are its number's bytes."""
    pixels = np.full((*size, channels), 7, np.uint8)
    pixels[0, :3, 0] = [number % 256, number // 256, 99]
    content = io.BytesIO()
    Image.fromarray(pixels if channels == 3 else pixels[..., 0]).save(content, "png")
    return content.getvalue()


def numbers(source) -> dict[int, str]:
    """Which pictures a split holds, each with the name of its class."""
    batch = source[np.arange(len(source))]
    named = source.class_names or ("",)
    return {
        int(image[0, 0, 0]) + 256 * int(image[0, 1, 0]): named[label]
        for image, label in zip(*batch, strict=True)
    }


def both(path: Path, linked: bool = False, **settings) -> tuple[dict[int, str], dict[int, str]]:
    """The pictures of both splits; `linked`: some are there twice."""
    data = Data("folder", path=path, **settings)
    train, test = (load_source(data, split) for split in ("train", "test"))
    found = numbers(train), numbers(test)
    assert linked or [len(each) for each in found] == [len(train), len(test)], "each once"
    return found


def in_folder(root: Path, entries: Entries) -> Path:
    for name, content in entries.items():
        file = Path(os.fsdecode(os.fsencode(root) + b"/" + os.fsencode(name)))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return root


def in_archive(root: Path, entries: Entries) -> Path:
    file = root.with_suffix(".zip")
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file


def in_archive_of_its_name(root: Path, entries: Entries) -> Path:
    return in_archive(root, {f"outer/{root.name}/{name}": of for name, of in entries.items()})


def in_folders(root: Path, entries: Entries) -> Path:
    in_folder(root / "outer" / "inner", entries)
    return root


KINDS: dict[str, Callable[[Path, Entries], Path]] = {
    "folder": in_folder,
    "folders": in_folders,
    "archive": in_archive,
    "archive_of_its_name": in_archive_of_its_name,
}
"""The same set as users have it: alone or within others, as a folder or as an archive."""
TWO = ("folder", "archive_of_its_name")
"""Those that differ in all."""


def pictures(folder: str, first: int, count: int, **how) -> dict[str, bytes]:
    """So many pictures in a folder, numbered from the first."""
    named = range(first, first + count)
    return {f"{folder}/{n:04d}.png".lstrip("/"): picture(n, **how) for n in named}


def joined(parts: Iterable[Entries]) -> dict[str, bytes]:
    return {name: content for part in parts for name, content in part.items()}
