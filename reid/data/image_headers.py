"""What a file says about its picture before anything is decoded: format, size, orientation, and whether it is whole.

Decoders are generous: they fill the missing part of a truncated JPEG with grey, read past a damaged part of a PNG, and
set aside whatever memory a forged header asks for. The checks here follow from the formats themselves, so that no good
picture fails them.
"""

import functools
import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from reid.errors import DataError

_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_FOREIGN = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "gzip-compressed data",
    b"%PDF": "a PDF",
    b"\x93NUMPY": "a NumPy array",
    b"version https://git-lfs": "a Git LFS pointer; fetch the real file with `git lfs pull`",
    b"\0\0\0\x0cjP  ": "JPEG 2000, which is not supported",
    b"\xff\x0a": "JPEG XL, which is not supported",
    b"\0\0\1\0": "an icon, which is not supported",
    b"<!doctype html": "HTML, perhaps the error page of a failed download",
    b"<html": "HTML, perhaps the error page of a failed download",
    b"<head": "HTML, perhaps the error page of a failed download",
    b"<svg": "SVG, which is not supported",
    b"<?xml": "XML or SVG, which are not supported",
}


class Size(NamedTuple):
    """Pixels of a picture as its header claims them, before the orientation is applied."""

    width: int
    height: int


class JpegHeader(NamedTuple):
    """What a JPEG says of itself: size, number of colour components (1, 3 or 4), EXIF orientation (1..8)."""

    size: Size
    components: int
    orientation: int


def image_format(content: bytes) -> str:
    """The format of an image by its first bytes: "JPEG", "PNG", "GIF", "BMP", "TIFF", "WebP" or "PPM" (binary only).

    Raises:
        DataError: it is none of these; the message says what it looks like.
    """
    for magic, name in _MAGIC.items():
        if content.startswith(magic):
            return name
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "WebP"
    # The plain-text variants P1..P3 cannot tell a truncated last number from a whole one.
    if content.startswith((b"P4", b"P5", b"P6")) and content[2:3].isspace():
        return "PPM"
    raise DataError(_looks_like(content))


def _looks_like(content: bytes) -> str:
    if not content:
        return "it is empty (0 bytes)"
    beginning = content[:1024]
    if not beginning.strip(b"\0"):
        return "it begins with nothing but zero bytes"
    words = beginning.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, name in _FOREIGN.items():
        if beginning.startswith(magic) or words.startswith(magic):
            return f"it looks like {name}"
    if content[4:8] == b"ftyp":
        return "it looks like AVIF, HEIC or a video, none of which is supported"
    if not re.search(rb"[^\t\n\r -~]", beginning):
        return "it looks like text"
    return f"it is in no image format that is known here (it begins with the bytes {content[:8].hex(' ')})"


# A marker is 0xFF and a code. In coded data 0xFF is followed by 0 or by a restart code; 01 has no content either.
_NO_MARKERS = frozenset({0x00, 0x01, *range(0xD0, 0xD8), 0xFF})
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_END, _SCAN, _APP1 = 0xD9, 0xDA, 0xE1
_PROGRESSIVE = 0xC2
_FRAMES = {0xC0, 0xC1, _PROGRESSIVE}
_RARE_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}


def read_jpeg_header(content: bytes) -> JpegHeader:
    """Size, components and orientation of a JPEG that is there to its end.

    Raises:
        DataError: the end is missing, there are fewer bytes than a picture of this size can possibly take, or it is
            of a kind that is not supported.
    """
    frame, orientation, scanned = None, 1, False
    for code, begin, end in _jpeg_segments(content):
        if code == _SCAN and frame is not None:
            if not scanned:
                frame.check_bytes(len(content) - end)
            scanned = True
            # Coded data never holds the end marker, so that a picture of one scan need not be searched for it.
            whole = content[begin + 2 : begin + 3] == bytes([frame.components]) and content.endswith(b"\xff\xd9")
            if whole and not frame.progressive:
                break
        elif code in _FRAMES:
            frame = _read_frame(content[begin + 2 : end], progressive=code == _PROGRESSIVE)
        elif code == _APP1 and content.startswith(b"Exif\0\0", begin + 2):
            orientation = exif_orientation(content[begin + 8 : end])
        elif code in _RARE_FRAMES:
            raise DataError(f"it is a rare kind of JPEG (frame type {code - 0xC0}), which is not supported")
        elif code == _END:
            break
    else:
        raise DataError("it is truncated: the JPEG has no end marker")
    if frame is None or not scanned:
        raise DataError("it is a JPEG without a picture in it")
    return JpegHeader(frame.size, frame.components, orientation)


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker code, first byte after it, and end of its segment, for one marker after the other."""
    end = 2
    while end + 2 <= len(content):
        if content[end] != 0xFF or content[end + 1] in _NO_MARKERS:
            marker = _MARKER.search(content, end)
            if marker is None:
                return
            end = marker.start()
        code, begin = content[end + 1], end + 2
        end = begin + int.from_bytes(content[begin : begin + 2], "big")
        yield code, begin, end


class _JpegFrame(NamedTuple):
    size: Size
    components: int
    progressive: bool
    blocks: int  # of 8x8 coefficients

    def check_bytes(self, available: int) -> None:
        """Huffman codes have at least one bit, and every block has one for its mean and, unless the picture is
        progressive, one that says that nothing more follows.
        """
        least = self.blocks * (1 if self.progressive else 2) // 8
        if available < least:
            raise DataError(
                f"it claims {self.size.width} x {self.size.height} pixels, which take at least {least} bytes "
                f"of JPEG data, but only {available} are there: truncated or forged"
            )


@functools.lru_cache(maxsize=256)  # a dataset has few different ones, and this takes longer than reading the rest
def _read_frame(segment: bytes, *, progressive: bool) -> _JpegFrame:
    try:
        bits, height, width, components = struct.unpack_from(">BHHB", segment)
        sampling = [segment[7 + 3 * i] for i in range(components)]
    except (struct.error, IndexError):
        raise DataError("it is truncated: the JPEG ends in its header") from None
    across, down = [s >> 4 for s in sampling], [s & 15 for s in sampling]
    if bits != 8 or components not in {1, 3, 4} or not (width and height and all(across) and all(down)):
        raise DataError(
            f"it is a JPEG of {width} x {height} pixels with {components} components of {bits} bits, "
            "which is not supported"
        )
    blocks = sum(
        -(-width * x // (8 * max(across))) * -(-height * y // (8 * max(down)))
        for x, y in zip(across, down, strict=True)
    )
    return _JpegFrame(Size(width, height), components, progressive, blocks)


def read_png_size(content: bytes) -> Size:
    """Size of a PNG whose necessary parts are all there and agree with their checksums.

    Raises:
        DataError: the end is missing, or a part is damaged.
    """
    view, position, kind = memoryview(content), 8, b""
    while kind != b"IEND":
        try:
            length, kind = struct.unpack_from(">I4s", content, position)
            (checksum,) = struct.unpack_from(">I", content, position + 8 + length)
        except struct.error:
            raise DataError("it is truncated: the PNG has no end") from None
        necessary = not kind[0] & 0x20 or kind == b"tRNS"
        if necessary and zlib.crc32(view[position + 4 : position + 8 + length]) != checksum:
            raise DataError(f"it is damaged: the checksum of PNG part {kind!r} at byte {position} differs")
        if position == 8 and (kind, length) != (b"IHDR", 13):
            raise DataError("it is damaged: the PNG does not begin with its header")
        position += 12 + length
    return Size(*struct.unpack_from(">II", content, 16))


def read_webp_size(content: bytes) -> Size:
    """Size of a WebP of any of its three kinds.

    Raises:
        DataError: the header is cut short or of no known kind.
    """
    kind = content[12:16]
    if len(content) >= 30:
        if kind == b"VP8X":
            return Size(1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little"))
        if kind == b"VP8L":
            packed = int.from_bytes(content[21:25], "little")
            return Size(1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))
        if kind == b"VP8 ":
            width, height = struct.unpack_from("<HH", content, 26)
            return Size(width & 0x3FFF, height & 0x3FFF)
    raise DataError("it is truncated or damaged: the WebP header is not whole")


def exif_orientation(exif: bytes) -> int:
    """EXIF orientation, 1 (upright) to 8, from a TIFF structure; 1 where there is none or it cannot be read."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (position,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, position)
        for entry in range(position + 2, position + 2 + 12 * entries, 12):
            tag, kind = struct.unpack_from(f"{order}HH", exif, entry)
            if tag == 0x0112:
                (value,) = struct.unpack_from(f"{order}{'I' if kind == 4 else 'H'}", exif, entry + 8)
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:  # a damaged note about the camera is no reason to refuse the picture
        return 1
    return 1
