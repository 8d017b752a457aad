from dataclasses import replace

import numpy as np
import pytest

from reid.data.synthetic import vehicle_wheels as wheels
from reid.data.synthetic.bodywork import Bodywork
from reid.data.synthetic.mesh import Solid
from reid.data.synthetic.vehicle_surfaces import surfaces_of
from reid.data.synthetic.vehicle_traits import draw_vehicle

VEHICLE = draw_vehicle(0, 1)


def built(add, vehicle=VEHICLE):
    work = Bodywork(Solid(), vehicle, surfaces_of(vehicle.shape), (0.0, 0.0), (0.0, 0.0))
    add(work)
    return work.solid.mesh()


@pytest.mark.parametrize("add", [wheels.add_tyres, wheels.add_wheels])
def test_four_wheels_stand_on_the_ground_under_the_axles(add):
    """As high as the tyre, centred on the axles, on both sides."""
    mesh, shape = built(add), VEHICLE.shape

    assert mesh.points[:, 2].min() == pytest.approx(0.0, abs=1e-9)
    for axle in shape.axles:
        for sign in (1, -1):
            near = (np.abs(mesh.centres[:, 0] - axle) < shape.wheel) & (mesh.centres[:, 1] * sign > 0)
            assert near.sum() == len(mesh.colours) // 4


def test_treads_face_away_from_their_axle():
    """Only those that a camera can see are drawn, so they must point outwards."""
    mesh, shape = built(wheels.add_tyres), VEHICLE.shape
    treads = np.abs(mesh.normals[:, 1]) < 0.5
    axle = np.array(
        [[min(shape.axles, key=lambda x: abs(x - centre[0])), centre[1], shape.wheel] for centre in mesh.centres]
    )

    assert treads.sum() == 32
    assert (((mesh.centres - axle) * mesh.normals).sum(axis=1)[treads] > 0).all()


def test_arches_end_at_the_underside():
    """The dark gap around a wheel is cut into the body, not into the air below it."""
    mesh = built(wheels.add_wheels)
    arch = mesh.points[slice(*mesh.spans[0])]

    assert arch[:, 2].min() == pytest.approx(VEHICLE.shape.clearance)
    assert arch[:, 2].max() > 2 * VEHICLE.shape.wheel


@pytest.mark.parametrize(("spokes", "corners"), [(0, 16), (4, 12), (9, 27)])
def test_rims_have_as_many_spokes_as_asked_for(spokes, corners):
    """A star, or a plain cover."""
    mesh = built(wheels.add_wheels, replace(VEHICLE, spokes=spokes))
    rim = mesh.points[slice(*mesh.spans[3])]
    radii = np.hypot(rim[:, 0] - VEHICLE.shape.axles[0], rim[:, 2] - VEHICLE.shape.wheel)

    assert len(rim) == corners
    assert (radii < 0.3 * VEHICLE.shape.wheel).sum() == spokes
