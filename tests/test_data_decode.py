"""Encoded images to pixels: what is read, and what is refused before it does harm."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from cgan.data.decode import Form, UnusableImage, decode

AS_STORED = Form(None, None)


def encoded(pixels, kind="png", **options):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind, **options)
    return content.getvalue()


def noise(*shape):
    return np.random.default_rng(list(shape)).integers(256, size=shape, dtype=np.uint8)


@pytest.mark.parametrize(("kind", "options"), [("png", {}), ("webp", {"lossless": True})])
@pytest.mark.parametrize("shape", [(5, 7, 3), (4, 4, 3)])
def test_lossless_images_come_back_exactly(shape, kind, options):
    pixels = noise(*shape)
    np.testing.assert_array_equal(decode(encoded(pixels, kind, **options), AS_STORED), pixels)


def test_grey_images_have_one_channel_unless_three_are_wanted():
    pixels = noise(6, 5)
    content = encoded(pixels)
    np.testing.assert_array_equal(decode(content, AS_STORED), pixels[..., None])
    three = decode(content, Form(None, 3))
    np.testing.assert_array_equal(three, pixels[..., None].repeat(3, axis=-1))
    assert decode(encoded(noise(6, 5, 3)), Form(None, 1)).shape == (6, 5, 1)


def test_the_central_square_is_taken():
    pixels = noise(4, 10, 3)
    np.testing.assert_array_equal(decode(encoded(pixels), Form(4, None)), pixels[:, 3:7])
    tall = noise(9, 4, 3)
    np.testing.assert_array_equal(decode(encoded(tall), Form(4, None)), tall[2:6])


def test_shrinking_averages_instead_of_dropping_pixels():
    """Stripes of one pixel would alias to black or white if pixels were dropped."""
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    small = decode(encoded(stripes), Form(8, None))
    assert small.shape == (8, 8, 1)
    assert np.abs(small.astype(int) - 127).max() < 12


def test_a_cameras_orientation_is_followed():
    pixels = noise(8, 16, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter clockwise to be upright
    content = encoded(pixels, "png", exif=exif)
    np.testing.assert_array_equal(decode(content, AS_STORED), np.rot90(pixels, -1))


def test_jpeg_is_read():
    smooth = np.linspace(0, 255, 32 * 32 * 3).reshape(32, 32, 3).astype(np.uint8)
    found = decode(encoded(smooth, "jpeg", quality=95), AS_STORED)
    assert np.abs(found.astype(int) - smooth).max() < 40


def bomb(width, height):
    """A PNG file of a few bytes that declares a vast image."""

    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64))
    ) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no PNG, JPEG, WebP or BMP"),
        (b"GIF89a" + bytes(20), "is no PNG, JPEG, WebP or BMP"),
        (encoded(noise(30, 30, 3))[:-40], "is damaged"),
        (encoded(noise(30, 30, 3), "jpeg")[:300], "is damaged"),
        (bomb(9_000, 9_000), "has 9000 x 9000 pixels"),
        (bomb(100_000, 100_000), "is far too large"),
        (encoded(noise(4, 4).astype(np.uint16)), "kind I;16"),
    ],
)
def test_what_can_not_be_a_sample_is_said(content, said):
    with pytest.raises(UnusableImage, match=said):
        decode(content, AS_STORED)
