"""Pictures of a gallery's images: the part of a frame that a box means, and thumbnails."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.data.image_headers import Size
from reid.data.images import MAX_MEGAPIXELS, read_image
from reid.data.pixels import check_size
from reid.errors import DataError
from reid.gallery.entries import Box, Entry
from reid.text import printable

Pixels = NDArray[np.uint8]

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


def clip(box: Box, width: int, height: int) -> Box:
    """The part of a box that lies within a frame.

    Raises:
        DataError: no part of it does; the message begins with the box.
    """
    left, top, right, bottom = box
    within = max(0, left), max(0, top), min(width, right), min(height, bottom)
    if within[0] >= within[2] or within[1] >= within[3]:
        raise DataError(f"box {told(box)} lies outside the frame, which has {width} x {height} pixels")
    return within


def cut(frame: Pixels, box: Box) -> tuple[Pixels, Box]:
    """The crop that a box means, as a view of the frame, and its box within the frame.

    Args:
        frame: (H, W, 3) uint8.
        box: in pixels of the upright frame; what reaches over its edge is left out.

    Raises:
        DataError: the box lies outside the frame, or what is left is too small or narrow for an image.
    """
    height, width = frame.shape[:2]
    left, top, right, bottom = within = clip(box, width, height)
    try:
        check_size(Size(right - left, bottom - top))
    except DataError as error:
        raise DataError(f"box {told(box)} makes no image: {error}") from error
    return frame[top:bottom, left:right], within


def read_picture(entry: Entry, *, max_megapixels: float = MAX_MEGAPIXELS) -> Pixels:
    """(H, W, 3) uint8 RGB picture of an image in a gallery, read from its file.

    Raises:
        MissingInputError: its file is not there.
        DataError: it is not a readable image, or the box lies outside it.
    """
    picture = read_image(Path(entry.path), max_megapixels=max_megapixels)
    if entry.box is None:
        return picture
    try:
        return np.ascontiguousarray(cut(picture, entry.box)[0])
    except DataError as error:
        raise DataError(f"{printable(entry.path)}: {error}") from error


def told(box: Box) -> str:
    """A box in a message."""
    return "({}, {}, {}, {})".format(*box)
