import numpy as np
import pytest

from reid.data.synthetic.bodywork import ON_BODY, Bodywork, bent, rectangle
from reid.data.synthetic.mesh import Solid
from reid.data.synthetic.vehicle_surfaces import surfaces_of
from reid.data.synthetic.vehicle_traits import draw_vehicle

RED = (200, 0, 0)


@pytest.fixture
def work():
    vehicle = draw_vehicle(0, 1)
    return Bodywork(Solid(), vehicle, surfaces_of(vehicle.shape), (0.0, 0.0), (0.0, 0.0))


def test_bending_adds_points_without_changing_the_shape():
    """The old corners stay in order, and the new ones lie on the edges."""
    corners = rectangle(-1, 2, 0, 4)
    finer = bent(corners)

    assert np.array_equal(finer[::4], corners)
    assert finer[1].tolist() == [-0.25, 0]
    assert np.array_equal(finer.min(axis=0), [-1, 0])
    assert np.array_equal(finer.max(axis=0), [2, 4])


def test_polygons_land_on_the_surface_that_was_named(work):
    """On the doors of one side, on the front, on the rear, facing outwards from there."""
    at = rectangle(0.2, 0.4, 0.3, 0.5)
    work.on_side(1.0, at, RED)
    work.on_side(-1.0, at, RED, tilt=0.5, layer=7.0)
    work.on_nose(at, RED)
    work.on_rear(at, RED)
    mesh = work.solid.mesh()

    assert mesh.centres[0, 1] > 0 > mesh.centres[1, 1]
    assert mesh.centres[2, 0] > 0.6 * work.shape.front
    assert mesh.centres[3, 0] < -0.6 * work.shape.front
    assert mesh.layers.tolist() == [ON_BODY, 7.0, ON_BODY, ON_BODY]
    assert mesh.normals[1, 2] > 0
    assert ((mesh.centres * mesh.normals).sum(axis=1) > 0).all()
