"""The one way in which the size of a picture changes; a model stores the name of the rule it was trained with.

"area", the default, for each axis by itself: it grows by linear interpolation between pixel centres. It shrinks by a
factor f = n s, n = floor(f), in three steps: a filter (a, 1 - 2a, a) with a = (s^2 - 1) / 12 in whole 256ths, linear
interpolation at n evenly spaced points in every new pixel, and their mean. For whole factors that is exactly the mean
of the area; in between, the filter gives linear interpolation the variance of the widened triangle filter that Pillow
and torchvision shrink with. Fine patterns vanish as with an exact average over areas (OpenCV's INTER_AREA), the result
is nearer to Pillow's, and for factors below 2 it takes 40 % of the time.

"area-cubic" is the same with cubic interpolation. "bilinear" and "bicubic" are Pillow's filters, for models that were
trained with them elsewhere; they are the slowest.
"""

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
        interpolation: a key of `RULES`, see there.

    Raises:
        ShapeError: `image` is not (H, W, 3) uint8.
    """
    check_image(image)
    return RULES[interpolation](image, size)


def resize_centre(image: Pixels, size: Size, *, interpolation: str = "area") -> Pixels:
    """The middle of `image`: resized in proportion until it just covers `size` / 0.875, of which `size` is kept.

    For 224 x 224 that is the usual "shorter side to 256, centre crop 224". Arguments as for `resize`.
    """
    return _middle(image, size, (round(size[0] / _CENTRE), round(size[1] / _CENTRE)), interpolation)


def resize_cover(image: Pixels, size: Size, *, interpolation: str = "area") -> Pixels:
    """The middle of `image`: resized in proportion until it just covers `size`. Arguments as for `resize`."""
    return _middle(image, size, size, interpolation)


def _middle(image: Pixels, size: Size, covered: Size, interpolation: str) -> Pixels:
    check_image(image)
    (height, width), (tall, wide), (rows, columns) = size, covered, image.shape[:2]
    # The side that needs the larger factor fits exactly, the other overlaps.
    covering = (tall, columns * tall // rows) if tall * columns >= wide * rows else (rows * wide // columns, wide)
    whole = resize(image, covering, interpolation=interpolation)
    top, left = round((covering[0] - height) / 2), round((covering[1] - width) / 2)
    return np.ascontiguousarray(whole[top : top + height, left : left + width])


def check_image(image: Pixels) -> None:
    """Raises ShapeError unless `image` is (H, W, 3) uint8 with at least one pixel."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ShapeError(f"an image must be (height, width, 3) uint8, got {image.shape} {image.dtype}")


def _by_area(image: Pixels, size: Size, *, between: int) -> Pixels:
    (down, down_filter), (across, across_filter) = (_sampling(image.shape[axis], size[axis]) for axis in (0, 1))
    filtered: cv2.typing.MatLike = image
    if down_filter[0] or across_filter[0]:
        filtered = cv2.sepFilter2D(image, -1, across_filter, down_filter, borderType=cv2.BORDER_REPLICATE)
    fine = cv2.resize(filtered, (across * size[1], down * size[0]), interpolation=between)
    if (down, across) != (1, 1):
        fine = cv2.resize(fine, size[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(fine, dtype=np.uint8)


@functools.lru_cache(maxsize=1024)
def _sampling(old: int, new: int) -> tuple[int, NDArray[np.float64]]:
    """Points in every new pixel along an axis, and the filter before them."""
    points = max(1, old // new)
    step = max(1.0, old / (new * points))
    tail = round(256 * (step * step - 1) / 12) / 256  # OpenCV's own rounding would not keep the sum, and so the colour
    return points, np.array([tail, 1 - 2 * tail, tail])


def _by_pillow(image: Pixels, size: Size, *, filter_name: str) -> Pixels:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image))
    return np.array(picture.resize(size[::-1], Image.Resampling[filter_name]))


RULES: Mapping[str, Callable[[Pixels, Size], Pixels]] = {
    "area": functools.partial(_by_area, between=cv2.INTER_LINEAR),
    "area-cubic": functools.partial(_by_area, between=cv2.INTER_CUBIC),
    "bilinear": functools.partial(_by_pillow, filter_name="BILINEAR"),
    "bicubic": functools.partial(_by_pillow, filter_name="BICUBIC"),
}
