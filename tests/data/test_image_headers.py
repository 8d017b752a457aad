"""Headers: what a file says of itself is read as decoders read it."""

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import encode, files, oriented, photo
from PIL import Image

from reid.data import image_headers
from reid.errors import DataError


@pytest.mark.parametrize("kind", files())
def test_format_by_first_bytes(kind):
    """Every kind of file is known by its beginning, whatever its name."""
    assert image_headers.image_format(files()[kind]) == kind.split()[-1]


def test_plain_text_bitmaps_are_not_read():
    """Numbers in text cannot show that the last one lost a digit."""
    with pytest.raises(DataError, match="looks like text"):
        image_headers.image_format(b"P3 1 1 255 10 20 30")


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    mode=st.sampled_from(["L", "RGB", "CMYK"]),
    progressive=st.booleans(),
    subsampling=st.integers(0, 2),
    restart=st.integers(0, 3),
    comment=st.binary(max_size=40),
)
def test_jpeg_header(*, width, height, mode, progressive, subsampling, restart, comment):
    """Size and components are those that Pillow reads, whatever segments, sampling and scans there are."""
    content = encode(
        Image.fromarray(photo(height, width)).convert(mode),
        "JPEG",
        progressive=progressive,
        subsampling=subsampling,
        restart_marker_rows=restart,
        comment=comment,
    )
    header = image_headers.read_jpeg_header(content)
    with Image.open(io.BytesIO(content)) as image:
        assert header == ((image.width, image.height), len(image.getbands()), 1)


@settings(max_examples=60, deadline=None)
@given(
    cut=st.floats(0, 1, exclude_max=True),
    progressive=st.booleans(),
    thumbnail=st.booleans(),
)
def test_every_beginning_of_a_jpeg_is_incomplete(cut, progressive, thumbnail):
    """No part of a JPEG passes for a whole one, not even where it holds a whole JPEG as its thumbnail."""
    app = b"\xff\xe1" + struct.pack(">H", 2 + len(files()["JPEG"])) + files()["JPEG"] if thumbnail else b""
    content = encode(photo(40, 40), "JPEG", progressive=progressive)
    content = content[:2] + app + content[2:]
    image_headers.read_jpeg_header(content)
    with pytest.raises(DataError, match=r"it is truncated|without a picture|claims"):
        image_headers.read_jpeg_header(content[: int(cut * len(content))])


def test_jpeg_with_rubbish_between_segments():
    """Fill bytes and stray bytes before a marker are passed over, as decoders do."""
    content = files()["JPEG"]
    header = image_headers.read_jpeg_header(content)
    table = content.index(b"\xff\xdb")
    for rubbish in (b"\xff\xff\xff", b"\0\0", b"abc\xff\0"):
        assert image_headers.read_jpeg_header(content[:table] + rubbish + content[table:]) == header
    assert image_headers.read_jpeg_header(content + b"trailing \xff\xd8 bytes") == header


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [(4, 12, "12 bits"), (9, 2, "2 components"), (11, 0, "not supported"), (7, 0, None), (1, 0xC3, "rare kind")],
)
def test_jpeg_of_an_unsupported_kind(offset, value, words):
    """12-bit, two-component and lossless JPEGs, and those without a size, are refused by name."""
    content = bytearray(encode(photo(64, 256), "JPEG"))
    frame = content.index(b"\xff\xc0")
    content[frame + offset] = value
    if words is None:
        content[frame + 8] = 0
    with pytest.raises(DataError, match=words or "not supported"):
        image_headers.read_jpeg_header(bytes(content))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])
def test_exif_orientation(order, kind):
    """Both byte orders, short and long numbers, among other tags."""
    for orientation in range(10):
        value = struct.pack(order + ("HH" if kind == 3 else "I"), *([orientation, 0] if kind == 3 else [orientation]))
        entries = struct.pack(f"{order}HHII", 0x010F, 3, 1, 5) + struct.pack(f"{order}HHI", 0x0112, kind, 1) + value
        exif = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, 2) + entries
        assert image_headers.exif_orientation(exif) == (orientation if 1 <= orientation <= 8 else 1)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_damaged_exif_means_upright(rest, beginning):
    """Whatever stands in the camera's notes, an orientation comes out."""
    assert 1 <= image_headers.exif_orientation(beginning + rest) <= 8


def test_png_size_and_checksums():
    """A PNG's size is read, and every changed byte of its necessary parts is noticed."""
    content = files()["palette PNG"]
    assert image_headers.read_png_size(content) == (50, 60)
    for at in range(8, len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 0x10
        with pytest.raises(DataError, match=r"damaged|truncated"):
            image_headers.read_png_size(bytes(damaged))


def test_webp_size():
    """All three kinds of WebP."""
    picture = photo(33, 77)
    extended = oriented(picture, "WEBP", 1)
    for content in (encode(picture, "WEBP"), encode(picture, "WEBP", lossless=True), extended):
        assert image_headers.read_webp_size(content) == (77, 33)
    assert len({content[12:16] for content in (encode(picture, "WEBP"), extended)}) == 2
    with pytest.raises(DataError, match="not whole"):
        image_headers.read_webp_size(extended[:20])
