"""The content of an image file -> upright 8-bit RGB, by one documented rule for every kind of picture.

Grey is repeated in the three channels. 16 bits per channel keep their high byte. What is transparent lies on white,
as a page would show it. CMYK becomes (1 - ink)(1 - black), Pillow's rule. EXIF orientation is applied. Colour
profiles are ignored. Of an animation only the first frame counts.

8-bit grey and RGB JPEGs, nearly all that a dataset holds, go to OpenCV, which is three times as fast; everything else
goes to Pillow, plug-in by plug-in, so that only the formats listed here are ever parsed.
"""

import functools
import io
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.data import image_headers
from reid.data.image_headers import Size
from reid.errors import DataError

if TYPE_CHECKING:
    from PIL import Image, ImageFile

Pixels = NDArray[np.uint8]

MIN_SIDE = 8
MAX_ELONGATION = 100
_RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION  # turned here, by the same rule as all other formats
_SIZE_READERS: Mapping[str, Callable[[bytes], Size]] = {
    "PNG": image_headers.read_png_size,
    "WebP": image_headers.read_webp_size,
}
_TIFF_BITS, _TIFF_MEANING, _TIFF_ORIENTATION = 258, 262, 274


def to_pixels(content: bytes, *, max_megapixels: float) -> tuple[Pixels, bool]:
    """The picture in the bytes of an image file.

    Args:
        content: the file's bytes.
        max_megapixels: larger pictures are refused before they are decoded.

    Returns:
        (H, W, 3) uint8 RGB, and whether it is the first of several frames.

    Raises:
        DataError: it is no usable picture; the message begins with "it".
    """
    kind = image_headers.image_format(content)
    if kind == "JPEG":
        header = image_headers.read_jpeg_header(content)
        check_size(header.size, max_megapixels)
        if header.components != 4:
            return _turn(_decode_jpeg(content, header.size), header.orientation), False
    elif kind in _SIZE_READERS:
        check_size(_SIZE_READERS[kind](content), max_megapixels)
    return _decode_with_pillow(content, kind, max_megapixels)


def _decode_with_pillow(content: bytes, kind: str, max_megapixels: float) -> tuple[Pixels, bool]:
    try:
        with _plugins()[kind](io.BytesIO(content)) as image:  # reads the header; pixels come with load()
            check_size(Size(*image.size), max_megapixels)
            image.load()
            return _turn(_to_rgb(image), _orientation(image)), _is_animated(image)
    except DataError:
        raise
    except Exception as error:  # Pillow reports damaged files with nearly every type of exception
        raise DataError(f"it is a damaged or truncated {kind} ({error})") from error


def pillow_pixels(image: "Image.Image", *, max_megapixels: float) -> Pixels:
    """A Pillow image, by the same rule as its file: (H, W, 3) uint8 RGB.

    Raises:
        DataError: it is no usable picture; the message begins with "it".
    """
    check_size(Size(*image.size), max_megapixels)
    try:
        return _turn(_to_rgb(image), _orientation(image))
    except DataError:
        raise
    except Exception as error:  # as above: an image that was opened is decoded only now
        raise DataError(f"it is a damaged or truncated picture ({error})") from error


def check_size(size: Size, max_megapixels: float = math.inf) -> None:
    """Raises DataError, which begins with "it", where a picture has too few or too many pixels or is too narrow."""
    short, long = sorted(size)
    if short < MIN_SIDE or long > MAX_ELONGATION * short:
        raise DataError(
            f"it has {size.width} x {size.height} pixels; at least {MIN_SIDE} on either side are needed, "
            f"and the longer side at most {MAX_ELONGATION} times the shorter"
        )
    if short * long > max_megapixels * 1e6:
        raise DataError(
            f"it has {size.width} x {size.height} pixels, more than the limit of {max_megapixels:g} megapixels; "
            "shrink it or raise the limit"
        )


def _decode_jpeg(content: bytes, size: Size) -> Pixels:
    try:
        pixels = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), _RGB)
    except cv2.error as error:
        raise DataError(f"it is a damaged JPEG ({error.err})") from error
    if pixels is None or pixels.shape != (size.height, size.width, 3):
        raise DataError("it is a damaged JPEG")
    return np.asarray(pixels, dtype=np.uint8)


_TURNS: Mapping[int, Callable[[Pixels], cv2.typing.MatLike]] = {
    2: lambda pixels: cv2.flip(pixels, 1),
    3: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_180),
    4: lambda pixels: cv2.flip(pixels, 0),
    5: cv2.transpose,
    6: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE),
    7: lambda pixels: cv2.flip(cv2.transpose(pixels), -1),
    8: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def _turn(pixels: Pixels, orientation: int) -> Pixels:
    turn = _TURNS.get(orientation)
    return pixels if turn is None else np.asarray(turn(pixels), dtype=np.uint8)


@functools.cache
def _plugins() -> Mapping[str, "Callable[[io.BytesIO], ImageFile.ImageFile]"]:
    """Pillow's reader of every format; `Image.open` would try all formats that anybody registered with it."""
    from PIL import (
        BmpImagePlugin,
        GifImagePlugin,
        JpegImagePlugin,
        PngImagePlugin,
        PpmImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

    return {
        "JPEG": JpegImagePlugin.JpegImageFile,
        "PNG": PngImagePlugin.PngImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
        "PPM": PpmImagePlugin.PpmImageFile,
        "WebP": WebPImagePlugin.WebPImageFile,
    }


def _to_rgb(image: "Image.Image") -> Pixels:
    if image.mode in {"F", "I"} and image.format == "TIFF":
        raise DataError("its pixels are signed, 32-bit or fractional numbers; save it with 8 or 16 bits per channel")
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _high_byte(image)
    if image.has_transparency_data:
        from PIL import Image

        picture = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return np.array(image.convert("RGB"))


def _high_byte(image: "Image.Image") -> Pixels:
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(_TIFF_BITS, (16,))[0]  # TIFF also has grey of 12 bits, and grey where 0 is white
    grey = (np.asarray(image).astype(np.uint16) >> (bits - 8)).astype(np.uint8)
    if tags.get(_TIFF_MEANING) == 0:
        grey = 255 - grey
    return np.repeat(grey[:, :, None], 3, axis=2)


def _orientation(image: "Image.Image") -> int:
    try:
        return int(image.getexif().get(_TIFF_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  as above; a damaged note about the camera is no reason to refuse the picture
        return 1


def _is_animated(image: "Image.Image") -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # noqa: BLE001  as above; a damaged second frame does not matter
        return True
