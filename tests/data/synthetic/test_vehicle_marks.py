from collections import Counter

from reid.data.synthetic.vehicle_marks import draw_marks
from reid.data.synthetic.vehicle_shapes import draw_shape
from reid.rng import generator

SHAPES = [draw_shape(generator(0, "test", number)) for number in range(400)]
MARKS = [draw_marks(generator(0, "marks", number), shape, (90, 90, 90)) for number, shape in enumerate(SHAPES)]
LIMITS = {"bonnet": (-1, 1), "rear": (-1, 1), "roof": (-1, 1)}


def test_marks_lie_on_their_surfaces():
    """Corners within the surface's coordinates."""
    for mark in (mark for marks in MARKS for mark in marks):
        low, high = LIMITS.get(mark.surface, (0, 1))
        assert mark.corners[:, 0].min() >= low
        assert mark.corners[:, 0].max() <= high
        assert mark.corners[:, 1].min() >= -0.05
        assert mark.corners[:, 1].max() <= 1.1
        assert all(0 <= channel <= 255 for channel in mark.colour)


def test_plain_vehicles_are_common_and_no_surface_is_forgotten():
    """Some have no mark at all, so that shape and paint have to do; every kind of surface carries some."""
    assert 20 < sum(not marks for marks in MARKS) < 200
    counts = Counter(mark.surface for marks in MARKS for mark in marks)
    assert set(counts) == {"left", "right", "bonnet", "rear", "roof", "box left", "box right"}


def test_signs_are_on_boxes_where_there_are_any():
    """Vans and trucks carry theirs high up; cars have no box to put one on."""
    for shape, marks in zip(SHAPES, MARKS, strict=True):
        assert shape.body in {"van", "truck"} or not any(mark.surface.startswith("box") for mark in marks)
