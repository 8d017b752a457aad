"""Small pictures and their encodings, for the tests of everything that reads images."""

import functools
import io
from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def photo(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """(height, width, 3) uint8: smooth colours with texture, no two regions alike, so that turns and shifts show."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (max(2, height // 12), max(2, width // 12), 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth + random.normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)


def encode(picture: NDArray[np.uint8] | Image.Image, kind: str, **options: object) -> bytes:
    """A file in a format of Pillow's."""
    file = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(file, kind, **options)
    return file.getvalue()


def oriented(picture: NDArray[np.uint8] | Image.Image, kind: str, orientation: int, **options: object) -> bytes:
    """A file whose EXIF data says how the camera was held."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(picture, kind, exif=exif, **options)


@functools.cache
def files(height: int = 60, width: int = 50) -> Mapping[str, bytes]:
    """One good file of every kind that is read, by a name for the kind; 11 formats and variants."""
    picture = photo(height, width)
    image = Image.fromarray(picture)
    return MappingProxyType(
        {
            "JPEG": oriented(picture, "JPEG", 6, quality=90),
            "progressive JPEG": encode(picture, "JPEG", progressive=True),
            "grey JPEG": encode(image.convert("L"), "JPEG"),
            "CMYK JPEG": encode(image.convert("CMYK"), "JPEG"),
            "PNG": encode(picture, "PNG"),
            "palette PNG": encode(image.quantize(32), "PNG"),
            "GIF": encode(image.quantize(64), "GIF"),
            "WebP": encode(picture, "WEBP"),
            "BMP": encode(picture, "BMP"),
            "TIFF": encode(picture, "TIFF", compression="tiff_lzw"),
            "PPM": encode(picture, "PPM"),
        }
    )
