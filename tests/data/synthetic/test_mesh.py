import math

import numpy as np
import pytest

from reid.data.synthetic.mesh import Solid, View, look, paint, shade

SQUARE = np.array([[0.0, -1, -1], [0, 1, -1], [0, 1, 1], [0, -1, 1]])
UP = np.array([0.0, 0.0, 1.0])


def canvas_of(*faces):
    """64x64 pixels, looked at along -x from 10 m; the square fills most of it."""
    solid = Solid()
    for corners, colour, normal, layer, place in faces:
        solid.face(corners, colour, normal, layer=layer, place=place)
    view = look(0.0, 0.0, 10.0, (0.0, 0.0, 0.0))
    canvas = np.zeros((64, 64, 3), dtype=np.uint8)
    paint(canvas, solid.mesh(), View(view.eye, view.axes, 250.0, (32.0, 32.0)), UP)
    return canvas


@pytest.mark.parametrize("azimuth", [0.0, 1.0, -2.5])
@pytest.mark.parametrize("elevation", [0.0, 0.6])
def test_a_camera_looks_at_its_target(azimuth, elevation):
    """The target is in the middle, up is up, and what is nearer is larger."""
    view = look(azimuth, elevation, 8.0, (0.3, -0.2, 0.7))
    target = np.array([0.3, -0.2, 0.7])
    toward = (view.eye - target) / 8.0

    assert np.allclose(view.project(target[None]), 0.0, atol=1e-12)
    assert view.project((target + UP)[None])[0, 1] < 0
    assert math.isclose(np.linalg.norm(view.eye - target), 8.0)
    sizes = [
        np.ptp(view.project(np.stack([target + z * toward, target + z * toward + 0.1 * UP]))[:, 1]) for z in (0, 2)
    ]
    assert sizes[1] > sizes[0]


def test_left_is_right_for_who_looks_into_the_face():
    """From the front an object's left side (y > 0) is on the right of the picture."""
    assert look(0.0, 0.0, 5.0, (0.0, 0.0, 0.0)).project(np.array([[0.0, 1.0, 0.0]]))[0, 0] > 0


def test_faces_that_look_away_are_not_drawn():
    """A normal away from the camera hides a face, none at all never does."""
    assert canvas_of((SQUARE, (200, 0, 0), (1, 0, 0), 0, (0, 0))).any()
    assert not canvas_of((SQUARE, (200, 0, 0), (-1, 0, 0), 0, (0, 0))).any()
    assert canvas_of((SQUARE, (200, 0, 0), (0, 0, 0), 0, (0, 0)))[32, 32].tolist() == [200, 0, 0]


def test_layers_then_nearness_then_order_decide_what_covers_what():
    """A higher layer covers a lower one, a near piece a far one, the later of two equals the earlier."""
    red, green, flat = (200, 0, 0), (0, 200, 0), (0, 0, 0)

    def middle(*faces):
        return canvas_of(*faces)[32, 32].argmax()

    assert middle((SQUARE, red, flat, 1, (0, 0)), (SQUARE, green, flat, 0, (9, 0))) == 0
    assert middle((SQUARE, red, flat, 0, (3, 0)), (SQUARE, green, flat, 0, (-3, 0))) == 0
    assert middle((SQUARE, red, flat, 0, (0, 0)), (SQUARE, green, flat, 0, (0, 0))) == 1


def test_light_falls_on_faces_that_turn_to_it():
    """Lit, grazed and averted faces are ever darker; none is darker than the ambient share."""
    colours = np.full((3, 3), 100.0)
    normals = np.array([[0.0, 1, 0], [0.8, 0.6, 0], [0, -1, 0]])
    lit, grazed, averted = shade(colours, normals, np.array([0.0, 1.0, 0.0]), 0.5)[:, 0]

    assert lit > grazed > averted == 50.0


def test_unshaded_faces_keep_their_colour():
    """A zero normal means paper, not paint."""
    assert np.array_equal(shade(np.array([[10.0, 20, 30]]), np.zeros((1, 3)), UP, 0.5), [[10, 20, 30]])


def test_a_solid_hands_over_what_it_collected():
    """Spans cut the points into the faces given, centres are their means, normals have unit length."""
    solid = Solid()
    triangle = SQUARE[:3] + 5
    solid.face(SQUARE, (1, 2, 3), (0, 0, 4), layer=2.0)
    solid.face(triangle, (4, 5, 6), layer=1.0, place=(1.0, 2.0))
    mesh = solid.mesh()

    assert np.array_equal(mesh.points[slice(*mesh.spans[1])], triangle)
    assert np.allclose(mesh.centres, [SQUARE.mean(axis=0), triangle.mean(axis=0)])
    assert np.allclose(mesh.normals, [[0, 0, 1], [0, 0, 0]])
    assert np.array_equal(mesh.hull, mesh.points)
