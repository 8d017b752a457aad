"""Parts of pictures that boxes mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import photo

from reid.data.boxes import clip, cut
from reid.errors import DataError


@given(st.tuples(*[st.integers(-30, 60)] * 4), st.integers(1, 40), st.integers(1, 40))
def test_clipping_keeps_the_pixels_within(box, width, height):
    """Law: exactly the pixels of the frame that are in the box, or an error where there are none."""
    left, top, right, bottom = box
    wanted = {(x, y) for x in range(width) for y in range(height) if left <= x < right and top <= y < bottom}
    if not wanted:
        with pytest.raises(DataError, match=rf"box \({left}, {top}, {right}, {bottom}\) lies outside the frame"):
            clip(box, width, height)
        return
    left, top, right, bottom = clip(box, width, height)

    assert {(x, y) for x in range(left, right) for y in range(top, bottom)} == wanted


def test_cutting():
    """A view of the frame, and the box that it is."""
    frame = photo(40, 60)
    crop, box = cut(frame, (50, -3, 100, 20))

    assert np.array_equal(crop, frame[0:20, 50:60])
    assert box == (50, 0, 60, 20)
    assert np.shares_memory(crop, frame)
    with pytest.raises(DataError, match=r"box \(55, 0, 90, 20\) makes no image: it has 5 x 20 pixels; at least 8"):
        cut(frame, (55, 0, 90, 20))
