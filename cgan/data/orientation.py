"""Orientation of a camera's images: the one thing that is read of what images say of themselves.

EXIF is written wrongly by many cameras and editors, in tags that have nothing to do with pixels.
So the orientation is read by itself; whatever else there is, right or wrong, is not looked at.

References: CIPA DC-008 (EXIF 2.32), sections 4.5.2 and 4.6.4; TIFF 6.0, section 2.
"""

import re
import struct
from collections.abc import Mapping
from typing import Any

from PIL import Image

TAG = 0x0112
UPRIGHT = 1
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Pillow's operation that makes an image upright, by orientation; other numbers are upright."""
LYING = (5, 6, 7, 8)
"""Orientations whose width and height change places."""

_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
"""Codes of `struct` for TIFF's types of whole numbers."""
_XMP = re.compile(rb"tiff:Orientation(?:=[\"']|>)([0-9])")
_EXIF, _XMP_HEADER = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_START_OF_SCAN, _END = 0xDA, 0xD9
_ALONE = {0x01, *range(0xD0, 0xD9)}
"""Markers of JPEG without a segment."""
_METADATA = range(0xE1, 0xEE)
"""Segments of JPEG that hold metadata: APP1 to APP13.

APP0 (JFIF) and APP14 (Adobe) decide how colours are stored.
"""


def orientation(info: Mapping[Any, Any]) -> int:
    """The orientation, 1 to 8, that an image's metadata tell of; 1 where they tell of none.

    Args:
        info: Pillow's: `exif`; or ImageMagick's text with the same in hexadecimal digits; or XMP.
    """
    found = _of_exif(_exif(info))
    if found is None:
        found = _of_xmp(info.get("xmp") or info.get("XML:com.adobe.xmp") or b"")
    return found if found in TURNS else UPRIGHT


def upright(image: Image.Image, turned: int) -> Image.Image:
    """Turn an image upright, as it was seen."""
    return image.transpose(TURNS[turned]) if turned in TURNS else image


def without_metadata(content: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Take the metadata out of a JPEG file; returns what is left, and its EXIF and XMP.

    Pillow reads more of them than pixels need, such as the resolution and lists of further
    pictures, and can't open a sound image whose EXIF is not as it should be.
    """
    info: dict[str, bytes] = {}
    kept, taken, at = [], 0, 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF or marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (_START_OF_SCAN, _END):
            break
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4])
        if marker in _METADATA and end <= len(content):
            segment = content[at + 4 : end]
            for name, header in (("exif", _EXIF), ("xmp", _XMP_HEADER)):
                if segment.startswith(header):
                    info[name] = info.get(name, b"") + segment[len(header) :]
            kept.append(content[taken:at])
            taken = end
        at = end
    return b"".join([*kept, content[taken:]]) if kept else content, info


def _exif(info: Mapping[Any, Any]) -> bytes:
    if isinstance(exif := info.get("exif"), bytes):
        return exif
    lines = str(info.get("Raw profile type exif", "")).split("\n")[3:]
    try:
        return bytes.fromhex("".join(lines))
    except ValueError:
        return b""


def _of_exif(exif: bytes) -> int | None:
    """The orientation in EXIF's first directory; None where there is no single whole number."""
    while exif.startswith(_EXIF):
        exif = exif[len(_EXIF) :]
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return None
    try:
        (directory,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, directory)
        for at in range(directory + 2, directory + 2 + 12 * entries, 12):
            tag, kind, count = struct.unpack_from(f"{order}HHI", exif, at)
            if tag == TAG and count == 1 and kind in _WHOLE_NUMBERS:
                return int(struct.unpack_from(f"{order}{_WHOLE_NUMBERS[kind]}", exif, at + 8)[0])
    except struct.error:  # cut short
        pass
    return None


def _of_xmp(xmp: bytes | str) -> int | None:
    found = _XMP.search(xmp.encode(errors="replace") if isinstance(xmp, str) else xmp)
    return None if found is None else int(found[1])
