from collections import Counter

from reid.data.synthetic.vehicle_shapes import BODIES, draw_shape
from reid.rng import generator

SHAPES = [draw_shape(generator(0, "test", number)) for number in range(600)]


def test_all_body_types_drive_in_the_shares_of_traffic():
    """Saloons and hatchbacks are common, buses rare, none is missing."""
    counts = Counter(shape.body for shape in SHAPES)

    assert set(counts) == set(BODIES)
    assert min(counts["saloon"], counts["hatchback"]) > 3 * max(counts["bus"], counts["truck"])


def test_proportions_fit_together():
    """Axles lie within the length, the roof above the sills, the sills above the underside, windows between ends."""
    for shape in SHAPES:
        front, rear = shape.axles
        assert shape.front - shape.wheel > front > rear > -shape.front + shape.wheel
        assert shape.height > shape.belt + 0.3
        assert shape.belt > shape.nose > shape.clearance + 0.3
        assert shape.length > shape.bonnet + shape.screen + shape.slope + shape.tail + 0.2
        assert shape.deck <= shape.belt + 0.1
        assert (shape.cargo > 0) == (shape.body == "truck")
