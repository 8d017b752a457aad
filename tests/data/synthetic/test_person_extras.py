from dataclasses import replace

import numpy as np
import pytest

from reid.data.synthetic import person_extras as extras
from reid.data.synthetic.dresser import Dresser
from reid.data.synthetic.person_body import stride
from reid.data.synthetic.person_traits import BAGS, HAIRSTYLES, HATS, draw_person
from reid.data.synthetic.sketch import Sketch

GREEN, RED, BLUE = (0.0, 200.0, 0.0), (200.0, 0.0, 0.0), (0.0, 0.0, 200.0)
PERSON = replace(
    draw_person(0, 3),
    hair=GREEN,
    hat_colour=BLUE,
    bag_colour=RED,
    beard=False,
    hat="none",
    hairstyle="short",
    bag="none",
)


def dressed(add, **traits):
    dresser = Dresser(Sketch(), replace(PERSON, **traits), stride(1.0, 0.4, 1.0), 0.0, np.array([0.0, 1.0, 0.0]))
    add(dresser)
    return dresser.sketch


@pytest.mark.parametrize("hairstyle", HAIRSTYLES)
def test_every_head_but_a_bald_one_has_hair(hairstyle):
    """In the colour of the hair."""
    assert (GREEN in dressed(extras.add_head, hairstyle=hairstyle).colours) == (hairstyle != "bald")


def test_long_hair_falls_further_than_a_bob():
    """And a bob further than short hair."""
    lowest = []
    for hairstyle in ("long", "bob", "short"):
        sketch = dressed(extras.add_head, hairstyle=hairstyle)
        hair = [row for row, order in enumerate(sketch.orders[0]) if sketch.colours[order] == GREEN]
        lowest.append(min(sketch.patches[row][0].min() for row in hair))

    assert lowest == sorted(lowest)
    assert len(set(lowest)) == 3


@pytest.mark.parametrize("hat", HATS)
def test_every_hat_changes_the_head(hat):
    """Caps and beanies have the hat's colour, a hood that of the top."""
    colours = dressed(extras.add_head, hat=hat).colours

    assert (BLUE in colours) == (hat in {"cap", "beanie"})
    assert (PERSON.top in colours) == (hat == "hood")


def test_a_beard_has_the_colour_of_the_hair():
    """Also on a bald head."""
    assert GREEN in dressed(extras.add_head, hairstyle="bald", beard=True).colours


@pytest.mark.parametrize("bag", BAGS)
def test_every_bag_is_drawn_in_its_colour(bag):
    """And nothing without one."""
    assert (RED in dressed(extras.add_bag, bag=bag).colours) == (bag != "none")


@pytest.mark.parametrize("bag", ["shoulder", "handbag", "suitcase"])
def test_bags_are_carried_on_their_side(bag):
    """Left bags are drawn with the left, right ones with the right."""
    for side in (1.0, -1.0):
        ranks = np.array(dressed(extras.add_bag, bag=bag, bag_side=side).ranks)
        assert np.sign(ranks[np.abs(ranks[:, 2]) > 0, 2]).tolist() == [side] * (np.abs(ranks[:, 2]) > 0).sum()


def test_a_backpack_is_on_the_back():
    """Its place is behind the body, so that it covers the back from behind and is covered from the front."""
    sketch = dressed(extras.add_bag, bag="backpack")

    assert min(rank[1] for rank in sketch.ranks) < -0.2
