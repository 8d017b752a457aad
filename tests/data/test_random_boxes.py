"""Random rectangles: inside the picture, of the shares and shapes asked for, anywhere."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reid import rng
from reid.data.random_boxes import DRAWS, central_box, random_box

SIDES = st.integers(1, 400)
SHARES = st.tuples(st.floats(0.01, 0.5), st.floats(0.5, 1))
RATIOS = st.tuples(st.floats(0.2, 1), st.floats(1, 5))


@settings(max_examples=200, deadline=None)
@given(SIDES, SIDES, SHARES, RATIOS, st.integers(0, 10**6))
def test_inside_and_as_asked(height, width, shares, ratios, seed):
    """A box lies in the picture; its share and shape are in range, to within the rounding of its sides."""
    box = random_box(height, width, shares, ratios, rng.generator(seed, "box").random(DRAWS).tolist())
    if box is None:
        return
    down, across = box.bottom - box.top, box.right - box.left
    assert 0 <= box.top < box.bottom <= height
    assert 0 <= box.left < box.right <= width
    assert (down - 0.5) * (across - 0.5) <= shares[1] * height * width
    assert (down + 0.5) * (across + 0.5) >= shares[0] * height * width
    assert (across - 0.5) / (down + 0.5) <= ratios[1]
    assert (across + 0.5) / (down - 0.5) >= ratios[0]


def test_distribution():
    """Shares are uniform, shapes log-uniform, places uniform over all that fit, corners included."""
    boxes = [
        random_box(400, 400, (0.1, 0.3), (0.5, 2.0), rng.generator(0, "box", i).random(DRAWS)) for i in range(4000)
    ]
    array = np.array([box for box in boxes if box is not None])
    assert len(array) == 4000
    down, across = array[:, 2] - array[:, 0], array[:, 3] - array[:, 1]
    share, shape = down * across / 160_000, np.log(across / down) / math.log(2)
    place = array[:, 0] / (400 - down)
    for values, low, high in ((share, 0.1, 0.3), (shape, -1, 1), (place, 0, 1)):
        counts = np.histogram(values, bins=8, range=(low, high))[0]
        assert np.abs(counts - 500).max() < 110
    small = [random_box(2, 2, (0.25, 0.25), (1, 1), rng.generator(0, "small", i).random(DRAWS)) for i in range(100)]
    assert {(box.top, box.left) for box in small if box is not None} == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_nothing_fits():
    """A wide box cannot lie in a narrow picture: no box after ten attempts."""
    assert random_box(100, 2, (0.9, 1.0), (5.0, 6.0), [0.5] * DRAWS) is None


@settings(max_examples=200, deadline=None)
@given(SIDES, SIDES, RATIOS)
def test_central_box(height, width, ratios):
    """The central box touches two opposite sides, is as nearly central as can be, and keeps a shape that was in range."""
    top, left, bottom, right = central_box(height, width, ratios)
    assert 0 <= top < bottom <= height
    assert 0 <= left < right <= width
    assert bottom - top == height or right - left == width
    assert abs(top - (height - bottom)) <= 1
    assert abs(left - (width - right)) <= 1
    if ratios[0] <= width / height <= ratios[1]:
        assert (top, left, bottom, right) == (0, 0, height, width)
