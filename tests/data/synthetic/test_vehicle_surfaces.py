import numpy as np
import pytest

from reid.data.synthetic.vehicle_shapes import BODIES, draw_shape
from reid.data.synthetic.vehicle_surfaces import surfaces_of
from reid.rng import generator

SHAPES = {}
for _number in range(600):
    _shape = draw_shape(generator(0, "test", _number))
    SHAPES.setdefault(_shape.body, _shape)
CORNERS = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
ACROSS = np.array([[-1.0, 0], [1, 0], [1, 1], [-1, 1]])
MIRROR = np.array([1.0, -1.0, 1.0])


@pytest.fixture(params=BODIES)
def surfaces(request):
    return surfaces_of(SHAPES[request.param])


def test_left_and_right_mirror_each_other(surfaces):
    """Sides, windows and box."""
    for place in (surfaces.side, surfaces.cabin_side, surfaces.box_side):
        assert np.allclose(place(1.0, CORNERS), place(-1.0, CORNERS) * MIRROR)


def test_faces_across_are_symmetrical(surfaces):
    """-u is the mirror image of u on nose, rear, bonnet, roof and windows."""
    flipped = ACROSS * [-1, 1]
    for place in (surfaces.nose, surfaces.rear, surfaces.bonnet, surfaces.roof, surfaces.box_rear):
        assert np.allclose(place(ACROSS), place(flipped) * MIRROR)
    for front in (True, False):
        assert np.allclose(surfaces.window(ACROSS, front=front), surfaces.window(flipped, front=front) * MIRROR)


def test_surfaces_are_where_they_belong(surfaces):
    """Nose ahead, rear behind, roof on top, sides outside, all within length, width and height."""
    shape = surfaces.shape
    assert surfaces.nose(ACROSS)[:, 0].min() > 0.6 * shape.front
    assert surfaces.rear(ACROSS)[:, 0].max() < -0.6 * shape.front
    assert np.allclose(surfaces.roof(ACROSS)[:, 2], shape.height)
    assert (surfaces.side(1.0, CORNERS)[:, 1] > 0.9 * shape.width / 2).all()
    assert surfaces.bonnet(ACROSS)[2:, 2] == pytest.approx(shape.belt)
    for points in (surfaces.nose(ACROSS), surfaces.rear(ACROSS), surfaces.side(1.0, CORNERS)):
        assert (np.abs(points[:, 0]) <= shape.front + 1e-9).all()
        assert (np.abs(points[:, 1]) <= shape.width / 2).all()


def test_corners_are_set_back_behind_the_middle(surfaces):
    """Bumpers are rounded in plan, in front and behind."""
    middle, corner = surfaces.lateral(0.0), surfaces.lateral(1.0)

    assert corner[2, 0] < middle[2, 0]
    assert corner[-3, 0] > middle[-3, 0]


def test_up_is_up_and_forward_is_forward(surfaces):
    """The second coordinate rises on every standing surface, the first runs to the front along the sides."""
    for points in (
        surfaces.nose(ACROSS),
        surfaces.rear(ACROSS),
        surfaces.side(1.0, CORNERS),
        surfaces.box_rear(ACROSS),
    ):
        assert points[2:, 2].min() > points[:2, 2].max() or not surfaces.shape.cargo
    assert surfaces.side(1.0, CORNERS)[1, 0] > surfaces.side(1.0, CORNERS)[0, 0]
    assert surfaces.roof(ACROSS)[2, 0] > surfaces.roof(ACROSS)[1, 0]
