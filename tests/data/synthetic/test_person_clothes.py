from dataclasses import replace

import numpy as np
import pytest

from reid.data.synthetic import person_clothes as clothes
from reid.data.synthetic.dresser import Dresser
from reid.data.synthetic.person_body import stride
from reid.data.synthetic.person_traits import LOWER, PATTERNS, draw_person
from reid.data.synthetic.sketch import Sketch

GREEN, RED, SKIN = (0.0, 200.0, 0.0), (200.0, 0.0, 0.0), (1.0, 2.0, 3.0)
PERSON = replace(draw_person(0, 3), accent=GREEN, top=RED, bottom=RED, skin=SKIN, piping=None, sleeve=1.0)


def dressed(add, **traits):
    dresser = Dresser(Sketch(), replace(PERSON, **traits), stride(1.0, 0.4, 1.0), 0.0, np.array([0.0, 1.0, 0.0]))
    add(dresser)
    return dresser.sketch


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_but_plain_shows_the_second_colour(pattern):
    """On the shirt, over its first colour."""
    sketch = dressed(clothes.add_top, pattern=pattern)

    assert (GREEN in sketch.colours) == (pattern != "plain")
    assert RED in sketch.colours


def test_patterns_vary_with_their_size_and_place():
    """More stripes, a wider opening, another block."""
    for pattern in ("stripes", "block", "print", "open"):
        small, large = (dressed(clothes.add_top, pattern=pattern, pattern_size=size) for size in (0.2, 0.9))
        assert len(small.patches) != len(large.patches) or any(
            not np.array_equal(one, other) for one, other in zip(small.patches, large.patches, strict=True)
        )


@pytest.mark.parametrize("lower", LOWER)
def test_bare_legs_show_under_skirts_dresses_and_shorts_only(lower):
    """Trousers and coats cover them."""
    assert (SKIN in dressed(clothes.add_legs, lower=lower).colours) == (lower in {"shorts", "skirt", "dress"})


def test_a_long_hem_reaches_further_down():
    """Of skirt, dress and coat."""
    for lower in ("skirt", "dress", "coat"):
        short, long = (dressed(clothes.add_lower, lower=lower, hem=hem) for hem in (0.3, 0.8))
        assert min(table[0].min() for table in long.patches) < min(table[0].min() for table in short.patches) - 0.3


def test_a_coat_covers_the_stride():
    """Its hem is as wide as the step, so that no knee pokes through."""
    dresser = Dresser(
        Sketch(), replace(PERSON, lower="coat", hem=0.5), stride(1.6, 0.5, 1.0), 0.0, np.array([0, 1.0, 0])
    )
    clothes.add_lower(dresser)
    along = max(table[2].max() for table in dresser.sketch.patches)

    assert along > np.abs(dresser.pose.knees[:, 0]).max()


@pytest.mark.parametrize("sleeve", [0.0, 0.42, 1.0])
def test_sleeves_cover_their_share_of_the_arm(sleeve):
    """Skin shows unless the sleeve is long; hands are always bare."""
    sketch = dressed(clothes.add_arms, sleeve=sleeve)

    assert (RED in sketch.colours) == (sleeve > 0)
    assert sketch.colours.count(SKIN) == (6 if sleeve < 0.95 else 2)


def test_piping_runs_along_trousers():
    """A line of its own colour on both legs."""
    assert GREEN in dressed(clothes.add_legs, piping=GREEN, lower="trousers").colours
