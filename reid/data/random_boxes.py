"""Random rectangles inside a picture: what a random resized crop keeps, and what random erasing covers."""

import math
from collections.abc import Sequence
from typing import NamedTuple

Range = tuple[float, float]

_ATTEMPTS = 10
DRAWS = 2 * _ATTEMPTS + 2


class Box(NamedTuple):
    """A rectangle of whole pixels: rows top .. bottom - 1, columns left .. right - 1."""

    top: int
    left: int
    bottom: int
    right: int


def random_box(height: int, width: int, shares: Range, ratios: Range, draws: Sequence[float]) -> Box | None:
    """A rectangle whose share of the area is uniform and whose width / height is log-uniform, anywhere in a picture.

    Args:
        height: of the picture.
        width: of the picture.
        shares: smallest and largest share of the area.
        ratios: smallest and largest width / height.
        draws: `DRAWS` numbers in [0, 1), uniform and independent.

    Returns:
        The first of ten attempts that fits into the picture; None where none does.
    """
    low, high = math.log(ratios[0]), math.log(ratios[1])
    for attempt in range(0, 2 * _ATTEMPTS, 2):
        area = height * width * (shares[0] + draws[attempt] * (shares[1] - shares[0]))
        ratio = math.exp(low + draws[attempt + 1] * (high - low))
        across, down = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < across <= width and 0 < down <= height:
            top, left = int(draws[-2] * (height - down + 1)), int(draws[-1] * (width - across + 1))
            return Box(top, left, top + down, left + across)
    return None


def central_box(height: int, width: int, ratios: Range) -> Box:
    """The largest rectangle in the middle of a picture whose width / height is in `ratios`, as nearly as pixels allow."""
    ratio = min(max(width / height, ratios[0]), ratios[1])
    across, down = min(width, max(1, round(height * ratio))), min(height, max(1, round(width / ratio)))
    top, left = (height - down) // 2, (width - across) // 2
    return Box(top, left, top + down, left + across)
