"""Images encoded by hand, in ways that Pillow's own encoders do not offer."""

import struct
import zlib

import numpy as np

GRAY, RGB, GRAY_ALPHA, RGBA = 0, 2, 4, 6
"""PNG's types of colour."""


def png(samples, depth, color, **chunks):
    """A PNG file of samples `[height, width, channels]` with so many bits each."""

    def chunk(name, body):
        checksum = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum)

    height, width = samples.shape[:2]
    rows = samples.reshape(height, -1)
    if depth == 16:
        packed = rows.astype(">u2").view(np.uint8)
    else:
        bits = (rows[..., None] >> np.arange(depth)[::-1]) & 1
        packed = np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1)
    lines = np.hstack([np.zeros((height, 1), np.uint8), packed.reshape(height, -1)])
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    before = b"".join(chunk(name.encode(), b) for name, b in chunks.items() if name != "after")
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + before
        + chunk(b"IDAT", zlib.compress(lines.tobytes()))
        + b"".join(chunk(name, body) for name, body in chunks.get("after", ()))
        + chunk(b"IEND", b"")
    )


def tiff(*entries, order="<"):
    """EXIF without its header: a directory of (tag, type, count, four bytes)."""
    mark = {"<": b"II", ">": b"MM"}[order]
    body = struct.pack(f"{order}H", len(entries))
    for tag, kind, count, data in entries:
        body += struct.pack(f"{order}HHI", tag, kind, count) + data.ljust(4, b"\0")
    return mark + struct.pack(f"{order}HI", 42, 8) + body + bytes(4)


def turned(number, order="<"):
    """EXIF with this orientation and nothing else."""
    return tiff((0x0112, 3, 1, struct.pack(f"{order}H", number)), order=order)
