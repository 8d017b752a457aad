"""The one way in which the size of a picture changes; a model stores the name of the rule it was trained with."""

import functools
from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.errors import ShapeError

Pixels = NDArray[np.uint8]
Size = tuple[int, int]  # height, width
_CENTRE = 0.875


def resize(image: Pixels, size: Size, *, interpolation: str = "area") -> Pixels:
    """`image` at another size; a new array even where the size stays.

    Args:
        image: (H, W, 3) uint8.
        size: (height, width) of the result.
        interpolation: a key of `RULES`. "area": a pixel is the mean of m x n linear interpolations evenly spaced over
            the area it covers, m and n being the factors by which the axes shrink, rounded up (for whole factors that
            is the mean of the area; an axis that grows is interpolated linearly); "area-cubic": likewise with cubic
            interpolation; "bilinear" and "bicubic": Pillow's filters, widened where they shrink, as torchvision has
            them, for models from elsewhere; slower.

    Raises:
        ShapeError: `image` is not (H, W, 3) uint8.
    """
    check_image(image)
    return RULES[interpolation](image, size)


def resize_centre(image: Pixels, size: Size, *, interpolation: str = "area") -> Pixels:
    """The middle of `image`: resized in proportion until it just covers `size` / 0.875, of which `size` is kept.

    For 224 x 224 that is the usual "shorter side to 256, centre crop 224". Arguments as for `resize`.
    """
    check_image(image)
    (height, width), (rows, columns) = size, image.shape[:2]
    tall, wide = round(height / _CENTRE), round(width / _CENTRE)
    # The side that needs the larger factor fits exactly, the other overlaps.
    covering = (tall, columns * tall // rows) if tall * columns >= wide * rows else (rows * wide // columns, wide)
    whole = resize(image, covering, interpolation=interpolation)
    top, left = round((covering[0] - height) / 2), round((covering[1] - width) / 2)
    return np.ascontiguousarray(whole[top : top + height, left : left + width])


def check_image(image: Pixels) -> None:
    """Raises ShapeError unless `image` is (H, W, 3) uint8 with at least one pixel."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ShapeError(f"an image must be (height, width, 3) uint8, got {image.shape} {image.dtype}")


def _by_area(image: Pixels, size: Size, *, enlarge: int) -> Pixels:
    # OpenCV's own average over fractional areas takes twice as long for factors below 2 and is no closer to Pillow.
    samples = [-(-old // new) for old, new in zip(image.shape, size, strict=False)]
    fine = cv2.resize(image, (samples[1] * size[1], samples[0] * size[0]), interpolation=enlarge)
    if samples != [1, 1]:
        fine = cv2.resize(fine, size[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(fine, dtype=np.uint8)


def _by_pillow(image: Pixels, size: Size, *, filter_name: str) -> Pixels:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image))
    return np.array(picture.resize(size[::-1], Image.Resampling[filter_name]))


RULES: Mapping[str, Callable[[Pixels, Size], Pixels]] = {
    "area": functools.partial(_by_area, enlarge=cv2.INTER_LINEAR),
    "area-cubic": functools.partial(_by_area, enlarge=cv2.INTER_CUBIC),
    "bilinear": functools.partial(_by_pillow, filter_name="BILINEAR"),
    "bicubic": functools.partial(_by_pillow, filter_name="BICUBIC"),
}
