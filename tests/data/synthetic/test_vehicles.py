from dataclasses import replace

import numpy as np
import pytest

from reid.data.synthetic.bodywork import BODY, CABIN, ON_BODY
from reid.data.synthetic.vehicle_shapes import BODIES
from reid.data.synthetic.vehicle_traits import draw_vehicle
from reid.data.synthetic.vehicles import vehicle_mesh

FLEET = {}
for _identity in range(600):
    _vehicle = draw_vehicle(0, _identity)
    FLEET.setdefault(_vehicle.shape.body, []).append(_vehicle)


@pytest.fixture(params=BODIES)
def vehicle(request):
    return FLEET[request.param][0]


def test_all_body_types_are_in_traffic():
    """Six hundred vehicles show every body type."""
    assert set(FLEET) == set(BODIES)


def test_vehicles_stand_on_the_ground_inside_their_hull(vehicle):
    """Wheels touch z = 0, and no face reaches far beyond the points that frame the vehicle."""
    mesh = vehicle_mesh(vehicle)

    assert np.isfinite(mesh.points).all()
    assert mesh.points[:, 2].min() == pytest.approx(0.0, abs=1e-9)
    margin = [0.13, 0.2, 0.05]  # plates are on the middle of rounded bumpers, and mirrors stand out
    assert (mesh.points.min(axis=0) >= mesh.hull.min(axis=0) - margin).all()
    assert (mesh.points.max(axis=0) <= mesh.hull.max(axis=0) + margin).all()


def test_faces_look_outwards(vehicle):
    """A normal that points inwards would leave a hole in the body, the cabin or the cargo box."""
    mesh = vehicle_mesh(vehicle)
    length, belt = vehicle.shape.length, vehicle.shape.belt
    body = mesh.layers == BODY
    spine = mesh.centres * [1, 0, 0]  # straight inside each face of the lower body, but not beyond its ends
    spine[:, 0] = spine[:, 0].clip(-0.3 * length, 0.3 * length)
    spine[:, 2] = 0.6 * belt
    assert (((mesh.centres - spine) * mesh.normals).sum(axis=1)[body] > -0.12).all()
    for place in np.unique(mesh.places[mesh.layers == CABIN], axis=0):
        rows = (mesh.layers == CABIN) & (mesh.places == place).all(axis=1)
        if place[1] == 0:  # not the mirrors, whose faces look both ways
            outward = mesh.centres[rows] - mesh.centres[rows].mean(axis=0)
            assert ((outward * mesh.normals[rows]).sum(axis=1) > 0).all()


def test_both_sides_are_drawn_alike(vehicle):
    """Apart from marks, tyres and body on the left mirror those on the right."""
    mesh = vehicle_mesh(replace(vehicle, marks=()))
    rows = mesh.layers <= ON_BODY

    def sorted_centres(sign):
        return sorted(np.round(mesh.centres[rows] * [1, sign, 1], 6).tolist())

    assert np.allclose(sorted_centres(1), sorted_centres(-1))


@pytest.mark.parametrize("roof", ["rails", "box", "sunroof", "rack", "taxi", "beacons"])
def test_roof_loads_add_faces_on_the_roof(roof):
    """Every load is seen from above and counted in the frame of the picture where it stands up."""
    plain = replace(FLEET["saloon"][0], roof="plain", spoiler=False)
    bare, loaded = vehicle_mesh(plain), vehicle_mesh(replace(plain, roof=roof))

    assert len(loaded.colours) > len(bare.colours)
    assert loaded.hull[:, 2].max() > bare.hull[:, 2].max() or roof == "sunroof"
