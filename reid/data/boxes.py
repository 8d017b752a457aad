"""Parts of pictures that boxes mean."""

import numpy as np
from numpy.typing import NDArray

from reid.data.image_headers import Size
from reid.data.pixels import check_size
from reid.errors import DataError

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""left, top, right, bottom of a crop in pixels of its frame; right and bottom are outside."""


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


def told(box: Box) -> str:
    """A box in a message."""
    return "({}, {}, {}, {})".format(*box)
