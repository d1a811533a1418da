"""Encoded images to pixels: what is read, and what is refused before it does harm."""

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

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


def test_gray_images_have_one_channel_unless_three_are_wanted():
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


def saved(image, kind, **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


@pytest.mark.parametrize("kind", ["png", "webp", "mpo"])
def test_of_several_pictures_the_first_is_taken(kind):
    """Animated PNG and WebP, and the pairs of pictures that phones save as JPEG."""
    first, second = (Image.fromarray(np.full((16, 24, 3), level, np.uint8)) for level in (200, 50))
    content = saved(first, kind, save_all=True, append_images=[second])
    found = decode(content, AS_STORED)
    assert found.shape == (16, 24, 3)
    assert np.abs(found.astype(int) - 200).max() < 4


def test_whatever_stores_the_same_pixels_is_read_alike():
    """A palette, a bitmap, levels of 1 bit, an ending that lies (endings are not looked at)."""
    gray = noise(9, 11) // 64 * 85  # four levels
    image = Image.fromarray(gray)
    paletted = image.convert("P")
    of_one_bit = Image.fromarray(gray > 100).convert("1")
    for content, expected in (
        (saved(image, "bmp"), gray),
        (saved(paletted, "png"), gray),
        (saved(paletted, "bmp"), gray),
        (saved(image.convert("RGB"), "bmp"), gray),
        (saved(of_one_bit, "png"), np.where(gray > 100, 255, 0)),
        (saved(of_one_bit, "bmp"), np.where(gray > 100, 255, 0)),
    ):
        three = decode(content, Form(None, 3))
        np.testing.assert_array_equal(three, expected[..., None].repeat(3, axis=-1))
        np.testing.assert_array_equal(decode(content, Form(None, 1)), expected[..., None])


def test_threads_leave_the_filters_of_warnings_as_they_were():
    """Animations that claim no frames make Pillow warn, which is an error in these tests."""
    still = saved(Image.fromarray(noise(8, 8, 3)), "png")
    control = struct.pack(">I4sII", 8, b"acTL", 0, 0) + struct.pack(
        ">I", zlib.crc32(b"acTL" + bytes(8))
    )
    content = still[:33] + control + still[33:]
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: decode(content, AS_STORED), range(200)))
    assert warnings.filters == before
    np.testing.assert_array_equal(found[0], decode(still, AS_STORED))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no PNG, JPEG, WebP or BMP"),
        (b"GIF89a" + bytes(20), "is no PNG, JPEG, WebP or BMP"),
        (encoded(noise(30, 30, 3))[:-40], "is damaged"),
        (encoded(noise(30, 30, 3), "jpeg")[:300], "is damaged"),
        (bomb(9_000, 9_000), "has 9000 x 9000 pixels"),
        (bomb(100_000, 100_000), "is far too large"),
    ],
)
def test_what_can_not_be_a_sample_is_said(content, said):
    with pytest.raises(UnusableImage, match=said):
        decode(content, AS_STORED)
