"""Depths and transparency: the same picture in every way of storing it has the same pixels."""

import io
import struct
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from cgan.data.decode import Form, decode, sample_shape
from cgan.data.levels import BACKGROUNDS, laid_on
from tests.encoded_images import GRAY, GRAY_ALPHA, RGB, RGBA, png

AS_STORED = Form(None, None)


def noise(*shape):
    return np.random.default_rng(list(shape)).integers(256, size=shape, dtype=np.uint8)


def encoded(image, kind="png", **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def nearest(value, highest):
    """The level of 8 bits that is nearest to a share of white."""
    return round(Fraction(int(value) * 255, highest))


def test_gray_of_16_bits_is_scaled_so_that_white_stays_white():
    levels = np.arange(0, 65_536, 13, dtype=np.uint32)[:5_000].reshape(50, 100)
    levels[0, :4] = 0, 65_535, 128, 129
    expected = np.vectorize(lambda value: nearest(value, 65_535))(levels)
    content = png(levels, 16, GRAY)
    found = decode(content, AS_STORED)
    assert found.shape == (50, 100, 1)
    np.testing.assert_array_equal(found[..., 0], expected)
    three = decode(content, Form(None, 3))
    np.testing.assert_array_equal(three, expected[..., None].repeat(3, axis=-1))


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_the_same_gray_picture_has_the_same_pixels_at_any_depth(channels):
    """Four levels, which 2 bits are enough for."""
    gray = noise(10, 13) // 64
    level, deep = gray * 85, gray.astype(np.uint32) * 85 * 257
    opaque8, opaque16 = np.full_like(gray, 255), np.full_like(deep, 65_535)
    form = Form(None, channels)
    forms = [
        decode(content, form)
        for content in (
            png(gray, 2, GRAY),
            png(level // 17, 4, GRAY),
            png(level, 8, GRAY),
            png(deep, 16, GRAY),
            png(np.stack([level, opaque8], axis=-1), 8, GRAY_ALPHA),
            png(np.stack([deep, opaque16], axis=-1), 16, GRAY_ALPHA),
        )
    ]
    expected = level[..., None].repeat(channels or 1, axis=-1)
    for found in forms:
        np.testing.assert_array_equal(found, expected)
    for content in (
        png(level[..., None].repeat(3, axis=-1), 8, RGB),
        png(deep[..., None].repeat(3, axis=-1), 16, RGB),
        png(np.stack([deep, deep, deep, opaque16], axis=-1), 16, RGBA),
    ):
        found = decode(content, Form(None, channels or 3))
        np.testing.assert_array_equal(found, level[..., None].repeat(channels or 3, axis=-1))


def test_colors_of_16_bits_are_at_most_one_level_off():
    deep = np.random.default_rng(0).integers(65_536, size=(20, 20, 3))
    found = decode(png(deep, 16, RGB), AS_STORED)
    assert np.abs(found - deep / 257).max() < 1


def over(level, opacity, background):
    """One level laid on another."""
    return nearest(int(level) * int(opacity) + background * (255 - int(opacity)), 255 * 255)


PALETTE = [(255, 0, 0), (0, 200, 0), (10, 20, 30), (255, 255, 255)]
OPACITIES = [0, 90, 255, 255]


def transparent_images():
    """Encoded images by name, with the RGBA picture that each of them is."""
    rgba = noise(7, 9, 4)
    gray = np.dstack([rgba[..., 0]] * 3 + [rgba[..., 3]])
    numbers = noise(7, 9) % 4
    paletted = np.array([(*c, a) for c, a in zip(PALETTE, OPACITIES, strict=True)], np.uint8)
    indexed = Image.fromarray(numbers).convert("P")
    indexed.putpalette([level for color in PALETTE for level in color])
    few, opaque = rgba[..., :3] // 128 * 85, np.full((7, 9, 1), 255, np.uint8)
    key = few[3, 3]
    keyed = np.where((few == key).all(axis=-1, keepdims=True), 0, opaque)
    four = noise(7, 9) // 16

    def keyed_gray(levels):
        return np.dstack([levels] * 3 + [np.where(levels == levels[2, 2], 0, 255)])

    gray_key = struct.pack(">H", four[2, 2])
    deep_key = struct.pack(">H", int(four[2, 2]) * 17 * 257)
    bit = noise(7, 9) // 128
    return {
        "RGBA": (encoded(Image.fromarray(rgba)), rgba),
        "RGBA WebP": (encoded(Image.fromarray(rgba), "webp", lossless=True, exact=True), rgba),
        "LA": (png(rgba[..., [0, 3]], 8, GRAY_ALPHA), gray),
        "LA of 16 bits": (png(rgba[..., [0, 3]].astype(int) * 257, 16, GRAY_ALPHA), gray),
        "RGBA of 16 bits": (png(rgba.astype(int) * 257, 16, RGBA), rgba),
        "palette": (encoded(indexed, transparency=bytes(OPACITIES)), paletted[numbers]),
        "palette, one colour": (
            encoded(indexed, transparency=1),
            np.dstack([paletted[numbers][..., :3], np.where(numbers == 1, 0, 255)]),
        ),
        "RGB, one colour": (
            png(few, 8, RGB, tRNS=struct.pack(">HHH", *key)),
            np.concatenate([few, keyed], axis=-1),
        ),
        "RGB of 16 bits, one colour": (
            png(
                few.astype(int) * 257,
                16,
                RGB,
                tRNS=struct.pack(">HHH", *(int(k) * 257 for k in key)),
            ),
            np.concatenate([few, keyed], axis=-1),
        ),
        "grey, one level": (
            png(four * 17, 8, GRAY, tRNS=struct.pack(">H", int(four[2, 2]) * 17)),
            keyed_gray(four * 17),
        ),
        "grey of 4 bits, one level": (png(four, 4, GRAY, tRNS=gray_key), keyed_gray(four * 17)),
        "grey of 2 bits, one level": (
            png(four // 4, 2, GRAY, tRNS=struct.pack(">H", four[2, 2] // 4)),
            keyed_gray(four // 4 * 85),
        ),
        "grey of 16 bits, one level": (
            png(four.astype(int) * 17 * 257, 16, GRAY, tRNS=deep_key),
            keyed_gray(four * 17),
        ),
        "1 bit, one level": (
            png(bit, 1, GRAY, tRNS=struct.pack(">H", bit[2, 2])),
            keyed_gray(bit * 255),
        ),
    }


IMAGES = transparent_images()


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("name", IMAGES)
def test_transparent_pixels_are_laid_on_the_background(name, background):
    content, rgba = IMAGES[name]
    expected = np.empty((7, 9, 3), np.uint8)
    level = {"white": 255, "black": 0, "gray": 128}[background]
    for place in np.ndindex(expected.shape):
        expected[place] = over(rgba[place], rgba[(*place[:2], 3)], level)
    assert (rgba[..., 3] < 255).any()
    found = decode(content, Form(None, 3, background))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(laid_on(rgba.astype(np.uint8), background), expected)
    gray = decode(content, Form(None, 1, background))
    luma = expected @ [0.299, 0.587, 0.114]
    assert np.abs(gray[..., 0] - luma).max() < 2


def test_the_background_is_white_unless_another_one_is_asked_for():
    for content, _ in IMAGES.values():
        found = decode(content, AS_STORED)
        white = decode(content, AS_STORED._replace(background="white"))
        np.testing.assert_array_equal(found, white)


@pytest.mark.parametrize("form", [AS_STORED, Form(None, 3), Form(None, 1), Form(5, None)])
def test_the_shape_is_known_before_the_pixels(form):
    for content, _ in IMAGES.values():
        assert sample_shape(io.BytesIO(content), form) == decode(content, form).shape


def test_what_lies_hidden_in_transparent_pixels_is_not_seen():
    picture, other = noise(6, 6, 4), 255 - noise(6, 6, 4)
    picture[..., 3] = other[..., 3] = np.tri(6, dtype=np.uint8) * 255
    other[picture[..., 3] > 0] = picture[picture[..., 3] > 0]
    one, two = (decode(encoded(Image.fromarray(x)), Form(4, None)) for x in (picture, other))
    assert (picture != other).any()
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_opaque_images_are_what_they_are(kind):
    rgba = noise(8, 8, 4)
    rgba[..., 3] = 255
    content = encoded(Image.fromarray(rgba), kind, lossless=True)
    for background in BACKGROUNDS:
        found = decode(content, Form(None, None, background))
        np.testing.assert_array_equal(found, rgba[..., :3])
