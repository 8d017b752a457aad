"""Where pixels of a rank list go."""

import numpy as np
import pytest

from reid.report.tiles import FRAME, WIDTH, Framed, Layout, compose, tile_height

LAYOUT = Layout(lines=2, columns=3, height=200, top=20, bottom=30, caption=40)


def plain(height: int, width: int, value: int = 100) -> np.ndarray:
    return np.full((height, width, 3), value, dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(50, 100), (400, 100), (1, 1), (1, 3000), (3000, 1), (200, 180)])
def test_images_keep_their_proportions(height, width):
    """An image fills its tile in one direction, is centred in the other, and is not distorted."""
    picture = compose([Framed(plain(height, width), (255, 0, 0), 1, 2)], LAYOUT)
    left, top = LAYOUT.corner(1, 2)
    inside = picture[top + FRAME : top + 200 - FRAME, left + FRAME : left + WIDTH - FRAME]
    rows, columns = np.nonzero((inside == 100).all(axis=2))
    tall, wide = np.ptp(rows) + 1, np.ptp(columns) + 1

    assert tall == inside.shape[0] or wide == inside.shape[1]
    assert abs(tall * width - wide * height) <= max(height, width)
    assert abs((rows.min() + rows.max()) - (inside.shape[0] - 1)) <= 1
    assert abs((columns.min() + columns.max()) - (inside.shape[1] - 1)) <= 1


def test_frames_are_on_equal_tiles():
    """The frame has its colour all around, and everything outside tiles is white."""
    picture = compose([Framed(plain(90, 90), (10, 20, 30), 0, 1)], LAYOUT)
    left, top = LAYOUT.corner(0, 1)
    tile = picture[top : top + 200, left : left + WIDTH].copy()
    picture[top : top + 200, left : left + WIDTH] = 255

    assert (tile[:FRAME] == (10, 20, 30)).all()
    assert (tile[-FRAME:] == (10, 20, 30)).all()
    assert (tile[:, :FRAME] == (10, 20, 30)).all()
    assert (tile[:, -FRAME:] == (10, 20, 30)).all()
    assert (picture == 255).all()


def test_tiles_do_not_overlap_and_fit_the_picture():
    """The query stands apart from the hits; the last tile ends before the margin."""
    width, height = LAYOUT.size
    lefts = [LAYOUT.corner(0, column)[0] for column in range(3)]

    assert lefts[1] - lefts[0] > lefts[2] - lefts[1] > WIDTH
    assert lefts[2] + WIDTH + LAYOUT.margin == width
    assert LAYOUT.corner(1, 0)[1] + LAYOUT.height + LAYOUT.caption + LAYOUT.bottom == height


def test_height_suits_most_images():
    """Persons get tall tiles, cars flat ones, extremes are bounded."""
    assert tile_height([plain(256, 128)] * 3 + [plain(10, 100)]) == 2 * WIDTH
    assert tile_height([plain(100, 100)]) == WIDTH
    assert tile_height([plain(1, 500)]) == round(0.6 * WIDTH)
    assert tile_height([plain(500, 1)]) == round(2.2 * WIDTH)
