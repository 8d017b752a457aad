"""Bytes to pixels: the same picture from every decoder, and the rules for what is rare."""

import io

import cv2
import numpy as np
import pytest
from pictures import encode, files, oriented, photo
from PIL import Image

from reid.data.pixels import to_pixels
from reid.errors import DataError


@pytest.mark.parametrize("kind", files())
def test_layout(kind):
    """(H, W, 3) uint8 in one writable block of its own."""
    pixels, animated = to_pixels(files()[kind], max_megapixels=1)
    assert pixels.shape == ((50, 60, 3) if kind == "JPEG" else (60, 50, 3))  # that one lies on its side
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable
    assert not animated


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"keep_rgb": True}])
def test_jpeg_as_pillow_decodes_it(options):
    """OpenCV's JPEG decoder gives what Pillow's gives, to within rounding."""
    content = encode(photo(61, 43), "JPEG", quality=95, **options)
    with Image.open(io.BytesIO(content)) as image:
        wanted = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(to_pixels(content, max_megapixels=1)[0] - wanted).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg_turned_as_opencv_turns_it(orientation):
    """OpenCV has an EXIF reader of its own: an independent witness."""
    content = oriented(photo(40, 24), "JPEG", orientation)
    wanted = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.array_equal(to_pixels(content, max_megapixels=1)[0], wanted)


def test_cmyk_jpeg_is_turned_too():
    """The decoder for rare pictures obeys the same notes of the camera."""
    content = oriented(Image.fromarray(photo(40, 24)).convert("CMYK"), "JPEG", 6)
    assert to_pixels(content, max_megapixels=1)[0].shape == (24, 40, 3)


def test_tiff_grey_of_other_depths():
    """12 bits are scaled by their own depth, and grey where 0 is white is turned round."""
    image = Image.fromarray((np.arange(16 * 16, dtype=np.uint16) * 256).reshape(16, 16))
    pixels = to_pixels(encode(image, "TIFF", tiffinfo={262: 0}), max_megapixels=1)[0]
    assert np.array_equal(pixels[..., 0].ravel(), 255 - np.arange(256))
    packed = bytes(v for i in range(0, 256, 2) for v in (i, (i & 15) << 4 | (i + 1) >> 4, (i + 1 & 15) << 4))
    head = encode(Image.fromarray(np.zeros((16, 16), np.uint8)), "TIFF")
    # bits per sample 8 -> 12, bytes of the strip 256 -> 384
    content = bytearray(head.replace(b"\x02\x01\x03\0\x01\0\0\0\x08\0", b"\x02\x01\x03\0\x01\0\0\0\x0c\0"))
    at = content.index(b"\x17\x01") + 8
    content[at : at + 4] = (384).to_bytes(4, "little")
    content[-256:] = packed
    grey = to_pixels(bytes(content), max_megapixels=1)[0][..., 0].ravel()
    assert np.array_equal(grey, np.array([(i << 4 | i & 15) >> 4 for i in range(256)]))


def test_damage_inside_is_refused_with_the_format():
    """What only the decoder notices is reported with the format and its words."""
    content = bytearray(files()["TIFF"])
    content[200:400] = bytes(200)
    with pytest.raises(DataError, match="it is a damaged or truncated TIFF"):
        to_pixels(bytes(content), max_megapixels=1)


def test_damaged_second_frame_does_not_matter():
    """Only the first frame counts."""
    frames = [Image.fromarray(photo(24, 20, seed)).quantize(16) for seed in (1, 2)]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    pixels, _ = to_pixels(content[:-40], max_megapixels=1)
    assert np.array_equal(pixels, np.asarray(frames[0].convert("RGB")))
