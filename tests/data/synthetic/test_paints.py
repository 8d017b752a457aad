from collections import Counter

import numpy as np

from reid.data.synthetic.paints import jittered, pick, weighted
from reid.rng import generator

RED, BLUE = (200.0, 0.0, 0.0), (0.0, 0.0, 200.0)


def test_colours_are_drawn_by_their_shares():
    """Three to one, whatever the shares add up to; all alike without shares."""
    random = generator(0, "test")

    assert 2200 < Counter(weighted(random, ((RED, 75), (BLUE, 25))) for _ in range(3000))[RED] < 2300 + 50
    assert 1400 < Counter(pick(random, (RED, BLUE)) for _ in range(3000))[RED] < 1600


def test_jitter_stays_near_and_inside_the_range():
    """The mean is the colour, and no channel is black or white."""
    random = generator(0, "test")
    colours = np.array([jittered(random, (120, 60, 235), 6.0) for _ in range(2000)])

    assert np.allclose(colours.mean(axis=0)[:2], (120, 60), atol=1)
    assert (colours >= 8).all()
    assert (colours <= 240).all()
