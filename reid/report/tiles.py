"""Pixels of rank lists: images on tiles of equal size, laid out in lines, with coloured frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

WIDTH = 180
"""Width of a tile in pixels."""
FRAME = 5
"""Width of a frame in pixels."""

_PAPER: Colour = (255, 255, 255)
_EMPTY: Colour = (238, 238, 238)
_FLATTEST, _TALLEST = 0.6, 2.2


@dataclass(frozen=True, eq=False)
class Framed:
    """An image, the colour of its frame, and where it goes.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        colour: of the frame, RGB.
        line: from the top, from 0.
        column: from the left; 0 is the query's, which stands a little apart.
    """

    image: Pixels
    colour: Colour
    line: int
    column: int


@dataclass(frozen=True)
class Layout:
    """Where tiles are, in pixels from the top left corner.

    Attributes:
        lines: number of lines.
        columns: number of tiles in a line.
        height: height of a tile.
        top: space above the first line, such as for a title.
        bottom: space below the last line.
        caption: space for the words under a tile.
    """

    lines: int
    columns: int
    height: int
    top: int
    bottom: int
    caption: int
    margin: int = 16
    gap: int = 12
    apart: int = 26

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        right, _ = self.corner(0, self.columns - 1)
        _, below = self.corner(self.lines, 0)
        return right + WIDTH + self.margin, below - self.gap + self.bottom

    def corner(self, line: int, column: int) -> tuple[int, int]:
        """The top left corner of a tile."""
        left = self.margin + column * (WIDTH + self.gap) + (self.apart if column else 0)
        return left, self.top + line * (self.height + self.caption + self.gap)


def tile_height(images: Sequence[Pixels]) -> int:
    """Height of tiles that suits most of the images: the median of their heights at the width of a tile."""
    shapes = [image.shape[0] / image.shape[1] for image in images]
    return round(WIDTH * float(np.clip(np.median(shapes), _FLATTEST, _TALLEST)))


def compose(tiles: Sequence[Framed], layout: Layout) -> Pixels:
    """The picture without words, (H, W, 3) uint8 RGB."""
    width, height = layout.size
    picture = np.full((height, width, 3), _PAPER, dtype=np.uint8)
    for tile in tiles:
        left, top = layout.corner(tile.line, tile.column)
        area = picture[top : top + layout.height, left : left + WIDTH]
        area[:] = tile.colour
        inside = area[FRAME:-FRAME, FRAME:-FRAME]
        inside[:] = _EMPTY
        fit(tile.image, inside)
    return picture


def fit(image: Pixels, area: Pixels) -> None:
    """Write `image` into the middle of `area`, both (height, width, 3), as large as fits without distortion."""
    scale = min(area.shape[0] / image.shape[0], area.shape[1] / image.shape[1])
    height, width = (max(1, round(scale * side)) for side in image.shape[:2])
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (area.shape[0] - height) // 2, (area.shape[1] - width) // 2
    area[top : top + height, left : left + width] = resized
