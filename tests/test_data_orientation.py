"""Which way up: the orientation that metadata tell of, however wrong the rest of them is."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from cgan.data.decode import Form, decode, sample_shape
from tests.encoded_images import RGB, png, tiff, turned

AS_STORED = Form(None, None)
PIXELS = np.random.default_rng(0).integers(256, size=(16, 24, 3), dtype=np.uint8)
CORNERS = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}
"""EXIF's own words: where the stored row 0 and the stored column 0 are seen."""


def seen(stored, orientation):
    """The picture, put together pixel by pixel as EXIF says."""
    row, column = CORNERS[orientation]
    height, width = stored.shape[:2]
    lying = row in ("left", "right")
    picture = np.empty((width, height, 3) if lying else (height, width, 3), stored.dtype)
    for r in range(height):
        for c in range(width):
            along = {row: r, column: c}
            y = along["top"] if "top" in along else picture.shape[0] - 1 - along["bottom"]
            x = along["left"] if "left" in along else picture.shape[1] - 1 - along["right"]
            picture[y, x] = stored[r, c]
    return picture


def encoded(kind, **options):
    content = io.BytesIO()
    Image.fromarray(PIXELS).save(content, kind, **options)
    return content.getvalue()


def jpeg(exif=b"", *segments):
    """The smooth picture of these tests with segments of one's own."""
    content = encoded("jpeg", quality=95)
    if exif:
        segments = ((0xE1, b"Exif\0\0" + exif), *segments)
    added = b"".join(
        bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body for marker, body in segments
    )
    return content[:2] + added + content[2:]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("number", CORNERS)
@pytest.mark.parametrize("kind", ["png", "png, after the pixels", "webp", "jpeg"])
def test_every_orientation_is_followed_in_every_format(kind, number, order):
    exif = turned(number, order)
    content = {
        "png": lambda: png(PIXELS, 8, RGB, eXIf=exif),
        "png, after the pixels": lambda: png(PIXELS, 8, RGB, after=[(b"eXIf", exif)]),
        "webp": lambda: encoded("webp", lossless=True, exif=b"Exif\0\0" + exif),
        "jpeg": lambda: jpeg(exif),
    }[kind]()
    expected = seen(decode(jpeg(), AS_STORED) if kind == "jpeg" else PIXELS, number)
    np.testing.assert_array_equal(decode(content, AS_STORED), expected)
    assert sample_shape(io.BytesIO(content), AS_STORED) == expected.shape


def test_the_square_is_cut_from_the_upright_picture():
    content = png(PIXELS[:, :20], 8, RGB, eXIf=turned(6))
    expected = seen(PIXELS[:, 2:18], 6)
    np.testing.assert_array_equal(decode(content, Form(16, None)), expected)


SIX = (0x0112, 3, 1, struct.pack("<H", 6))
ODD = {
    "a resolution of bytes": (0x011A, 7, 1, b"\x48"),
    "a resolution over nothing": (0x011A, 5, 1, struct.pack("<I", 90)),
    "text as a number": (0x0128, 2, 4, b"abc"),
    "a directory that is not there": (0x8825, 4, 1, struct.pack("<I", 2**31)),
    "a directory that is this one": (0x8769, 4, 1, struct.pack("<I", 8)),
    "a type that is none": (0x010F, 99, 1, b"abcd"),
    "more than there is": (0x9286, 7, 2**31, struct.pack("<I", 26)),
    "many where there is one": (0x0100, 3, 500, struct.pack("<I", 8)),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("resolution", [(), ((0x0128, 3, 1, struct.pack("<H", 2)),)])
def test_other_tags_may_be_wrong(odd, resolution):
    exif = tiff(*sorted([SIX, ODD[odd], *resolution])) + bytes(8)
    upright = seen(decode(jpeg(), AS_STORED), 6)
    np.testing.assert_array_equal(decode(jpeg(exif), AS_STORED), upright)
    np.testing.assert_array_equal(
        decode(png(PIXELS, 8, RGB, eXIf=exif), AS_STORED), seen(PIXELS, 6)
    )


@pytest.mark.parametrize(
    "exif",
    [
        turned(0),
        turned(9),
        turned(65_535),
        tiff((0x0112, 2, 1, b"6")),
        tiff((0x0112, 5, 1, struct.pack("<I", 26))),
        tiff((0x0112, 3, 2, struct.pack("<HH", 6, 6))),
        tiff((0x0112, 7, 1, b"\x06")),
        turned(6)[:14],
        turned(6)[:19],
        turned(6)[:5],
        b"II*\0\xff\xff\xff\xff",
        b"no TIFF",
        b"\0",
    ],
)
def test_what_is_no_orientation_says_upright(exif):
    np.testing.assert_array_equal(decode(jpeg(exif), AS_STORED), decode(jpeg(), AS_STORED))
    np.testing.assert_array_equal(decode(png(PIXELS, 8, RGB, eXIf=exif), AS_STORED), PIXELS)


def test_a_number_of_another_whole_type_is_taken():
    for entry in ((0x0112, 4, 1, struct.pack("<I", 8)), (0x0112, 1, 1, b"\x08")):
        content = png(PIXELS, 8, RGB, eXIf=tiff(entry))
        np.testing.assert_array_equal(decode(content, AS_STORED), seen(PIXELS, 8))


def test_other_places_where_programs_write_it():
    profile = "\nexif\n      34\n" + (b"Exif\0\0" + turned(5)).hex()
    xmp = b'<rdf:Description tiff:Orientation="5"/>'
    for content in (
        png(PIXELS, 8, RGB, tEXt=b"Raw profile type exif\0" + profile.encode()),
        png(PIXELS, 8, RGB, iTXt=b"XML:com.adobe.xmp\0\0\0\0\0" + xmp),
        encoded("webp", lossless=True, xmp=xmp),
    ):
        np.testing.assert_array_equal(decode(content, AS_STORED), seen(PIXELS, 5))
    content = jpeg(b"", (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp))
    np.testing.assert_array_equal(decode(content, AS_STORED), seen(decode(jpeg(), AS_STORED), 5))
    both = jpeg(turned(3), (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp))
    np.testing.assert_array_equal(decode(both, AS_STORED), seen(decode(jpeg(), AS_STORED), 3))


@pytest.mark.parametrize("text", ["Raw profile type exif", "exif", "xmp", "transparency"])
def test_text_by_the_name_of_metadata_does_no_harm(text):
    content = png(PIXELS, 8, RGB, tEXt=text.encode() + b"\0\n\n\nno hexadecimal digits")
    np.testing.assert_array_equal(decode(content, AS_STORED), PIXELS)


@pytest.mark.parametrize(
    "segment",
    [
        (0xE2, b"MPF\0no index"),
        (0xE2, b"MPF\0MM\0*" + struct.pack(">IH", 8, 9)),
        (0xE2, b"ICC_PROFILE\0"),
        (0xED, b"Photoshop 3.0\0" + b"8BIM\x03\xed\0\0"),
        (0xE1, b""),
        (0xEC, b"Ducky"),
    ],
)
def test_other_metadata_of_a_jpeg_may_be_wrong(segment):
    content = jpeg(turned(6), segment)
    np.testing.assert_array_equal(decode(content, AS_STORED), seen(decode(jpeg(), AS_STORED), 6))
