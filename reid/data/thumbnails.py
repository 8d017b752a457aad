"""Small JPEGs of pictures, for galleries, pages and reports."""

import cv2
import numpy as np

from reid.data.resizing import Pixels

THUMBNAIL = 128
"""Longer side of thumbnails in pixels."""
_BYTES = 6 * 1024  # of a thumbnail of that size
_QUALITIES = (80, 65, 50, 35, 20)


def thumbnail(picture: Pixels, side: int = THUMBNAIL) -> bytes:
    """A small JPEG of a picture.

    Of quality 80, or of the first lower one that takes at most 6 KB (for `side` 128; in proportion to the area for
    another), down to 20.

    Args:
        picture: (H, W, 3) uint8 RGB.
        side: length of its longer side in pixels; a picture that is smaller keeps its size.
    """
    small = _shrunk(picture, side)
    colours = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    limit, content = _BYTES * side**2 // THUMBNAIL**2, b""
    for quality in _QUALITIES:
        content = cv2.imencode(".jpg", colours, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(content) <= limit:
            break
    return content


def _shrunk(picture: Pixels, side: int) -> Pixels:
    """By a whole number, which is quick, and then by less than 2; up to that number of pixels are lost at the edge."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if scale >= 1:
        return np.ascontiguousarray(picture)
    step = min(max(height, width) // side, height, width)
    if step > 1:
        rows, columns = height // step, width // step
        picture = np.asarray(
            cv2.resize(picture[: rows * step, : columns * step], (columns, rows), interpolation=cv2.INTER_AREA),
            dtype=np.uint8,
        )
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
