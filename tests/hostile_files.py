"""Files that attack who reads them, made small and fast: for the tests of untrusted files."""

import base64
import io
import json
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from PIL import Image

IMAGES = [f"{number}.png" for number in range(4)]
BZIP2 = zlib.decompress(
    base64.b85decode(
        "c-nJ{%CIzaj8qGb<l}sFpE17Af#CoH1BU{GL4&WG(*o6%Tn*Dl<wxa*zPv|G{7Htcpc5c@7O;vlteVRv"
        "Dmf>*bn=TAxmpBF_}1}+2>|5%?Ck"
    )
)
"""A gigabyte of zeros."""


class Payload:
    """Pickles to a call that leaves a file beside the one that holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path.parent / 'canary'}",)


def png(width: int, height: int, data: bytes = b"", **chunks: bytes) -> bytes:
    """A grey PNG file by hand; its pixels are what `data` inflates to."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    others = b"".join(chunk(name.encode(), body) for name, body in chunks.items())
    pixels = chunk(b"IDAT", data or zlib.compress(bytes(128)))
    return b"\x89PNG\r\n\x1a\n" + header + others + pixels + chunk(b"IEND", b"")


def deflated(n: int) -> bytes:
    """A raw stream that inflates to so many megabytes of zeros, made without all of them."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = deflate.compress(bytes(2**20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return block * n + deflate.flush()


def inflates(n: int) -> bytes:
    """The same in zlib's format."""
    checksum = ((n * 2**20 % 65_521) << 16) + 1
    return b"\x78\xda" + deflated(n) + struct.pack(">I", checksum)


def webp(width: int, height: int) -> bytes:
    """A WebP file that declares a canvas of this size around a tiny picture."""
    content = io.BytesIO()
    Image.new("RGB", (4, 4)).save(content, "webp", lossless=True)
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    extended = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size + content.getvalue()[12:]
    return b"RIFF" + struct.pack("<I", len(extended) + 4) + b"WEBP" + extended


def npy(header: str, data: bytes = b"") -> bytes:
    """An array in NumPy's format with a header of one's own."""
    line = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + data


def declared(shape: str, kind: str = "<f4") -> str:
    return f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}}}"


def archive(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def lying(path: Path, method: int, size: int) -> Path:
    """An archive whose entries claim that what they hold was compressed, from this size."""
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = content.find(mark)
        while start >= 0:
            struct.pack_into("<H", content, start + place, method)
            struct.pack_into("<I", content, start + place + 14, size)
            start = content.find(mark, start + 1)
    return written(path, bytes(content))


def bomb(path: Path, names: list[str], size: int, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Entries that inflate to a gigabyte each and declare this size."""
    packed = deflated(1024) if method == zipfile.ZIP_DEFLATED else BZIP2
    return lying(archive(path, **dict.fromkeys(names, packed)), method, size)


def zipped(path: Path, content: bytes) -> Path:
    return archive(path, **dict.fromkeys(IMAGES, content))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def folder(path: Path, content: bytes, name: str = "{}.png") -> Path:
    path.mkdir()
    for number in range(4):
        written(path / name.format(number), content)
    return path


def sparse(path: Path) -> Path:
    """Images that take a terabyte each, which is not there."""
    folder(path, png(8, 8))
    for image in path.iterdir():
        os.truncate(image, 2**40)
    return path


def with_pipe(path: Path) -> Path:
    """A folder with nothing in it but a pipe that nobody writes into, and another folder."""
    path.mkdir()
    os.mkfifo(path / "0.png")
    (path / "1.png").mkdir()
    return path


def configured(path: Path, content: bytes) -> Path:
    """A run with this config.json."""
    path.mkdir()
    written(path / "config.json", content)
    return path


def safetensors(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(start: int, stop: int) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [(stop - start) // 4], "data_offsets": [start, stop]}


def features(root: Path, content: object) -> Path:
    """A data set as tensorflow-datasets prepares them, with features of one's own."""
    place = root / "mine" / "1.0.0"
    place.mkdir(parents=True)
    info = {"name": "mine", "version": "1.0.0", "fileFormat": "array_record", "splits": []}
    (place / "dataset_info.json").write_text(json.dumps(info))
    text = content if isinstance(content, str) else json.dumps(content)
    (place / "features.json").write_text(text)
    return root
