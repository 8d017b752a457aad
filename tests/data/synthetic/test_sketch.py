import math

import numpy as np
import pytest

from reid.data.synthetic.mesh import look
from reid.data.synthetic.sketch import Loft, Sketch

TUBE = Loft(np.array([0.0, 1.0]), np.array([0.3, 0.3]), np.array([0.1, 0.1]))


def polygon(azimuth, **patch):
    """The one patch of TUBE as a (K, 3) polygon; None where it is not seen."""
    sketch = Sketch()
    sketch.patch(TUBE, (1, 1, 1), np.array([0.0, 0.5, 1.0]), layer=1.0, **patch)
    sketch.limb([np.zeros(3), np.ones(3)], [0.1, 0.1], (2, 2, 2), layer=1.0)
    mesh = sketch.mesh(look(azimuth, 0.0, 10.0, (0.0, 0.0, 0.5)), azimuth, np.zeros((1, 3)))
    return mesh.points[slice(*mesh.spans[0])] if len(mesh.spans) == 2 else None


@pytest.mark.parametrize("azimuth", np.linspace(-3, 3, 7))
def test_the_outline_of_a_whole_tube_is_that_of_its_ellipse(azimuth):
    """Seen from the angle a, an ellipse of half axes 0.1 and 0.3 is sqrt((0.1 sin a)^2 + (0.3 cos a)^2) wide."""
    right = np.array([-math.sin(azimuth), math.cos(azimuth)])
    across = polygon(azimuth)[:, :2] @ right

    assert np.isclose(across.max(), math.hypot(0.1 * math.sin(azimuth), 0.3 * math.cos(azimuth)), rtol=1e-6)
    assert np.isclose(across.min(), -across.max())


@pytest.mark.parametrize("azimuth", np.linspace(-3, 3, 7))
def test_a_patch_lies_on_the_surface_and_on_its_visible_half(azimuth):
    """Every corner satisfies the ellipse's equation and faces the camera, within the angles asked for."""
    points = polygon(azimuth, start=-0.5, end=0.9)
    if points is None:
        assert abs(azimuth) > math.pi / 2
        return
    x, y = points[:, 0] / 0.1, points[:, 1] / 0.3

    assert np.allclose(x**2 + y**2, 1.0)
    assert ((np.arctan2(y, x) > -0.51) & (np.arctan2(y, x) < 0.91)).all()
    normals = np.stack([x / 0.1, y / 0.3], axis=1)
    assert (normals @ [math.cos(azimuth), math.sin(azimuth)] > -1e-6).all()


def test_a_patch_on_the_far_side_is_nothing():
    """It is left out."""
    assert polygon(0.0, start=math.pi - 0.4, end=math.pi + 0.4) is None
    assert polygon(math.pi, start=math.pi - 0.4, end=math.pi + 0.4) is not None


def test_a_patch_reaches_from_its_first_to_its_last_row():
    """Shorter patches are padded without growing."""
    assert np.ptp(polygon(0.0)[:, 2]) == 1.0


@pytest.mark.parametrize("azimuth", [0.0, 0.7, 2.0])
def test_a_limb_is_as_thick_as_asked_for_from_everywhere(azimuth):
    """Its outline encloses both joints by their radii and faces the camera."""
    view = look(azimuth, 0.2, 10.0, (0.0, 0.0, 0.0))
    ends, radii = np.array([[0.0, 0.1, 0.2], [0.3, -0.2, 1.0]]), [0.2, 0.1]
    sketch = Sketch()
    sketch.patch(TUBE, (1, 1, 1), np.array([0.0, 1.0]), layer=1.0)
    sketch.limb(list(ends), radii, (2, 2, 2), layer=1.0)
    mesh = sketch.mesh(view, azimuth, np.zeros((1, 3)))
    outline = mesh.points[slice(*mesh.spans[1])]
    flat, joints = outline @ view.axes[:2].T, ends @ view.axes[:2].T

    nearest = [np.linalg.norm(flat - joint, axis=1).min() for joint in joints]
    assert np.allclose(nearest, radii)
    assert np.array_equal(mesh.colours, [[1, 1, 1], [2, 2, 2]])


def test_faces_keep_the_order_in_which_they_were_added():
    """Patches and limbs may alternate: colours, layers and places stay with their shapes."""
    sketch = Sketch()
    for number in range(3):
        sketch.limb([np.zeros(3), np.ones(3)], [0.1, 0.1], (number, 0, 0), layer=number, place=(number, -number))
        sketch.patch(TUBE, (number, 1, 1), np.array([0.0, 1.0]), layer=number + 0.5)
    mesh = sketch.mesh(look(0.0, 0.0, 10.0, (0.0, 0.0, 0.0)), 0.0, np.zeros((1, 3)))

    assert mesh.colours[:, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert mesh.layers.tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert mesh.places[::2].tolist() == [[0, 0], [1, -1], [2, -2]]
    assert np.ptp(mesh.spans, axis=1).tolist() == [14, 28] * 3
